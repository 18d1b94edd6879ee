"""Results of queries and scans: remembered whole, apart from items."""

import json
import urllib.request
from datetime import timedelta

import cbor2
import pytest

from .conftest import TABLE
from .test_item_cache import direct, set_ttl
from .wire_client import CAPACITY, CONSISTENT, Refused, WireClient, condition, path, variable

LIMIT, SELECT, START, FILTER, INDEX, COUNT = 13, 15, 9, 10, 11, 3


def by_title(title):
    return condition([0, path("title"), variable(0)], title)


def plays(client, answer):
    return [client.opened(content).get("plays") for _, content in answer[7]]


def query(client, title, **options):
    return client.ask("query", TABLE.encode(), by_title(title), {CAPACITY: 1} | options.get("given", {}))


@pytest.mark.claim("DAX-509")
def test_a_put_updates_the_item_cache_and_leaves_a_cached_query_old(lake, table, client):
    lake.clock.freeze()
    direct(table, "Girl", plays=1)
    first = query(client, "Girl")
    assert plays(client, first) == [1]
    assert 1 in first  # it consumed capacity
    client.put(TABLE, "Girl", {"plays": 2})
    assert client.get(TABLE, "Girl") == {"plays": 2}
    again = query(client, "Girl")
    assert plays(client, again) == [1]
    assert 1 not in again
    lake.clock.advance(300)
    assert plays(client, query(client, "Girl")) == [2]


def test_a_query_does_not_fill_the_item_cache(table, client):
    direct(table, "Girl", plays=1)
    query(client, "Girl")
    assert client.got(TABLE, "Girl")[1] == 0.5


def test_another_question_is_asked_of_the_table(table, client):
    direct(table, "Girl", plays=1)
    query(client, "Girl")
    direct(table, "Girl", plays=2)
    assert plays(client, query(client, "Girl", given={LIMIT: 1})) == [2]


def test_a_strongly_consistent_query_passes_by(table, client):
    direct(table, "Girl", plays=1)
    query(client, "Girl")
    direct(table, "Girl", plays=2)
    assert plays(client, query(client, "Girl", given={CONSISTENT: 1})) == [2]
    assert plays(client, query(client, "Girl")) == [1]


def test_nothing_found_is_remembered_too(table, client):
    assert query(client, "Girl")[8] == 0
    direct(table, "Girl", plays=1)
    assert query(client, "Girl")[8] == 0


def test_scans_are_remembered_and_go_on_from_where_they_stopped(table, client):
    for number in range(5):
        direct(table, f"song {number}", plays=number)
    seen, start, pages = [], None, 0
    while True:
        given = {LIMIT: 2} | ({START: start} if start else {})
        answer = client.ask("scan", TABLE.encode(), given)
        assert client.ask("scan", TABLE.encode(), given) == answer
        seen += [key for key, _ in answer[7]]
        pages += 1
        start = answer.get(9)
        if start is None:
            break
    assert sorted(seen) == [f"song {number}".encode() for number in range(5)]
    assert pages == 3
    direct(table, "song 9", plays=9)
    assert client.ask("scan", TABLE.encode(), {SELECT: COUNT})[8] == 6
    direct(table, "song 10", plays=9)
    assert client.ask("scan", TABLE.encode(), {SELECT: COUNT})[8] == 6


def test_filters_and_projections(table, client):
    for number in range(5):
        direct(table, f"song {number}", plays=number, year=1960 + number)
    asked = {
        FILTER: condition([4, path("plays"), variable(0)], 2),
        0: cbor2.dumps([1, [path("year"), path("title")]]),
    }
    answer = client.ask("scan", TABLE.encode(), asked)
    assert sorted(answer[7], key=lambda item: item[0]) == [{0: 1963, 1: "song 3"}, {0: 1964, 1: "song 4"}]
    assert (answer[8], answer[10]) == (2, 5)


def test_an_index_is_read_and_its_start_is_named_by_attributes(lake, cluster):
    dynamodb = lake.client("dynamodb")
    dynamodb.create_table(
        TableName="albums",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "track", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "track", "AttributeType": "N"},
            {"AttributeName": "by", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-artist",
                "KeySchema": [{"AttributeName": "by", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for track in range(3):
        item = {"id": {"S": "help"}, "track": {"N": str(track)}, "by": {"S": "paul"}, "other": {"S": "x"}}
        dynamodb.put_item(TableName="albums", Item=item)
    paul = condition([0, path("by"), variable(0)], "paul")
    with WireClient.of(cluster) as client:
        assert client.ask("define_key_schema", b"albums") == {"id": "S", "track": "N"}
        first = client.ask("query", b"albums", paul, {INDEX: b"by-artist", LIMIT: 2})
        assert [client.opened(content) for _, content in first[7]] == [{"by": "paul"}] * 2
        last = cbor2.loads(first[9])
        assert last.keys() == {"id", "track", "by"}
        second = client.ask("query", b"albums", paul, {INDEX: b"by-artist", START: first[9]})
        assert second[8] == 1
        assert not {key for key, _ in first[7]} & {key for key, _ in second[7]}


def test_a_time_to_live_of_nought_keeps_no_results(dax, table, create):
    dax.create_parameter_group(ParameterGroupName="none")
    set_ttl(dax, "none", "query-ttl-millis", 0)
    with WireClient.of(create(ParameterGroupName="none")) as client:
        direct(table, "Girl", plays=1)
        query(client, "Girl")
        direct(table, "Girl", plays=2)
        assert plays(client, query(client, "Girl")) == [2]


def test_what_dynamodb_refuses_is_refused_in_its_words(table, client):
    with pytest.raises(Refused, match="Query condition missed key schema element: title"):
        client.ask("query", TABLE.encode(), condition([0, path("plays"), variable(0)], 1), None)
    with pytest.raises(Refused, match="greater than or equal to 1"):
        client.ask("scan", TABLE.encode(), {LIMIT: 0})
    with pytest.raises(Refused) as refused:
        client.ask("define_key_schema", b"nowhere")
    assert refused.value.codes == [4, 23, 24]
    with pytest.raises(Refused) as refused:
        client.ask("scan", b"nowhere", None)
    assert refused.value.codes == [4, 37, 38, 39, 41]


def test_caches_count_hits_and_misses(lake, table, client):
    direct(table, "Girl", plays=1)
    for _ in range(3):
        client.get(TABLE, "Girl")
        query(client, "Girl")
    with urllib.request.urlopen(f"{lake.endpoint_url}/_pocketlake/views/dax/caches?cluster=cache") as answer:
        seen = json.loads(answer.read())
    for cache in ("items", "queries"):
        assert (seen[cache]["hits"], seen[cache]["misses"], seen[cache]["entries"]) == (2, 1, 1)
    assert seen["connections"] == 1


@pytest.mark.claim("DAX-502")
def test_hits_misses_and_requests_are_metrics_and_the_table_measures_no_reads(lake, table, client):
    direct(table, "Girl", plays=1)
    for _ in range(3):
        client.get(TABLE, "Girl")
        query(client, "Girl")
    lake.clock.advance(minutes=2)
    node = [{"Name": "ClusterId", "Value": "cache"}, {"Name": "NodeId", "Value": "cache-a"}]
    for metric, expected in (
        ("ItemCacheHits", 2),
        ("ItemCacheMisses", 1),
        ("QueryCacheHits", 2),
        ("QueryCacheMisses", 1),
        ("GetItemRequestCount", 3),
        ("TotalRequestCount", 6),
    ):
        assert total(lake, "AWS/DAX", metric, node) == expected, metric
    of_table = [{"Name": "TableName", "Value": TABLE}]
    assert total(lake, "AWS/DynamoDB", "ConsumedReadCapacityUnits", of_table) == 1.0


def test_requests_that_fail_are_counted_by_kind(lake, table, client):
    for code, status in (("ThrottlingException", 400), ("InternalServerError", 500), ("ValidationException", 400)):
        fault = {"service": "dax", "operation": "GetItem", "code": code, "status": status}
        asked = urllib.request.Request(f"{lake.endpoint_url}/_pocketlake/faults", json.dumps(fault).encode())
        urllib.request.urlopen(asked).close()
        with pytest.raises(Refused, match=code):
            client.get(TABLE, "Girl")
    client.get(TABLE, "Girl")
    node = [{"Name": "ClusterId", "Value": "cache"}, {"Name": "NodeId", "Value": "cache-a"}]
    for kind, expected in (("Total", 4), ("Failed", 3), ("Throttled", 1), ("Fault", 1), ("Error", 1)):
        assert total(lake, "AWS/DAX", f"{kind}RequestCount", node) == expected, kind


def total(lake, namespace, metric, dimensions):
    now = lake.clock.now()
    found = lake.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=dimensions,
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])
