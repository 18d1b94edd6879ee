"""Batches and transactions through the cache."""

import cbor2
import pytest

from .conftest import TABLE
from .test_item_cache import direct, stored
from .wire_client import CAPACITY, TOTAL, Refused, condition, path, variable

PUT, DELETE, UPDATE, CHECK = 2, 7, 9, 12
NONE, ALL_OLD = 1, 2


def batch_get(client, *titles, consistent=False):
    """Items by title, and the units that the table took for them."""
    asked = {TABLE: [consistent, None, [title.encode() for title in titles]]}
    (found, unprocessed), consumed = client.ask("batch_get", asked, {CAPACITY: TOTAL})
    assert unprocessed == {}
    flat = found[TABLE]
    items = {key.decode(): client.opened(item) for key, item in zip(flat[::2], flat[1::2], strict=True)}
    return items, [cbor2.loads(b"\x9f" + one + b"\xff")[1] for one in consumed]


def test_of_a_batch_only_what_is_not_cached_is_asked_of_the_table(table, client):
    direct(table, "a", plays=1)
    direct(table, "b", plays=2)
    client.get(TABLE, "a")
    assert batch_get(client, "a", "b", "c") == ({"a": {"plays": 1}, "b": {"plays": 2}}, [1.0])
    direct(table, "c", plays=3)
    direct(table, "b", plays=4)
    assert batch_get(client, "a", "b", "c") == ({"a": {"plays": 1}, "b": {"plays": 2}}, [])
    assert client.got(TABLE, "b") == ({"plays": 2}, None)


def test_a_strongly_consistent_batch_passes_by(table, client):
    direct(table, "a", plays=1)
    client.get(TABLE, "a")
    direct(table, "a", plays=2)
    assert batch_get(client, "a", consistent=True) == ({"a": {"plays": 2}}, [1.0])
    assert client.get(TABLE, "a") == {"plays": 1}


def test_a_batch_shows_projections(table, client):
    direct(table, "a", plays=1)
    asked = {TABLE: [False, cbor2.dumps([1, [path("plays"), path("none")]]), [b"a", b"b"]]}
    (found, _), _ = client.ask("batch_get", asked, None)
    assert found == {TABLE: [{0: 1}]}


def provisioned(table, name, reads, writes):
    """A table that has 300 seconds of its units saved, and no more."""
    table.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "title", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "title", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": reads, "WriteCapacityUnits": writes},
    )


def test_what_a_batch_had_no_units_for_is_not_taken_for_missing(lake, table, client):
    lake.clock.freeze()
    provisioned(table, "slow", 1, 1000)
    titles = [f"long {number}" for number in range(10)]
    for title in titles:  # 49 units each, when they are read
        table.put_item(TableName="slow", Item={"title": {"S": title}, "text": {"S": "x" * 390_000}})
        lake.clock.advance(1)  # a partition takes 1,000 units a second
    asked = {"slow": [False, None, [title.encode() for title in titles]]}
    (found, unprocessed), _ = client.ask("batch_get", asked, None)
    left = {key.decode() for key in unprocessed["slow"]}
    assert left
    assert {key.decode() for key in found["slow"][::2]} == set(titles) - left
    lake.clock.advance(100)
    assert client.get("slow", left.pop()) == {"text": "x" * 390_000}


def test_what_a_batch_had_no_units_to_write_is_not_in_the_cache(lake, table, client):
    lake.clock.freeze()
    provisioned(table, "slow", 100, 1)
    content = client.item({"text": "x" * 30_000})  # 30 units
    writes = [part for number in range(15) for part in (f"song {number}".encode(), content)]
    unprocessed, _, _ = client.ask("batch_write", {"slow": writes}, None)
    left = [key.decode() for key in unprocessed["slow"][::2]]
    assert 0 < len(left) < 15
    assert client.got("slow", left[0]) == (None, 0.5)
    assert client.got("slow", "song 0") == ({"text": "x" * 30_000}, None)


def test_a_table_that_stands_twice_in_a_batch_is_refused(table, client):
    """As text and as bytes: the second would take the first's keys for missing ones."""
    direct(table, "a", plays=1)
    asked = {TABLE: [False, None, [b"a"]], TABLE.encode(): [False, None, [b"b"]]}
    with pytest.raises(Refused, match="a table stands twice"):
        client.ask("batch_get", asked, None)


def test_a_batch_is_written_through(table, client):
    client.put(TABLE, "gone", {"plays": 1})
    writes = [b"new", client.item({"plays": 7}), b"gone", None]
    unprocessed, consumed, metrics = client.ask("batch_write", {TABLE: writes}, None)
    assert (unprocessed, consumed, metrics) == ({}, [], {})
    assert stored(table, "new")["plays"] == {"N": "7"}
    assert stored(table, "gone") is None
    assert client.got(TABLE, "new") == ({"plays": 7}, None)
    assert client.got(TABLE, "gone") == (None, 0.5)


def test_batches_have_dynamodbs_bounds(client):
    with pytest.raises(Refused, match="less than or equal to 25"):
        client.ask("batch_write", {TABLE: [value for n in range(26) for value in (b"%d" % n, b"\x01")]}, None)
    with pytest.raises(Refused, match="less than or equal to 100"):
        client.ask("batch_get", {TABLE: [False, None, [b"%d" % n for n in range(101)]]}, None)
    with pytest.raises(Refused, match="greater than or equal to 1"):
        client.ask("batch_get", {}, None)
    with pytest.raises(Refused, match="duplicates"):
        client.ask("batch_get", {TABLE: [False, None, [b"a", b"a"]]}, None)


def write(client, *rows):
    """Rows of operation, title, values, condition, update."""
    operations, titles, values, conditions, updates = (list(column) for column in zip(*rows, strict=True))
    contents = [client.item(value) if value is not None else None for value in values]
    tables = [TABLE.encode()] * len(rows)
    keys = [title.encode() for title in titles]
    returns = [ALL_OLD] * len(rows)
    return client.ask("transact_write", operations, tables, keys, contents, None, returns, conditions, updates, None)


def test_what_a_transaction_wrote_is_in_the_cache_and_was_read_again_for_it(table, client):
    client.put(TABLE, "gone", {"plays": 1})
    more = condition([[20, path("plays"), variable(0)]], 3)
    there = condition([11, path("title")])
    client.put(TABLE, "there", {})
    result = write(
        client,
        (PUT, "new", {"plays": 1}, None, None),
        (UPDATE, "counted", None, None, more),
        (DELETE, "gone", None, None, None),
        (CHECK, "there", None, there, None),
    )
    assert result == [[], [], {}]
    assert stored(table, "counted")["plays"] == {"N": "3"}
    assert client.got(TABLE, "new") == ({"plays": 1}, None)
    assert client.got(TABLE, "counted") == ({"plays": 3}, None)
    assert client.got(TABLE, "gone") == (None, None)


def test_a_cancelled_transaction_says_why_for_each_item(table, client):
    client.put(TABLE, "there", {"plays": 5})
    absent = condition([12, path("title")])
    with pytest.raises(Refused) as refused:
        write(client, (PUT, "new", {"plays": 1}, None, None), (CHECK, "there", None, absent, None))
    assert refused.value.codes == [4, 37, 38, 39, 58]
    reasons = refused.value.details[3]
    assert reasons[:3] == ["None", None, None]
    assert reasons[3:5] == ["ConditionalCheckFailed", "The conditional request failed"]
    assert client.opened(reasons[5]) == {"plays": 5}
    assert stored(table, "new") is None
    assert client.get(TABLE, "new") is None


def test_a_transactions_reads_pass_by_and_are_not_kept(table, client):
    direct(table, "a", plays=1)
    client.get(TABLE, "a")
    direct(table, "a", plays=2)
    asked = ([TABLE.encode()] * 3, [b"a", b"b", b"c"], [None, None, cbor2.dumps([1, [path("plays")]])])
    (first, second, third), consumed = client.ask("transact_get", *asked, {CAPACITY: TOTAL})
    assert client.opened(first) == {"plays": 2}
    assert (second, third) == (None, None)
    assert consumed == [{1: 6.0, 2: 6.0, 4: TABLE}]
    assert client.get(TABLE, "a") == {"plays": 1}
    direct(table, "b", plays=1)
    assert client.got(TABLE, "b") == ({"plays": 1}, 0.5)
