"""SplitShard, MergeShards, UpdateShardCount: what they accept, what they make of the shards, how often they may run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pocketlake.embedded import run

from .conftest import SHARD, data, iterator, read, refusal

MIDDLE = str(2**127)
ACCOUNT = "000000000000"


@pytest.fixture(autouse=True)
def frozen(lake: Any) -> None:
    lake.clock.freeze()


def shard(number: int) -> str:
    return f"shardId-{number:012d}"


def shards(kinesis: Any, stream: str, **more: Any) -> dict[int, dict[str, Any]]:
    listed = kinesis.list_shards(StreamName=stream, **more)["Shards"]
    return {int(one["ShardId"][-12:]): one for one in listed}


def is_open(one: dict[str, Any]) -> bool:
    return "EndingSequenceNumber" not in one["SequenceNumberRange"]


def bounds(one: dict[str, Any]) -> tuple[int, int]:
    return int(one["HashKeyRange"]["StartingHashKey"]), int(one["HashKeyRange"]["EndingHashKey"])


def status(kinesis: Any, stream: str) -> str:
    return str(kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamStatus"])


def split(kinesis: Any, lake: Any, stream: str, number: int = 0, at: str = MIDDLE) -> None:
    kinesis.split_shard(StreamName=stream, ShardToSplit=shard(number), NewStartingHashKey=at)
    lake.clock.advance(seconds=1)


def merge(kinesis: Any, lake: Any, stream: str, lower: int, upper: int) -> None:
    kinesis.merge_shards(StreamName=stream, ShardToMerge=shard(lower), AdjacentShardToMerge=shard(upper))
    lake.clock.advance(seconds=1)


def resize(kinesis: Any, stream: str, count: int) -> dict[str, Any]:
    answer: dict[str, Any] = kinesis.update_shard_count(
        StreamName=stream, TargetShardCount=count, ScalingType="UNIFORM_SCALING"
    )
    return answer


@pytest.mark.claim("KDS-028", "KDS-029", "KDS-027")
def test_a_split_closes_the_parent_and_opens_two_children(lake: Any, kinesis: Any, stream: str) -> None:
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey="10")
    assert status(kinesis, stream) == "UPDATING"
    assert kinesis.list_streams()["StreamSummaries"][0]["StreamStatus"] == "UPDATING"
    assert len(shards(kinesis, stream)) == 1
    lake.clock.advance(seconds=1)
    assert status(kinesis, stream) == "ACTIVE"
    parent, low, high = shards(kinesis, stream).values()
    assert (is_open(parent), is_open(low), is_open(high)) == (False, True, True)
    assert (low["ParentShardId"], high["ParentShardId"]) == (SHARD, SHARD)
    assert "AdjacentParentShardId" not in low
    assert (bounds(low), bounds(high)) == ((0, 9), (10, 2**128 - 1))


@pytest.mark.claim("KDS-028", "KDS-030", "KDS-577", "KDS-579")
def test_a_merge_closes_both_parents_and_opens_one_child(lake: Any, kinesis: Any) -> None:
    kinesis.create_stream(StreamName="s", ShardCount=3)
    merge(kinesis, lake, "s", 0, 1)
    found = shards(kinesis, "s")
    assert [is_open(one) for one in found.values()] == [False, False, True, True]
    child = found[3]
    assert (child["ParentShardId"], child["AdjacentParentShardId"]) == (shard(0), shard(1))
    assert bounds(child) == (bounds(found[0])[0], bounds(found[1])[1])
    assert kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["OpenShardCount"] == 2


@pytest.mark.claim("KDS-583")
def test_one_reshard_at_a_time(lake: Any, kinesis: Any, stream: str) -> None:
    request = {"StreamName": stream, "ShardToSplit": SHARD, "NewStartingHashKey": MIDDLE}
    in_use = f"Stream {stream} under account {ACCOUNT} not ACTIVE, instead in state UPDATING"
    kinesis.split_shard(**request)
    assert refusal(kinesis.split_shard, **request) == ("ResourceInUseException", in_use)
    assert refusal(resize, kinesis=kinesis, stream=stream, count=2)[0] == "ResourceInUseException"
    merging = {"StreamName": stream, "ShardToMerge": SHARD, "AdjacentShardToMerge": shard(1)}
    assert refusal(kinesis.merge_shards, **merging)[0] == "ResourceInUseException"
    period = {"StreamName": stream, "RetentionPeriodHours": 48}
    assert refusal(kinesis.increase_stream_retention_period, **period)[0] == "ResourceInUseException"
    lake.clock.advance(seconds=1)
    kinesis.merge_shards(StreamName=stream, ShardToMerge=shard(1), AdjacentShardToMerge=shard(2))


def test_a_split_needs_an_open_shard_and_a_key_inside_it(lake: Any, kinesis: Any) -> None:
    kinesis.create_stream(StreamName="s", ShardCount=2)

    def refused(name: str, at: int = 2**126) -> tuple[str, str]:
        lake.clock.advance(seconds=1)
        return refusal(kinesis.split_shard, StreamName="s", ShardToSplit=name, NewStartingHashKey=str(at))

    unknown = f"Could not find shard %s in stream s under account {ACCOUNT}."
    assert refused("unknown") == ("ResourceNotFoundException", unknown % "unknown")
    assert refused("5") == ("ResourceNotFoundException", unknown % shard(5))
    for at in (0, 1, 2**127 - 1, 2**127):
        assert refused(SHARD, at) == (
            "InvalidArgumentException",
            f"NewStartingHashKey {at} used in SplitShard() on shard {SHARD} in stream s under account {ACCOUNT} is not "
            f"both greater than one plus the shard's StartingHashKey 0 and less than the shard's EndingHashKey "
            f"{2**127 - 1}.",
        )
    split(kinesis, lake, "s", 0, "2")
    assert refused(SHARD) == (
        "InvalidArgumentException",
        f"Shard {SHARD} in stream s under account {ACCOUNT} has already been merged or split, "
        "and thus is not eligible for merging or splitting.",
    )


@pytest.mark.claim("KDS-007", "KDS-030")
@pytest.mark.parametrize(("lower", "upper"), [(0, 2), (1, 0), (0, 0)])
def test_only_neighbours_in_order_are_merged(kinesis: Any, lower: int, upper: int) -> None:
    kinesis.create_stream(StreamName="s", ShardCount=3)
    request = {"ShardToMerge": shard(lower), "AdjacentShardToMerge": shard(upper)}
    assert refusal(kinesis.merge_shards, StreamName="s", **request) == (
        "InvalidArgumentException",
        f"Shards {shard(lower)} and {shard(upper)} in stream s under account {ACCOUNT} "
        "are not an adjacent pair of shards eligible for merging",
    )


@pytest.mark.claim("KDS-020", "KDS-526", "KDS-580")
def test_on_demand_streams_are_not_resharded_by_hand(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="s", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    refused = ("ValidationException", f"Request is invalid. Stream s under account {ACCOUNT} is in On-Demand mode.")
    assert refusal(resize, kinesis=kinesis, stream="s", count=8) == refused
    splitting = {"ShardToSplit": SHARD, "NewStartingHashKey": "10"}
    assert refusal(kinesis.split_shard, StreamName="s", **splitting) == refused
    merging = {"ShardToMerge": SHARD, "AdjacentShardToMerge": shard(1)}
    assert refusal(kinesis.merge_shards, StreamName="s", **merging) == refused


@pytest.mark.claim("KDS-021", "KDS-522", "KDS-028")
@pytest.mark.parametrize(
    ("before", "after", "ever"), [(2, 4, 6), (4, 5, 15), (10, 13, 37), (4, 2, 6), (5, 3, 7), (10, 5, 15)]
)
def test_the_shard_count_is_reached_by_splits_and_merges(
    lake: Any, kinesis: Any, before: int, after: int, ever: int
) -> None:
    """The sums are AWS's own."""
    kinesis.create_stream(StreamName="s", ShardCount=before)
    answer = resize(kinesis, "s", after)
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (before, after)
    assert answer["StreamARN"].endswith(":stream/s")
    assert status(kinesis, "s") == "UPDATING"
    lake.clock.advance(seconds=1)
    found = shards(kinesis, "s")
    assert (status(kinesis, "s"), len(found)) == ("ACTIVE", ever)
    tiles = sorted(bounds(one) for one in found.values() if is_open(one))
    assert len(tiles) == after
    assert tiles[0][0] == 0
    assert tiles[-1][1] == 2**128 - 1
    assert all(low[1] + 1 == high[0] for low, high in pairwise(tiles))
    for one in found.values():  # each has the parents that its range came from
        parents = [found[int(one[m][-12:])] for m in ("ParentShardId", "AdjacentParentShardId") if m in one]
        assert not parents or min(bounds(p)[0] for p in parents) <= bounds(one)[0]


def test_doubling_a_uniform_stream_keeps_it_uniform(lake: Any, kinesis: Any) -> None:
    kinesis.create_stream(StreamName="s", ShardCount=4)
    resize(kinesis, "s", 8)
    lake.clock.advance(seconds=1)
    widths = {high - low + 1 for low, high in map(bounds, filter(is_open, shards(kinesis, "s").values()))}
    assert widths == {2**125}


@pytest.mark.claim("KDS-585")
def test_no_more_than_double_no_less_than_half(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="s", ShardCount=5)
    assert refusal(resize, kinesis=kinesis, stream="s", count=11) == (
        "LimitExceededException",
        "UpdateShardCount cannot scale up over double your current open shard count. "
        "Current open shard count: 5 Target shard count: 11",
    )
    assert refusal(resize, kinesis=kinesis, stream="s", count=2) == (
        "LimitExceededException",
        "UpdateShardCount cannot scale down below half your current open shard count. "
        "Current open shard count: 5 Target shard count: 2",
    )


@pytest.mark.claim("KDS-585")
def test_ten_updates_of_the_count_in_24_hours(lake: Any, kinesis: Any, stream: str) -> None:
    for count in (2, 1) * 5:
        resize(kinesis, stream, count)
        lake.clock.advance(minutes=10)
    assert refusal(resize, kinesis=kinesis, stream=stream, count=2)[0] == "LimitExceededException"
    resize(kinesis, stream, 1)  # as many as there are: nothing to do, nothing to count
    assert status(kinesis, stream) == "ACTIVE"
    lake.clock.advance(hours=22, minutes=20, seconds=1)
    resize(kinesis, stream, 2)
    lake.clock.advance(seconds=1)
    assert refusal(resize, kinesis=kinesis, stream=stream, count=1)[0] == "LimitExceededException"


def test_five_splits_a_second_in_an_account(lake: Any, kinesis: Any) -> None:
    for number in range(6):
        kinesis.create_stream(StreamName=f"s{number}", ShardCount=1)
    for number in range(5):
        kinesis.split_shard(StreamName=f"s{number}", ShardToSplit=SHARD, NewStartingHashKey=MIDDLE)
    request = {"StreamName": "s5", "ShardToSplit": SHARD, "NewStartingHashKey": MIDDLE}
    assert refusal(kinesis.split_shard, **request) == (
        "LimitExceededException",
        f"Rate exceeded for stream s5 under account {ACCOUNT}.",
    )
    lake.clock.advance(seconds=0.2)
    kinesis.split_shard(**request)


def test_the_accounts_shard_limit_holds_for_resharding(lake: Any) -> None:
    kinesis = lake.client("kinesis", region_name="eu-central-1")
    kinesis.create_stream(StreamName="large", ShardCount=999)
    kinesis.create_stream(StreamName="s", ShardCount=1)
    with pytest.raises(kinesis.exceptions.LimitExceededException, match=r"additional shards .* from this request: 1"):
        kinesis.split_shard(StreamName="s", ShardToSplit=SHARD, NewStartingHashKey=MIDDLE)
    with pytest.raises(kinesis.exceptions.LimitExceededException, match="Limit: 1000"):
        resize(kinesis, "s", 2)


@pytest.mark.claim("KDS-572", "KDS-574", "KDS-576")
def test_a_closed_shard_is_read_to_its_end_and_names_its_children(lake: Any, kinesis: Any, stream: str) -> None:
    kinesis.put_record(StreamName=stream, Data=b"before", PartitionKey="k")
    place = iterator(kinesis, stream)
    split(kinesis, lake, stream)
    put = kinesis.put_record(StreamName=stream, Data=b"after", PartitionKey="k")
    assert put["ShardId"] in (shard(1), shard(2))
    assert data(read(kinesis, stream, shard=put["ShardId"])) == [b"after"]
    page = kinesis.get_records(ShardIterator=place)
    assert data(page["Records"]) == [b"before"]
    assert "NextShardIterator" not in page
    assert page["ChildShards"] == [
        {"ShardId": shard(1), "ParentShards": [SHARD], "HashKeyRange": children(0, 2**127 - 1)},
        {"ShardId": shard(2), "ParentShards": [SHARD], "HashKeyRange": children(2**127, 2**128 - 1)},
    ]


def children(low: int, high: int) -> dict[str, str]:
    return {"StartingHashKey": str(low), "EndingHashKey": str(high)}


def test_an_empty_closed_shard_ends_at_once(lake: Any, kinesis: Any) -> None:
    kinesis.create_stream(StreamName="s", ShardCount=2)
    merge(kinesis, lake, "s", 0, 1)
    for kind in ("TRIM_HORIZON", "LATEST"):
        page = kinesis.get_records(ShardIterator=iterator(kinesis, "s", kind, shard(1)))
        assert (page["Records"], page.get("NextShardIterator")) == ([], None)
        assert page["ChildShards"][0]["ParentShards"] == [shard(0), shard(1)]


@pytest.mark.claim("KDS-576", "KDS-579")
@pytest.mark.parametrize("records", [0, 3])
def test_a_closed_shard_is_gone_when_its_records_have_expired(lake: Any, kinesis: Any, records: int) -> None:
    kinesis.create_stream(StreamName="s", ShardCount=1)
    for number in range(records):
        kinesis.put_record(StreamName="s", Data=b"%d" % number, PartitionKey="k")
    split(kinesis, lake, "s")
    lake.clock.advance(hours=23, minutes=59)
    assert list(shards(kinesis, "s")) == [0, 1, 2]
    assert len(read(kinesis, "s")) == records
    lake.clock.advance(minutes=1)
    assert list(shards(kinesis, "s")) == [1, 2]
    described = kinesis.describe_stream(StreamName="s")["StreamDescription"]["Shards"]
    assert [one["ParentShardId"] for one in described] == [SHARD, SHARD]  # children remember it
    request = {"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "TRIM_HORIZON"}
    assert refusal(kinesis.get_shard_iterator, **request)[0] == "ResourceNotFoundException"
    lake.clock.advance(hours=2)  # it has left the disk as well
    merge(kinesis, lake, "s", 1, 2)
    assert list(shards(kinesis, "s")) == [1, 2, 3]


@pytest.mark.claim("KDS-011", "KDS-573")
def test_sequence_numbers_rise_from_parent_to_child_and_over_restarts(tmp_path: Path) -> None:
    numbers: list[int] = []

    def put(kinesis: Any) -> None:
        more = {"SequenceNumberForOrdering": str(numbers[-1])} if numbers else {}
        put = kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k", **more)
        numbers.append(int(put["SequenceNumber"]))

    with run(tmp_path) as lake:
        lake.clock.freeze()
        kinesis = lake.client("kinesis")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        put(kinesis)
        kinesis.split_shard(StreamName="s", ShardToSplit=SHARD, NewStartingHashKey=MIDDLE)
        put(kinesis)
    with run(tmp_path) as lake:  # the restart finds the change half done, and does it
        lake.clock.advance(seconds=1)
        kinesis = lake.client("kinesis")
        put(kinesis)
        merge(kinesis, lake, "s", 1, 2)
        put(kinesis)
    with run(tmp_path) as lake:
        put(lake.client("kinesis"))
        assert len(shards(lake.client("kinesis"), "s")) == 4
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 5


def test_numbers_and_times_rise_over_a_reshard_though_the_clock_is_set_back(lake: Any, kinesis: Any) -> None:
    kinesis.create_stream(StreamName="s", ShardCount=2)
    first = [kinesis.put_record(StreamName="s", Data=b"1", PartitionKey=key) for key in "ab"]
    lake.clock.set(lake.clock.now().timestamp() - 3600)
    merge(kinesis, lake, "s", 0, 1)
    second = [kinesis.put_record(StreamName="s", Data=b"2", PartitionKey=key) for key in "ab"]
    assert max(int(put["SequenceNumber"]) for put in first) < min(int(put["SequenceNumber"]) for put in second)
    before = [record for number in (0, 1) for record in read(kinesis, "s", shard=shard(number))]
    after = read(kinesis, "s", shard=shard(2))
    times = [record["ApproximateArrivalTimestamp"] for record in (*before, *after)]
    assert (len(before), len(after), times) == (2, 2, sorted(times))
    lake.clock.advance(hours=24, minutes=30)  # the parents' records are still young enough
    assert list(shards(kinesis, "s")) == [0, 1, 2]


@pytest.mark.claim("KDS-026", "KDS-575")
def test_a_split_doubles_what_the_range_takes(lake: Any, kinesis: Any, stream: str) -> None:
    def taken() -> int:
        records = [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": key} for key in ("0", MIDDLE)] * 250
        return sum(500 - kinesis.put_records(StreamName=stream, Records=records)["FailedRecordCount"] for _ in range(5))

    assert taken() == 1000
    split(kinesis, lake, stream)
    assert taken() == 2000


def test_a_reshard_does_not_refill_other_shards(lake: Any, kinesis: Any) -> None:
    kinesis.create_stream(StreamName="s", ShardCount=2)
    records = [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": MIDDLE}] * 500
    kinesis.split_shard(StreamName="s", ShardToSplit=SHARD, NewStartingHashKey="10")
    lake.clock.advance(seconds=0.5)
    assert [kinesis.put_records(StreamName="s", Records=records)["FailedRecordCount"] for _ in range(2)] == [0, 0]
    lake.clock.advance(seconds=0.5)
    assert len(shards(kinesis, "s")) == 4
    assert [kinesis.put_records(StreamName="s", Records=records)["FailedRecordCount"] for _ in range(2)] == [0, 500]


def test_filters_see_the_lineage(lake: Any, kinesis: Any, stream: str) -> None:
    born = lake.clock.now()
    lake.clock.advance(hours=1)
    split(kinesis, lake, stream)  # 1 and 2 of 0
    divided = lake.clock.now()
    lake.clock.advance(hours=1)
    merge(kinesis, lake, stream, 1, 2)  # 3 of 1 and 2

    def kept(kind: str, **more: Any) -> list[int]:
        return list(shards(kinesis, stream, ShardFilter={"Type": kind, **more}))

    assert kept("AT_LATEST") == [3]
    assert kept("AT_TRIM_HORIZON") == [0]
    assert kept("FROM_TRIM_HORIZON") == [0, 1, 2, 3]
    assert kept("AFTER_SHARD_ID", ShardId=shard(1)) == [2, 3]
    assert kept("AT_TIMESTAMP", Timestamp=born) == [0]
    assert kept("AT_TIMESTAMP", Timestamp=divided) == [0, 1, 2]  # both ends count
    lake.clock.advance(minutes=1)
    assert kept("AT_TIMESTAMP", Timestamp=lake.clock.now()) == [3]
    assert kept("FROM_TIMESTAMP", Timestamp=born) == [0, 1, 2, 3]
    assert kept("FROM_TIMESTAMP", Timestamp=lake.clock.now()) == [3]
    lake.clock.advance(hours=23)  # 0 has expired
    assert kept("AT_TRIM_HORIZON") == [1, 2]
    assert kept("FROM_TRIM_HORIZON") == [1, 2, 3]
    assert kept("AFTER_SHARD_ID", ShardId=shard(0)) == [1, 2, 3]


def test_a_stream_made_anew_does_not_inherit_the_change(lake: Any, kinesis: Any, stream: str) -> None:
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey=MIDDLE)
    kinesis.delete_stream(StreamName=stream)
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    lake.clock.advance(seconds=2)
    assert (status(kinesis, stream), len(shards(kinesis, stream))) == ("ACTIVE", 1)


def test_without_limits_nobody_waits_and_counts(tmp_path: Path) -> None:
    with run(tmp_path, limits="off") as lake:
        kinesis = lake.client("kinesis")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        for count in (8, 1, 5) * 5:
            resize(kinesis, "s", count)
            assert (status(kinesis, "s"), sum(map(is_open, shards(kinesis, "s").values()))) == ("ACTIVE", count)
