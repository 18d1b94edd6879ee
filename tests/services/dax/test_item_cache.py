"""Items through the cache: hits, writes, expiry, and what passes by."""

import json
import urllib.request
from statistics import median

import cbor2
import pytest

from .conftest import TABLE
from .wire_client import (
    ALL_OLD,
    CONDITION,
    CONSISTENT,
    RETURNS,
    UPDATE,
    Refused,
    WireClient,
    condition,
    path,
    variable,
)


def direct(table, title, **values):
    table.put_item(TableName=TABLE, Item={"title": {"S": title}, **{k: {"N": str(v)} for k, v in values.items()}})


def stored(table, title):
    return table.get_item(TableName=TABLE, Key={"title": {"S": title}}, ConsistentRead=True).get("Item")


@pytest.mark.claim("DAX-001", "DAX-502")
def test_a_second_read_is_served_from_the_cache_and_takes_no_capacity(table, client):
    direct(table, "Help!", year=1965)
    assert client.got(TABLE, "Help!") == ({"year": 1965}, 0.5)
    assert client.got(TABLE, "Help!") == ({"year": 1965}, None)


@pytest.mark.claim("DAX-505")
def test_ten_thousand_reads_of_a_hot_key_take_a_unit_and_are_never_throttled(lake, client):
    dynamodb = lake.client("dynamodb")
    dynamodb.create_table(
        TableName="hot",
        KeySchema=[{"AttributeName": "title", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "title", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    dynamodb.put_item(TableName="hot", Item={"title": {"S": "one"}})
    units = [client.got("hot", "one")[1] for _ in range(10_000)]
    assert units[0] == 0.5
    assert units[1:] == [None] * 9_999


@pytest.mark.claim("DAX-506")
def test_what_is_cached_stays_for_five_minutes_and_no_longer(lake, table, client):
    lake.clock.freeze()
    direct(table, "Yesterday", plays=1)
    client.get(TABLE, "Yesterday")
    direct(table, "Yesterday", plays=2)
    lake.clock.advance(299)
    assert client.get(TABLE, "Yesterday") == {"plays": 1}
    lake.clock.advance(1)
    assert client.get(TABLE, "Yesterday") == {"plays": 2}


def test_a_hit_does_not_prolong_an_items_time(lake, table, client):
    lake.clock.freeze()
    direct(table, "Yesterday", plays=1)
    client.get(TABLE, "Yesterday")
    direct(table, "Yesterday", plays=2)
    for _ in range(2):
        lake.clock.advance(150)
        last = client.get(TABLE, "Yesterday")
    assert last == {"plays": 2}


def test_a_put_goes_into_the_table_and_then_into_the_cache(table, client):
    client.put(TABLE, "Girl", {"year": 1965})
    assert stored(table, "Girl") == {"title": {"S": "Girl"}, "year": {"N": "1965"}}
    assert client.got(TABLE, "Girl") == ({"year": 1965}, None)


def test_a_put_that_the_table_refuses_leaves_the_cache_as_it_was(client):
    client.put(TABLE, "Girl", {"year": 1965})
    never = condition([12, path("title")])
    with pytest.raises(Refused) as refused:
        client.put(TABLE, "Girl", {"year": 1}, {CONDITION: never})
    assert refused.value.code == "ConditionalCheckFailedException"
    assert refused.value.codes == [4, 37, 38, 39, 43]
    assert client.got(TABLE, "Girl") == ({"year": 1965}, None)


def test_an_update_is_read_back_from_the_cache(client):
    client.put(TABLE, "Girl", {"year": 1965})
    add = condition([[19, path("plays"), [25, [23, path("plays"), variable(0)], variable(1)]]], 0, 5)
    assert client.ask("update", TABLE.encode(), b"Girl", {UPDATE: add}) is None
    assert client.got(TABLE, "Girl") == ({"plays": 5, "year": 1965}, None)


def test_an_update_that_returns_something_else_is_read_from_the_table_again(client):
    client.put(TABLE, "Girl", {"year": 1965})
    later = condition([[19, path("year"), variable(0)]], 1966)
    answer = client.ask("update", TABLE.encode(), b"Girl", {UPDATE: later, RETURNS: ALL_OLD})
    assert client.opened(answer[2]) == {"year": 1965}
    assert client.got(TABLE, "Girl") == ({"year": 1966}, 0.5)


def test_a_deleted_item_is_gone_from_the_cache(table, client):
    client.put(TABLE, "Girl", {"year": 1965})
    client.ask("delete", TABLE.encode(), b"Girl", None)
    assert stored(table, "Girl") is None
    assert client.get(TABLE, "Girl") is None


def test_that_there_is_no_item_is_cached_too_until_it_is_put_through_dax(table, client):
    assert client.got(TABLE, "Nowhere Man") == (None, 0.5)
    direct(table, "Nowhere Man", year=1965)
    assert client.got(TABLE, "Nowhere Man") == (None, None)
    client.put(TABLE, "Nowhere Man", {"year": 1966})
    assert client.get(TABLE, "Nowhere Man") == {"year": 1966}


def test_strongly_consistent_reads_pass_by_and_are_not_cached(table, client):
    direct(table, "Michelle", plays=1)
    assert client.got(TABLE, "Michelle", consistent=True) == ({"plays": 1}, 1.0)
    assert client.got(TABLE, "Michelle") == ({"plays": 1}, 0.5)
    direct(table, "Michelle", plays=2)
    assert client.get(TABLE, "Michelle", consistent=True) == {"plays": 2}
    assert client.get(TABLE, "Michelle") == {"plays": 1}


def test_a_projection_is_made_of_the_cached_item(table, client):
    table.put_item(
        TableName=TABLE,
        Item={"title": {"S": "Wait"}, "by": {"L": [{"S": "John"}, {"M": {"name": {"S": "Paul"}}}]}, "year": {"N": "1"}},
    )
    asked = {0: cbor2.dumps([1, [path("by", 1, "name"), path("title"), path("none")]])}
    answer = client.ask("get", TABLE.encode(), b"Wait", asked)
    assert answer == {0: {0: "Paul", 1: "Wait"}}
    table.delete_item(TableName=TABLE, Key={"title": {"S": "Wait"}})
    assert client.ask("get", TABLE.encode(), b"Wait", asked) == answer


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([path("by"), path("by", 1)], r"overlap .* path one: \[by\], path two: \[by, \[1\]\]"),
        ([path("year"), path("by", 1, "x"), path("by")], r"path one: \[by, \[1\], x\], path two: \[by\]"),
        ([path("by", 0), path("by", 0)], r"path one: \[by, \[0\]\], path two: \[by, \[0\]\]"),
        ([path(f"a{number}") for number in range(2049)], "exceeded the maximum allowed size; expression size: 4098"),
    ],
)
def test_a_projection_that_dynamodb_would_refuse_is_refused(table, client, paths, said):
    with pytest.raises(Refused, match=said):
        client.ask("get", TABLE.encode(), b"Wait", {0: cbor2.dumps([1, paths])})


def test_a_table_may_be_named_by_its_arn_too(table, client):
    direct(table, "Wait", plays=1)
    assert client.get(TABLE, "Wait") == {"plays": 1}
    client.put(f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}", "Wait", {"plays": 2})
    assert client.get(TABLE, "Wait") == {"plays": 2}


def test_a_changed_time_to_live_counts_at_once_and_nought_means_for_ever(lake, dax, table, create):
    lake.clock.freeze()
    dax.create_parameter_group(ParameterGroupName="short")
    set_ttl(dax, "short", "record-ttl-millis", 1000)
    with WireClient.of(create(ParameterGroupName="short")) as client:
        direct(table, "Run", plays=1)
        client.get(TABLE, "Run")
        direct(table, "Run", plays=2)
        assert client.get(TABLE, "Run") == {"plays": 1}
        lake.clock.advance(1)
        assert client.get(TABLE, "Run") == {"plays": 2}
        direct(table, "Run", plays=3)
        set_ttl(dax, "short", "record-ttl-millis", 0)
        lake.clock.advance(days=30)
        assert client.get(TABLE, "Run") == {"plays": 2}


def set_ttl(dax, group, name, millis):
    values = [{"ParameterName": name, "ParameterValue": str(millis)}]
    dax.update_parameter_group(ParameterGroupName=group, ParameterNameValues=values)


def test_numbers_are_one_key_however_they_are_written(lake, cluster):
    dynamodb = lake.client("dynamodb")
    dynamodb.create_table(
        TableName="numbered",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with WireClient.of(cluster) as client:
        ten = [cbor2.dumps(10), cbor2.dumps(cbor2.CBORTag(4, [1, 1])), cbor2.dumps(cbor2.CBORTag(4, [-1, 100]))]
        client.ask("put", b"numbered", ten[0], client.item({"x": "old"}), None)
        client.ask("put", b"numbered", ten[1], client.item({"x": "new"}), None)
        for key in ten:
            answer = client.ask("get", b"numbered", key, {CONSISTENT: False})
            assert client.opened(answer[0]) == {"x": "new"}


def test_each_cluster_has_a_cache_of_its_own(table, create):
    with WireClient.of(create("one")) as one, WireClient.of(create("two")) as two:
        direct(table, "Wait", plays=1)
        one.get(TABLE, "Wait")
        direct(table, "Wait", plays=2)
        assert one.get(TABLE, "Wait") == {"plays": 1}
        assert two.get(TABLE, "Wait") == {"plays": 2}


@pytest.mark.claim("DAX-504")
def test_a_warm_key_is_answered_in_microseconds_and_sooner_than_by_the_table(lake, table, client):
    """As the lake itself measures its work: clocks of the clients would measure the machine."""
    direct(table, "Girl", plays=1)
    client.get(TABLE, "Girl")
    for consistent in (False, True):
        for _ in range(300):
            client.got(TABLE, "Girl", consistent=consistent)
    with urllib.request.urlopen(f"{lake.endpoint_url}/_pocketlake/trail") as answer:
        events = [one for one in json.loads(answer.read())["events"] if one["service"] == "dax"]
    seconds = [one["seconds"] for one in events if one["operation"] == "get_item"][-600:]
    cached, read = median(seconds[:300]), median(seconds[300:])
    assert cached < 0.001
    assert cached < read
