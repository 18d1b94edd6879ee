"""DynamoDB Streams: what a stream records, how it is read, how its shards live, when it ends.

Without limits: DescribeStream may be called ten times a second only. `test_stream_limits.py` has those.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.config import Config

import pocketlake

from .conftest import invalid, make, refusal, units
from .stream_reader import VIEWS, Reader, all_shards, names, read, specification

PATIENT = Config(parameter_validation=False, retries={"total_max_attempts": 1})
HOUR = 3600


@pytest.fixture(scope="module")
def unlimited() -> Any:
    with pocketlake.run(limits="off") as lake:
        yield lake


@pytest.fixture
def lake(unlimited: Any) -> Any:
    unlimited.reset()
    return unlimited


def item(p: str, s: int = 0, **more: Any) -> dict[str, Any]:
    return {"p": {"S": p}, "s": {"N": str(s)}, **more}


def streamed(dynamodb: Any, view: str = "NEW_AND_OLD_IMAGES", **more: Any) -> str:
    """The ARN of the stream of a new table `things`."""
    make(dynamodb, "things", "p:S", "s:N", StreamSpecification=specification(view), **more)
    return latest(dynamodb)


def latest(dynamodb: Any) -> str:
    return str(dynamodb.describe_table(TableName="things")["Table"]["LatestStreamArn"])


def put(dynamodb: Any, *items: dict[str, Any]) -> None:
    for one in items:
        dynamodb.put_item(TableName="things", Item=one)


def iterator(streams: Any, arn: str, kind: str, shard: int = 0, **where: Any) -> str:
    shards = all_shards(streams, arn)
    answer = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shards[shard]["ShardId"], ShardIteratorType=kind, **where
    )
    return str(answer["ShardIterator"])


# With a table


def test_a_table_says_which_stream_it_has(dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb, "NEW_IMAGE")
    table = dynamodb.describe_table(TableName="things")["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert arn == f"{table['TableArn']}/stream/{table['LatestStreamLabel']}"
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "ENABLED"
    assert described["StreamViewType"] == "NEW_IMAGE"
    assert described["TableName"] == "things"
    assert described["KeySchema"] == table["KeySchema"]
    assert described["StreamLabel"] == table["LatestStreamLabel"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"StreamEnabled": True}, "Table is being created with a stream enabled, UpdateViewType is required"),
        (
            {"StreamEnabled": False, "StreamViewType": "KEYS_ONLY"},
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
        ),
    ],
)
def test_a_view_belongs_to_an_enabled_stream(dynamodb: Any, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(dynamodb.exceptions.ClientError) as caught:
        make(dynamodb, "things", "p:S", StreamSpecification=asked)
    assert caught.value.response["Error"]["Message"] == f"One or more parameter values were invalid: {said}"


@pytest.mark.claim("DDB-608")
def test_a_stream_is_enabled_and_disabled_but_never_changed(dynamodb: Any, streams: Any) -> None:
    make(dynamodb, "things", "p:S", StreamSpecification={"StreamEnabled": False})

    def change(**asked: Any) -> str:
        return invalid(dynamodb.update_table, TableName="things", StreamSpecification=asked)

    assert "StreamSpecification" not in dynamodb.describe_table(TableName="things")["Table"]
    assert change(StreamEnabled=False) == "Table has no stream to disable: TableName: things"
    assert change(StreamEnabled=True).endswith("If stream is being enabled then UpdateViewType is required")
    answer = dynamodb.update_table(TableName="things", StreamSpecification=specification("KEYS_ONLY"))
    assert answer["TableDescription"]["TableStatus"] == "UPDATING"
    assert answer["TableDescription"]["StreamSpecification"]["StreamViewType"] == "KEYS_ONLY"
    arn = latest(dynamodb)
    for view in ("KEYS_ONLY", "NEW_IMAGE"):
        assert change(**specification(view)) == "Table already has an enabled stream: TableName: things"
    said = change(StreamEnabled=False, StreamViewType="KEYS_ONLY")
    assert said.endswith("If stream is being disabled, then UpdateViewType must not be specified")
    dynamodb.update_table(TableName="things", StreamSpecification={"StreamEnabled": False})
    table = dynamodb.describe_table(TableName="things")["Table"]
    assert "StreamSpecification" not in table
    assert table["LatestStreamArn"] == arn
    dynamodb.update_table(TableName="things", StreamSpecification=specification("NEW_IMAGE"))
    assert latest(dynamodb) != arn
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"


@pytest.mark.claim("DDB-609")
def test_a_disabled_stream_is_read_for_a_day(lake: Any, dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    put(dynamodb, item("in"))
    dynamodb.update_table(TableName="things", StreamSpecification={"StreamEnabled": False})
    put(dynamodb, item("out"))
    (shard,) = all_shards(streams, arn)
    assert "EndingSequenceNumber" in shard["SequenceNumberRange"]
    assert [one["dynamodb"]["Keys"]["p"]["S"] for one in read(streams, arn)] == ["in"]
    lake.clock.advance(hours=23.9)
    assert len(read(streams, arn)) == 1
    lake.clock.advance(hours=0.2)
    code, said = refusal(streams.describe_stream, StreamArn=arn)
    assert (code, said) == ("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")
    assert streams.list_streams()["Streams"] == []


@pytest.mark.claim("DDB-609")
def test_a_deleted_tables_stream_is_read_for_a_day_even_beside_its_successor(
    lake: Any, dynamodb: Any, streams: Any
) -> None:
    old = streamed(dynamodb)
    put(dynamodb, item("a"), item("b"))
    dynamodb.delete_table(TableName="things")
    lake.clock.advance(hours=1)
    new = streamed(dynamodb)
    put(dynamodb, item("c"))
    assert names(read(streams, old)) == ["INSERT", "INSERT"]
    assert names(read(streams, new)) == ["INSERT"]
    listed = streams.list_streams(TableName="things")["Streams"]
    assert [one["StreamArn"] for one in listed] == [old, new]
    lake.clock.advance(hours=23)
    assert [one["StreamArn"] for one in streams.list_streams()["Streams"]] == [new]
    assert names(read(streams, new)) == ["INSERT"]


def test_streams_are_listed_in_pages(dynamodb: Any, streams: Any) -> None:
    for name in ("one", "two", "three"):
        make(dynamodb, name, "p:S", StreamSpecification=specification())
    seen: list[str] = []
    request: dict[str, Any] = {"Limit": 2}
    while True:
        page = streams.list_streams(**request)
        seen += [one["TableName"] for one in page["Streams"]]
        if "LastEvaluatedStreamArn" not in page:
            break
        request["ExclusiveStartStreamArn"] = page["LastEvaluatedStreamArn"]
    assert seen == ["one", "three", "two"]
    assert [one["TableName"] for one in streams.list_streams(TableName="two")["Streams"]] == ["two"]
    assert streams.list_streams(TableName="none")["Streams"] == []
    assert "less than or equal to 100" in invalid(streams.list_streams, Limit=101)
    assert invalid(streams.list_streams, ExclusiveStartStreamArn="x" * 40) == "Invalid StreamArn"


# Records


def test_a_record_is_as_documented(lake: Any, dynamodb: Any, streams: Any) -> None:
    lake.clock.freeze("2024-05-06T07:08:09.750")
    arn = streamed(dynamodb)
    put(dynamodb, item("p", 101, v={"S": "New item!"}))
    (record,) = read(streams, arn)
    seen = record["dynamodb"]
    assert record["eventName"] == "INSERT"
    assert record["eventVersion"] == "1.1"
    assert record["eventSource"] == "aws:dynamodb"
    assert record["awsRegion"] == "us-east-1"
    assert len(record["eventID"]) == 32
    assert "userIdentity" not in record
    assert seen["Keys"] == item("p", 101)
    assert seen["NewImage"] == item("p", 101, v={"S": "New item!"})
    assert "OldImage" not in seen
    assert seen["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert seen["ApproximateCreationDateTime"].isoformat()[:19] == "2024-05-06T07:08:09"
    assert seen["ApproximateCreationDateTime"].microsecond == 0
    assert 21 <= len(seen["SequenceNumber"]) <= 40
    assert seen["SequenceNumber"].isdecimal()
    keys = len("p") + len("p") + len("s") + 3
    assert seen["SizeBytes"] == keys + keys + len("v") + len("New item!")
    assert read(streams, arn) == [record]  # the same at each reading


@pytest.mark.claim("DDB-602")
@pytest.mark.parametrize("view", VIEWS)
def test_views_show_what_they_say(dynamodb: Any, streams: Any, view: str) -> None:
    arn = streamed(dynamodb, view)
    put(dynamodb, item("p", v={"S": "old"}), item("p", v={"S": "new"}))
    dynamodb.delete_item(TableName="things", Key=item("p"))
    records = [one["dynamodb"] for one in read(streams, arn)]
    images = [(one.get("OldImage", {}).get("v"), one.get("NewImage", {}).get("v")) for one in records]
    old, new = {"S": "old"}, {"S": "new"}
    wanted = [(None, old), (old, new), (new, None)]
    shows_old, shows_new = view.startswith(("OLD", "NEW_AND")), view.startswith("NEW")
    assert images == [(was if shows_old else None, now if shows_new else None) for was, now in wanted]
    assert all(one["Keys"] == item("p") for one in records)


@pytest.mark.claim("DDB-601")
def test_every_way_to_write_is_recorded_and_what_changes_nothing_is_not(dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    put(dynamodb, item("p"), item("p"))
    key: dict[str, Any] = {"TableName": "things", "Key": item("p")}
    update = {"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}
    dynamodb.update_item(**key, **update)
    dynamodb.update_item(**key, **update)
    dynamodb.delete_item(TableName="things", Key=item("absent"))
    refusal(dynamodb.put_item, TableName="things", Item=item("p"), ConditionExpression="attribute_not_exists(p)")
    dynamodb.batch_write_item(RequestItems={"things": [{"PutRequest": {"Item": item("b")}}]})
    dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": "things", "Item": item("t")}}, {"Delete": key}],
    )
    dynamodb.execute_statement(Statement="INSERT INTO things VALUE {'p': 'q', 's': 1}")
    seen = [(one["eventName"], one["dynamodb"]["Keys"]["p"]["S"]) for one in read(streams, arn)]
    assert seen == [
        ("INSERT", "p"),
        ("MODIFY", "p"),
        ("INSERT", "b"),
        ("INSERT", "t"),
        ("REMOVE", "p"),
        ("INSERT", "q"),
    ]


@pytest.mark.claim("DDB-610")
def test_an_expired_item_is_removed_by_the_service(lake: Any, dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    dynamodb.update_time_to_live(
        TableName="things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    put(dynamodb, item("p", until={"N": str(int(lake.clock.now().timestamp()) + 60)}))
    lake.clock.advance(minutes=5)
    inserted, removed = read(streams, arn)
    assert removed["eventName"] == "REMOVE"
    assert removed["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    assert "userIdentity" not in inserted


def test_binary_values_and_sets_come_out_as_they_went_in(dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    value = item("p", b={"B": b"\x00\xff"}, set={"NS": ["1", "2.5"]}, m={"M": {"l": {"L": [{"NULL": True}]}}})
    put(dynamodb, value)
    ((record),) = read(streams, arn)
    assert record["dynamodb"]["NewImage"] == value


# Reading


@pytest.mark.claim("DDB-607")
def test_a_page_holds_a_thousand_records(dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    for start in range(0, 1100, 25):
        puts = [{"PutRequest": {"Item": item("p", number)}} for number in range(start, start + 25)]
        dynamodb.batch_write_item(RequestItems={"things": puts})
    first = streams.get_records(ShardIterator=iterator(streams, arn, "TRIM_HORIZON"))
    assert len(first["Records"]) == 1000
    second = streams.get_records(ShardIterator=first["NextShardIterator"], Limit=7)
    assert [int(one["dynamodb"]["Keys"]["s"]["N"]) for one in second["Records"]] == list(range(1000, 1007))
    code, _ = refusal(streams.get_records, ShardIterator=second["NextShardIterator"], Limit=1001)
    assert code == "LimitExceededException"


@pytest.mark.claim("DDB-607")
def test_a_page_holds_a_megabyte(dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb, "NEW_IMAGE")
    put(dynamodb, *(item("p", number, v={"S": "x" * 300_000}) for number in range(8)))
    pages, following = [], iterator(streams, arn, "TRIM_HORIZON")
    while not pages or pages[-1]:
        page = streams.get_records(ShardIterator=following)
        pages.append(len(page["Records"]))
        following = page["NextShardIterator"]
    assert pages == [3, 3, 2, 0]


def test_iterators_begin_where_they_say(lake: Any, dynamodb: Any, streams: Any) -> None:
    lake.clock.freeze("2024-05-06T07:00:00")
    arn = streamed(dynamodb)
    put(dynamodb, item("p", 0), item("p", 1))
    lake.clock.advance(10)
    newest = iterator(streams, arn, "LATEST")
    put(dynamodb, item("p", 2))
    number = read(streams, arn)[1]["dynamodb"]["SequenceNumber"]
    now = lake.clock.now().timestamp()

    def seen(kind: str, **where: Any) -> list[int]:
        page = streams.get_records(ShardIterator=iterator(streams, arn, kind, **where))
        return [int(one["dynamodb"]["Keys"]["s"]["N"]) for one in page["Records"]]

    assert seen("TRIM_HORIZON") == [0, 1, 2]
    assert seen("LATEST") == []
    assert seen("AT_SEQUENCE_NUMBER", SequenceNumber=number) == [1, 2]
    assert seen("AFTER_SEQUENCE_NUMBER", SequenceNumber=number) == [2]
    assert seen("AT_TIMESTAMP", Timestamp=now - 5) == [2]
    assert seen("AT_TIMESTAMP", Timestamp=now - 3600) == [0, 1, 2]
    assert [len(streams.get_records(ShardIterator=newest)["Records"])] == [1]


def test_iterators_that_make_no_sense_are_refused(dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    (shard,) = all_shards(streams, arn)
    start = shard["SequenceNumberRange"]["StartingSequenceNumber"]

    def refused(**more: Any) -> tuple[str, str]:
        request = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON", **more}
        return refusal(streams.get_shard_iterator, **request)

    assert refused(SequenceNumber=start)[0] == "ValidationException"
    assert refused(ShardIteratorType="AT_SEQUENCE_NUMBER")[0] == "ValidationException"
    assert refused(ShardIteratorType="AT_TIMESTAMP")[0] == "ValidationException"
    assert refused(ShardIteratorType="AT_TIMESTAMP", Timestamp=4e9)[0] == "ValidationException"
    assert refused(ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber="x" * 21)[0] == "ValidationException"
    assert refused(ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber="0" * 21)[0] == "ValidationException"
    assert refused(ShardIteratorType="SOMEWHERE")[0] == "ValidationException"
    assert refused(ShardId="shardId-00000000000000000000-00000000")[0] == "ResourceNotFoundException"
    assert refused(StreamArn="x" * 40) == ("ValidationException", "Invalid StreamArn")
    assert refused(StreamArn=f"{arn[:-3]}000")[0] == "ResourceNotFoundException"
    assert refusal(streams.get_records, ShardIterator="x" * 50) == ("ValidationException", "Invalid ShardIterator")


@pytest.mark.claim("DDB-606")
def test_an_iterator_is_good_for_fifteen_minutes(lake: Any, dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    lake.clock.freeze()
    held = iterator(streams, arn, "TRIM_HORIZON")
    lake.clock.advance(minutes=15)
    assert streams.get_records(ShardIterator=held)["Records"] == []
    lake.clock.advance(1)
    assert refusal(streams.get_records, ShardIterator=held)[0] == "ExpiredIteratorException"


@pytest.mark.claim("DDB-604")
def test_records_are_trimmed_after_a_day(lake: Any, dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    lake.clock.freeze()
    put(dynamodb, item("early"))
    number = read(streams, arn)[0]["dynamodb"]["SequenceNumber"]
    lake.clock.advance(hours=2)
    put(dynamodb, item("late"))
    lake.clock.advance(hours=21.9)
    held = iterator(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=number)
    lake.clock.advance(minutes=10)
    assert refusal(streams.get_records, ShardIterator=held)[0] == "TrimmedDataAccessException"
    (shard, *_) = all_shards(streams, arn)
    asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "AFTER_SEQUENCE_NUMBER"}
    code, _ = refusal(streams.get_shard_iterator, **asked, SequenceNumber=number)
    assert code == "TrimmedDataAccessException"
    assert [one["dynamodb"]["Keys"]["p"]["S"] for one in read(streams, arn)] == ["late"]
    lake.clock.advance(hours=2)
    assert read(streams, arn) == []


def test_an_idle_reader_of_an_old_stream_is_not_told_of_trimmed_data(lake: Any, dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    lake.clock.freeze()
    put(dynamodb, item("p"))
    reader = Reader(streams, arn)
    assert len(reader.poll()) == 1
    for _ in range(4 * 30):
        lake.clock.advance(minutes=15)
        assert reader.poll() == []
    put(dynamodb, item("q"))
    assert len(reader.poll()) == 1


# Shards


@pytest.mark.claim("DDB-605")
def test_open_shards_are_replaced_every_four_hours(lake: Any, dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    lake.clock.freeze()
    first = all_shards(streams, arn)
    assert [shard.get("ParentShardId") for shard in first] == [None]
    assert "EndingSequenceNumber" not in first[0]["SequenceNumberRange"]
    held = iterator(streams, arn, "LATEST")
    put(dynamodb, item("p", 1))
    lake.clock.advance(hours=4)
    put(dynamodb, item("p", 2))
    parent, child = all_shards(streams, arn)
    assert parent["ShardId"] == first[0]["ShardId"] == child["ParentShardId"]
    ranges = parent["SequenceNumberRange"], child["SequenceNumberRange"]
    assert int(ranges[0]["EndingSequenceNumber"]) < int(ranges[1]["StartingSequenceNumber"])
    asked = {"Type": "CHILD_SHARDS", "ShardId": parent["ShardId"]}
    (found,) = streams.describe_stream(StreamArn=arn, ShardFilter=asked)["StreamDescription"]["Shards"]
    assert found == child
    assert refusal(streams.get_records, ShardIterator=held)[0] == "ExpiredIteratorException"
    page = streams.get_records(ShardIterator=iterator(streams, arn, "TRIM_HORIZON", shard=0))
    assert [one["dynamodb"]["Keys"]["s"]["N"] for one in page["Records"]] == ["1"]
    assert "NextShardIterator" not in page
    page = streams.get_records(ShardIterator=iterator(streams, arn, "TRIM_HORIZON", shard=1))
    assert [one["dynamodb"]["Keys"]["s"]["N"] for one in page["Records"]] == ["2"]
    assert "NextShardIterator" in page


def test_closed_shards_leave_with_their_last_records(lake: Any, dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    lake.clock.freeze()
    first = all_shards(streams, arn)[0]["ShardId"]
    lake.clock.advance(hours=27.9)
    assert all_shards(streams, arn)[0]["ShardId"] == first
    lake.clock.advance(hours=0.2)
    shards = all_shards(streams, arn)
    assert shards[0]["ShardId"] != first
    assert shards[0]["ParentShardId"] == first
    assert len(shards) == 7
    lake.clock.advance(days=400)
    assert len(all_shards(streams, arn)) == 7


def test_a_table_of_several_partitions_has_several_shards(dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb, ProvisionedThroughput=units(1, 3500))
    put(dynamodb, *(item(f"p{number % 20}", number) for number in range(60)))
    shards = all_shards(streams, arn)
    assert len(shards) == 4
    keys: dict[str, set[int]] = {}
    for at in range(4):
        page = streams.get_records(ShardIterator=iterator(streams, arn, "TRIM_HORIZON", shard=at))
        for record in page["Records"]:
            keys.setdefault(record["dynamodb"]["Keys"]["p"]["S"], set()).add(at)
    assert len(keys) == 20
    assert all(len(where) == 1 for where in keys.values())
    assert len({at for where in keys.values() for at in where}) > 1
    described: list[str] = []
    request: dict[str, Any] = {"StreamArn": arn, "Limit": 3}
    page = streams.describe_stream(**request)["StreamDescription"]
    described += [shard["ShardId"] for shard in page["Shards"]]
    request["ExclusiveStartShardId"] = page["LastEvaluatedShardId"]
    page = streams.describe_stream(**request)["StreamDescription"]
    described += [shard["ShardId"] for shard in page["Shards"]]
    assert described == [shard["ShardId"] for shard in shards] == sorted(described)
    assert "LastEvaluatedShardId" not in page


@pytest.mark.claim("DDB-605")
def test_a_table_that_grows_has_more_shards_at_the_next_change(lake: Any, dynamodb: Any, streams: Any) -> None:
    lake.clock.freeze("2024-05-06T07:00:00")
    arn = streamed(dynamodb, ProvisionedThroughput=units(1, 1500))
    put(dynamodb, *(item(f"p{number}") for number in range(10)))
    dynamodb.update_table(TableName="things", ProvisionedThroughput=units(1, 3000))
    assert len(all_shards(streams, arn)) == 2
    lake.clock.advance(hours=4)
    put(dynamodb, *(item(f"p{number}", v={"N": "1"}) for number in range(10)))
    shards = all_shards(streams, arn)
    assert len(shards) == 6
    parents = [shard["ParentShardId"] for shard in shards[2:]]
    assert parents == [shards[0]["ShardId"]] * 2 + [shards[1]["ShardId"]] * 2
    seen = read(streams, arn)
    assert names(seen).count("INSERT") == names(seen).count("MODIFY") == 10
    keys = [{one["dynamodb"]["Keys"]["p"]["S"] for one in _of(streams, arn, at)} for at in range(6)]
    assert keys[0] == keys[2] | keys[3]
    assert keys[1] == keys[4] | keys[5]
    assert sum(map(len, keys[2:])) == 10


def test_warm_throughput_has_shards_at_once(dynamodb: Any, streams: Any) -> None:
    assert len(all_shards(streams, streamed(dynamodb))) == 1
    dynamodb.delete_table(TableName="things")
    warm = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 8_000}
    assert len(all_shards(streams, streamed(dynamodb, WarmThroughput=warm))) == 8


def _of(streams: Any, arn: str, shard: int) -> list[dict[str, Any]]:
    page = streams.get_records(ShardIterator=iterator(streams, arn, "TRIM_HORIZON", shard))
    found: list[dict[str, Any]] = page["Records"]
    return found


def test_a_stream_has_a_policy_of_its_own(lake: Any, dynamodb: Any, streams: Any) -> None:
    arn = streamed(dynamodb)
    policy = '{"Version": "2012-10-17", "Statement": []}'
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy)
    assert dynamodb.get_resource_policy(ResourceArn=arn)["Policy"] == policy
    code, said = refusal(dynamodb.get_resource_policy, ResourceArn=f"{arn[:-1]}x")
    assert code == "ResourceNotFoundException"
    assert said.startswith("Requested resource not found: Stream: ")
    dynamodb.update_table(TableName="things", StreamSpecification={"StreamEnabled": False})
    lake.clock.advance(hours=25)
    assert refusal(dynamodb.get_resource_policy, ResourceArn=arn)[0] == "ResourceNotFoundException"


def test_what_is_read_is_measured(lake: Any, dynamodb: Any, streams: Any) -> None:
    lake.clock.freeze()
    arn = streamed(dynamodb, "KEYS_ONLY")
    put(dynamodb, item("p", 1), item("p", 2))
    size = sum(one["dynamodb"]["SizeBytes"] for one in read(streams, arn))
    lake.clock.advance(minutes=2)
    of = {"TableName": "things", "StreamLabel": arn.rpartition("/")[2], "Operation": "GetRecords"}
    for metric, wanted in (("ReturnedRecordsCount", 2), ("ReturnedBytes", size)):
        found = lake.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in of.items()],
            StartTime=lake.clock.now() - timedelta(minutes=10),
            EndTime=lake.clock.now(),
            Period=600,
            Statistics=["Sum"],
        )
        assert sum(point["Sum"] for point in found["Datapoints"]) == wanted


def test_streams_outlive_a_restart(tmp_path: Any) -> None:
    with pocketlake.run(tmp_path) as lake:
        dynamodb = lake.client("dynamodb", config=PATIENT)
        arn = streamed(dynamodb)
        put(dynamodb, item("p", 1))
        reader = Reader(lake.client("dynamodbstreams"), arn)
        assert len(reader.poll()) == 1
    with pocketlake.run(tmp_path) as lake:
        dynamodb = lake.client("dynamodb", config=PATIENT)
        put(dynamodb, item("p", 2))
        reader.client = lake.client("dynamodbstreams")
        assert [one["dynamodb"]["Keys"]["s"]["N"] for one in reader.poll()] == ["2"]
        dynamodb.delete_table(TableName="things")
    with pocketlake.run(tmp_path) as lake:
        reader.client = lake.client("dynamodbstreams")
        assert reader.poll() == []
        assert len(read(reader.client, arn)) == 2
        lake.clock.advance(hours=25)
        assert reader.client.list_streams()["Streams"] == []
