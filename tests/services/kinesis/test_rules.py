"""The pure rules: hash ranges, sequence numbers, batches, buckets."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketlake.services.kinesis import batches, ranges, sequences
from pocketlake.services.kinesis.throttling import ReadLimit, WriteLimit

MIB = 1024 * 1024


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 500])
def test_ranges_tile_the_whole_space(count: int) -> None:
    tiles = ranges.tile(count)
    assert tiles[0][0] == 0
    assert tiles[-1][1] == 2**128 - 1
    assert all(after[0] == before[1] + 1 for before, after in pairwise(tiles))


def test_ranges_are_cut_where_aws_cuts_them() -> None:
    assert ranges.tile(3) == [
        (0, 113427455640312821154458202477256070484),
        (113427455640312821154458202477256070485, 226854911280625642308916404954512140969),
        (226854911280625642308916404954512140970, 340282366920938463463374607431768211455),
    ]


def test_a_key_lies_where_its_md5_says() -> None:
    assert ranges.hash_keys([b"flight"]) == [hashlib.md5(b"flight").digest()]
    assert ranges.place(2**128 - 1) == b"\xff" * 16


def test_a_sequence_number_looks_like_one_of_aws() -> None:
    text = str(sequences.number(epoch=1_700_000_000, shard=0, counter=1, seconds=1_700_000_010))
    assert len(text) == 56
    assert text.startswith("4964")


@given(
    epoch=st.integers(0, 2**36 - 1),
    shard=st.integers(0, sequences.LARGEST_SHARD),
    counter=st.integers(0, 2**40),
    seconds=st.integers(0, 2**36 - 1),
)
def test_a_sequence_number_can_be_read_back(epoch: int, shard: int, counter: int, seconds: int) -> None:
    value = sequences.number(epoch, shard, counter, seconds)
    assert sequences.parse(str(value)) == (epoch, shard, counter, seconds, False)
    between = sequences.number(epoch, shard, counter, seconds, is_between=True)
    assert sequences.parse(str(between)) == (epoch, shard, counter, seconds, True)
    assert value < between < sequences.number(epoch, shard, counter + 1, 0)
    assert sequences.number(epoch, shard, counter + 1, 0) > value
    assert sequences.number(epoch, shard, counter + 1, seconds) == value + sequences.COUNTER_STEP


@pytest.mark.parametrize("text", ["0", "1", "5" * 56, "9" * 129])
def test_other_numbers_are_no_sequence_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="no sequence number"):
        sequences.parse(text)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("shardId-000000000007", 7),
        ("123", 123),
        ("shardId-2147483647", 2147483647),
        ("2147483648", None),
        ("shard-1", None),
        ("shardId-", None),
        ("-1", None),
    ],
)
def test_shard_names(name: str, number: int | None) -> None:
    assert sequences.shard_number(name) == number


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=200)), min_size=1), st.data())
def test_a_batch_gives_back_what_was_packed(records: list[tuple[bytes, bytes]], choice: st.DataObject) -> None:
    pieces = [piece for record in records for piece in record]
    payload = batches.pack([len(piece) for piece in pieces], pieces)
    skip = choice.draw(st.integers(0, len(records) - 1))
    assert list(batches.unpack(payload, len(records), skip)) == records[skip:]
    assert list(batches.unpack(payload, len(records), skip, 1)) == records[skip : skip + 1]
    assert batches.sizes(payload, len(records), skip) == [len(key) + len(data) for key, data in records[skip:]]


def test_a_shard_takes_a_thousand_records_a_second() -> None:
    limit = WriteLimit(now=0.0)
    assert sum(limit.take(1, 0.0) for _ in range(1500)) == 1000
    assert sum(limit.take(1, 0.5) for _ in range(1500)) == 500
    assert sum(limit.take(1, 100.0) for _ in range(1500)) == 1000


def test_a_shard_takes_a_mebibyte_a_second() -> None:
    limit = WriteLimit(now=0.0)
    assert limit.take(MIB - 1, 0.0)
    assert not limit.take(2, 0.0)
    assert limit.take(1, 0.0)
    assert not limit.take(MIB, 0.99)
    assert limit.take(MIB, 1.0)


def test_a_refused_record_costs_nothing() -> None:
    limit = WriteLimit(now=0.0)
    assert not limit.take(MIB + 1, 0.0)
    assert limit.take(MIB, 0.0)


def test_a_stream_of_large_records_may_burst_to_one_of_them() -> None:
    limit = WriteLimit(now=0.0, largest_record=10 * MIB)
    assert limit.take(10 * MIB, 0.0)
    assert not limit.take(2 * MIB, 1.0)
    assert limit.take(MIB, 1.0)


def test_five_reads_a_second() -> None:
    limit = ReadLimit(now=0.0)
    assert [limit.admit(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert limit.admit(0.2)
    assert not limit.admit(0.2)


@pytest.mark.parametrize(("mebibytes", "silence"), [(10, 5.0), (3, 1.5), (2.5, 1.25)])
def test_a_large_page_silences_the_shard_until_its_bytes_have_flowed(mebibytes: float, silence: float) -> None:
    limit = ReadLimit(now=0.0)
    assert limit.admit(0.0)
    limit.charge(int(mebibytes * MIB), 0.0)
    assert not limit.admit(silence - 0.01)
    assert limit.admit(silence)


def test_small_pages_do_not_wait() -> None:
    limit = ReadLimit(now=0.0)
    for _ in range(5):
        assert limit.admit(0.0)
        limit.charge(400_000, 0.0)
