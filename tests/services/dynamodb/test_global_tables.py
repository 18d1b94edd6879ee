"""Global tables: replicas in other regions, what they share, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import definitions, index, invalid, make, refusal, units
from .regions import EAST, EUROPE, HOME, REGIONS, delete, described, put, replicate, statuses, values

HOUR = 3600


# Replicas


@pytest.mark.claim("DDB-640", "DDB-641")
def test_new_replica_is_filled_and_then_follows(lake, clients):
    make(clients[HOME], "things", "p:S")
    for number in range(30):
        put(clients[HOME], f"old-{number}")
    answer = clients[HOME].update_table(TableName="things", ReplicaUpdates=[{"Create": {"RegionName": EAST}}])
    table = answer["TableDescription"]
    assert (table["TableStatus"], table["GlobalTableVersion"]) == ("UPDATING", "2019.11.21")
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    lake.clock.advance(1)
    for here, there in ((HOME, EAST), (EAST, HOME)):
        assert described(clients[here])["TableStatus"] == "ACTIVE"
        assert statuses(clients[here]) == {there: "ACTIVE"}
    replica = described(clients[EAST])
    assert replica["TableArn"] == described(clients[HOME])["TableArn"].replace(HOME, EAST)
    assert replica["TableId"] != described(clients[HOME])["TableId"]
    assert replica["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert values(clients[EAST]) == {f"old-{number}": "v" for number in range(30)}
    put(clients[HOME], "new")
    delete(clients[HOME], "old-0")
    lake.clock.advance(1)
    assert values(clients[EAST]) == values(clients[HOME])
    assert "new" in values(clients[EAST])


@pytest.mark.claim("DDB-641")
def test_writes_arrive_later_and_from_every_region(lake, spread):
    for region in REGIONS:
        put(spread[region], region)
    lake.clock.advance(1)
    assert values(spread[HOME]) == values(spread[EAST]) == values(spread[EUROPE]) == dict.fromkeys(REGIONS, "v")
    lake.clock.set(lake.clock.now())
    before = values(spread[EAST])
    put(spread[HOME], "late")
    lake.clock.advance(0.4)
    assert values(spread[EAST]) == before
    lake.clock.advance(0.2)
    assert "late" in values(spread[EAST])


@pytest.mark.claim("DDB-642")
def test_the_last_writer_wins_wherever_it_was(lake, spread):
    put(spread[HOME], "a", "first")
    lake.clock.advance(0.1)
    put(spread[EAST], "a", "second")
    delete(spread[EAST], "b")
    put(spread[EAST], "c", "east")
    lake.clock.advance(0.1)
    put(spread[EUROPE], "b", "last")
    delete(spread[HOME], "c")
    lake.clock.advance(2)
    for region in REGIONS:
        assert values(spread[region])["a"] == "second"
        assert values(spread[region])["b"] == "last"
    # Where c was not yet known its deletion was no change: AWS streams none either.
    assert values(spread[HOME]) == values(spread[EAST]) == values(spread[EUROPE])


@pytest.mark.claim("DDB-642")
def test_a_write_that_says_what_is_there_already_does_not_make_replicas_differ(lake, spread):
    """Arriving out of order: a later write equal to what is there must still beat an earlier, different one."""
    put(spread[HOME], "a", "x")
    lake.clock.advance(2)
    put(spread[EUROPE], "a", "y")
    lake.clock.advance(0.1)
    put(spread[EAST], "a", "z")
    lake.clock.advance(0.1)
    put(spread[EUROPE], "a", "z")
    lake.clock.advance(2)
    assert [values(spread[region])["a"] for region in REGIONS] == ["z"] * 3


def test_writes_do_not_come_back(lake, spread):
    put(spread[HOME], "a")
    lake.clock.advance(5)
    streams = lake.client("dynamodbstreams", region=EAST)
    assert [record["eventName"] for record in records(streams, described(spread[EAST]))] == ["INSERT"]
    streams = lake.client("dynamodbstreams", region=HOME)
    assert [record["eventName"] for record in records(streams, described(spread[HOME]))] == ["INSERT"]


def records(streams: Any, table: dict[str, Any]) -> list[dict[str, Any]]:
    arn = table["LatestStreamArn"]
    found = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=iterator)["Records"]
    return found


def test_items_written_while_a_replica_is_made_are_in_it(lake, clients):
    make(clients[HOME], "things", "p:S")
    replicate(lake, clients, EAST)
    lake.clock.set(lake.clock.now())
    for number in range(1200):
        put(clients[HOME], str(number), "old") if number % 100 == 0 else None
    put(clients[EAST], "from-east")
    clients[HOME].update_table(TableName="things", ReplicaUpdates=[{"Create": {"RegionName": EUROPE}}])
    put(clients[HOME], "0", "new")
    put(clients[EAST], "100", "newest")
    delete(clients[EAST], "from-east")
    lake.clock.advance(2)
    assert values(clients[EUROPE]) == values(clients[HOME]) == values(clients[EAST])
    assert values(clients[EUROPE])["0"] == "new"
    assert values(clients[EUROPE])["100"] == "newest"
    assert "from-east" not in values(clients[EUROPE])


@pytest.mark.claim("DDB-643")
def test_expired_items_go_everywhere_and_are_expired_once(lake, spread):
    spread[EAST].update_time_to_live(
        TableName="things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    for region in REGIONS:
        shown = spread[region].describe_time_to_live(TableName="things")["TimeToLiveDescription"]
        assert shown == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    until = str(int(lake.clock.now().timestamp()) + HOUR)
    put(spread[HOME], "a", until={"N": until})
    put(spread[HOME], "b")
    lake.clock.advance(2 * HOUR)
    by_service = []
    for region in REGIONS:
        assert values(spread[region]) == {"b": "v"}
        streams = lake.client("dynamodbstreams", region=region)
        found = [one for one in records(streams, described(spread[region])) if one["eventName"] == "REMOVE"]
        assert len(found) == 1
        by_service.append("userIdentity" in found[0])
    assert sum(by_service) == 1


@pytest.mark.claim("DDB-644")
def test_settings_are_the_same_everywhere(lake, spread):
    spread[EAST].update_table(
        TableName="things",
        AttributeDefinitions=definitions("p:S", "n:N"),
        GlobalSecondaryIndexUpdates=[{"Create": index("by-number", "n:N")}],
    )
    lake.clock.advance(1)
    put(spread[HOME], "a", n={"N": "5"})
    lake.clock.advance(1)
    for region in REGIONS:
        found = spread[region].query(
            TableName="things",
            IndexName="by-number",
            KeyConditionExpression="n = :n",
            ExpressionAttributeValues={":n": {"N": "5"}},
        )
        assert found["Count"] == 1
    spread[HOME].update_table(TableName="things", TableClass="STANDARD_INFREQUENT_ACCESS")
    spread[HOME].update_table(TableName="things", DeletionProtectionEnabled=True)
    classes = {described(spread[region])["TableClassSummary"]["TableClass"] for region in REGIONS}
    assert classes == {"STANDARD_INFREQUENT_ACCESS"}
    assert [described(spread[region])["DeletionProtectionEnabled"] for region in REGIONS] == [True, False, False]


def test_overrides_of_one_replica(lake, clients):
    make(clients[HOME], "things", "p:S", also=("n:N",), GlobalSecondaryIndexes=[index("by-number", "n:N")])
    asked = {
        "RegionName": EAST,
        "TableClassOverride": "STANDARD_INFREQUENT_ACCESS",
        "OnDemandThroughputOverride": {"MaxReadRequestUnits": 50},
    }
    clients[HOME].update_table(TableName="things", ReplicaUpdates=[{"Create": asked}])
    lake.clock.advance(1)
    replica = described(clients[EAST])
    assert replica["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert replica["OnDemandThroughput"]["MaxReadRequestUnits"] == 50
    assert "OnDemandThroughput" not in described(clients[HOME])
    (shown,) = described(clients[HOME])["Replicas"]
    assert shown["OnDemandThroughputOverride"] == {"MaxReadRequestUnits": 50}
    assert [one["IndexName"] for one in shown["GlobalSecondaryIndexes"]] == ["by-number"]
    changed = {"RegionName": EAST, "OnDemandThroughputOverride": {"MaxReadRequestUnits": 70}}
    clients[HOME].update_table(TableName="things", ReplicaUpdates=[{"Update": changed}])
    assert described(clients[EAST])["OnDemandThroughput"]["MaxReadRequestUnits"] == 70
    assert described(clients[HOME])["Replicas"][0]["OnDemandThroughputOverride"] == {"MaxReadRequestUnits": 70}


@pytest.mark.claim("DDB-645")
def test_a_replica_that_is_removed_takes_nothing_with_it(lake, spread):
    put(spread[EUROPE], "just written")
    spread[HOME].update_table(TableName="things", ReplicaUpdates=[{"Delete": {"RegionName": EUROPE}}])
    assert refusal(spread[EUROPE].describe_table, TableName="things")[0] == "ResourceNotFoundException"
    assert statuses(spread[HOME]) == {EAST: "ACTIVE"}
    lake.clock.advance(1)
    assert values(spread[HOME]) == values(spread[EAST]) == {"just written": "v"}
    spread[HOME].update_table(TableName="things", ReplicaUpdates=[{"Delete": {"RegionName": EAST}}])
    left = described(spread[HOME])
    assert not {"Replicas", "GlobalTableVersion", "GlobalTableSettingsReplicationMode"} & left.keys()
    assert left["StreamSpecification"]["StreamEnabled"] is True
    replicate(lake, spread, EAST)
    assert values(spread[EAST]) == {"just written": "v"}
    put(spread[EAST], "again")
    lake.clock.advance(1)
    assert "again" in values(spread[HOME])


@pytest.mark.claim("DDB-645")
def test_the_source_of_a_replica_stays_for_a_day(lake, spread):
    message = invalid(spread[HOME].delete_table, TableName="things")
    assert message.startswith("Replica cannot be deleted because it has acted as a source region for new replica(s)")
    delete_home = [{"Delete": {"RegionName": HOME}}]
    assert invalid(spread[EAST].update_table, TableName="things", ReplicaUpdates=delete_home) == message
    spread[EUROPE].delete_table(TableName="things")
    assert statuses(spread[HOME]) == {EAST: "ACTIVE"}
    lake.clock.advance(25 * HOUR)
    spread[HOME].delete_table(TableName="things")
    assert "Replicas" not in described(spread[EAST])


@pytest.mark.claim("DDB-646")
@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ([{"Create": {"RegionName": EAST}}], "because one or more replicas already existed as tables."),
        ([{"Create": {"RegionName": HOME}}], "Cannot add or delete the local region through ReplicaUpdates."),
        ([{"Delete": {"RegionName": HOME}}], "Cannot add or delete the local region through ReplicaUpdates."),
        ([{"Create": {"RegionName": "us-fake-1"}}], "Region us-fake-1 is not supported. The latest version"),
        ([{"Delete": {"RegionName": "ca-central-1"}}], "without these replicas: [ca-central-1]."),
        ([{"Update": {"RegionName": EAST}}], "There are no actions specified in the Replica Update Action"),
        ([{}], "There are no actions specified in the Replica Update Action"),
        (
            [{"Create": {"RegionName": "ap-south-1"}, "Delete": {"RegionName": EAST}}],
            "more than one type of replica actions not allowed.",
        ),
        (
            [{"Create": {"RegionName": "ap-south-1"}}, {"Create": {"RegionName": "sa-east-1"}}],
            "more than one create or delete replica actions not allowed",
        ),
        (
            [{"Update": {"RegionName": EAST, "ProvisionedThroughputOverride": {"ReadCapacityUnits": 5}}}],
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified",
        ),
    ],
)
def test_replica_updates_that_are_refused(spread, updates, message):
    assert message in invalid(spread[HOME].update_table, TableName="things", ReplicaUpdates=updates)


@pytest.mark.claim("DDB-646")
def test_replicas_of_tables_that_are_not_fit_for_it(lake, clients):
    create = [{"Create": {"RegionName": EAST}}]
    make(clients[HOME], "provisioned", "p:S", ProvisionedThroughput=units(1, 1))
    assert (
        invalid(clients[HOME].update_table, TableName="provisioned", ReplicaUpdates=create)
        == "Table write capacity should either be Pay-Per-Request or AutoScaled."
    )
    make(clients[HOME], "things", "p:S")
    make(clients[EAST], "things", "p:S")
    assert "already existed as tables" in invalid(clients[HOME].update_table, TableName="things", ReplicaUpdates=create)
    make(clients[HOME], "others", "p:S")
    assert (
        invalid(clients[HOME].update_table, TableName="others", ReplicaUpdates=create, DeletionProtectionEnabled=True)
        == "One or more parameter values were invalid: Replica modification must be the only operation in the request"
    )
    replicate(lake, clients, EAST, table="others")
    stop = {"StreamEnabled": False}
    assert (
        invalid(clients[EAST].update_table, TableName="others", StreamSpecification=stop)
        == "Disabling Stream is not allowed for a Global Table replica."
    )


@pytest.mark.claim("DDB-646", "DDB-644")
def test_a_provisioned_table_whose_writes_are_scaled_is_fit_for_it(lake, clients):
    make(clients[HOME], "things", "p:S", ProvisionedThroughput=units(5, 5))
    target = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/things",
        "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
    }
    scaling = lake.client("application-autoscaling", region=HOME)
    scaling.register_scalable_target(**target, MinCapacity=5, MaxCapacity=100)
    create = [{"Create": {"RegionName": EAST, "ProvisionedThroughputOverride": {"ReadCapacityUnits": 20}}}]
    message = invalid(clients[HOME].update_table, TableName="things", ReplicaUpdates=create)
    assert message == "Table write capacity should either be Pay-Per-Request or AutoScaled."
    use = {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"}
    scaling.put_scaling_policy(
        **target,
        PolicyName="half",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 50, "PredefinedMetricSpecification": use},
    )
    clients[HOME].update_table(TableName="things", ReplicaUpdates=create)
    lake.clock.advance(1)
    check_scaled(clients[EAST])
    assert throughput(clients[EAST]) == (20, 5)
    clients[HOME].update_table(TableName="things", ProvisionedThroughput=units(6, 12))
    assert (throughput(clients[HOME]), throughput(clients[EAST])) == ((6, 12), (20, 12))
    clients[EAST].update_table(TableName="things", ProvisionedThroughput=units(20, 15))
    assert (throughput(clients[HOME]), throughput(clients[EAST])) == ((20, 15), (20, 15))


def check_scaled(client: Any) -> None:
    """HOME's writes are scaled, and nothing else is, whichever region is asked."""
    arn = described(client)["TableArn"]
    shown = client.describe_table_replica_auto_scaling(TableName=arn)["TableAutoScalingDescription"]["Replicas"]
    by_region = {one["RegionName"]: one for one in shown}
    assert by_region[EAST] == {"RegionName": EAST, "ReplicaStatus": "ACTIVE"}
    found = by_region[HOME].pop("ReplicaProvisionedWriteCapacityAutoScalingSettings")
    assert by_region[HOME] == {"RegionName": HOME, "ReplicaStatus": "ACTIVE"}
    assert (found["MinimumUnits"], found["MaximumUnits"]) == (5, 100)
    tracked = {"PolicyName": "half", "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50.0}}
    assert found["ScalingPolicies"] == [tracked]
    assert refusal(client.update_table_replica_auto_scaling, TableName="things")[0] == "NotImplemented"


def throughput(client: Any) -> tuple[int, int]:
    shown = described(client)["ProvisionedThroughput"]
    return shown["ReadCapacityUnits"], shown["WriteCapacityUnits"]


def test_what_is_not_built_is_named(clients):
    make(clients[HOME], "things", "p:S")
    request = {
        "TableName": "things",
        "ReplicaUpdates": [{"Create": {"RegionName": EAST, "KMSMasterKeyId": "alias/mine"}}],
    }
    assert refusal(clients[HOME].update_table, **request)[0] == "NotImplemented"


# The legacy version, and auto scaling


@pytest.mark.claim("DDB-647")
def test_the_legacy_version_is_refused_and_sees_nothing(spread):
    client = spread[HOME]
    message = invalid(client.create_global_table, GlobalTableName="things", ReplicationGroup=[{"RegionName": HOME}])
    assert "DynamoDB global tables version 2017.11.29 is not supported." in message
    add = [{"Create": {"RegionName": EAST}}]
    assert invalid(client.update_global_table, GlobalTableName="things", ReplicaUpdates=add) == message
    missing = ("GlobalTableNotFoundException", "Global table with name: 'things' does not exist.")
    remove = [{"Delete": {"RegionName": EAST}}]
    assert refusal(client.update_global_table, GlobalTableName="things", ReplicaUpdates=remove) == missing
    assert refusal(client.describe_global_table, GlobalTableName="things") == missing
    assert refusal(client.describe_global_table_settings, GlobalTableName="things") == missing
    assert refusal(client.update_global_table_settings, GlobalTableName="things") == missing
    assert client.list_global_tables()["GlobalTables"] == []


def test_auto_scaling_of_replicas(spread, clients):
    make(clients[HOME], "alone", "p:S")
    missing = ("ResourceNotFoundException", "Global table with name: 'alone' does not exist.")
    assert refusal(clients[HOME].describe_table_replica_auto_scaling, TableName="alone") == missing
    found = spread[HOME].describe_table_replica_auto_scaling(TableName="things")["TableAutoScalingDescription"]
    assert {one["RegionName"] for one in found["Replicas"]} == set(REGIONS)
    update = {"MinimumUnits": 1, "MaximumUnits": 10}
    assert "BillingMode is PayPerRequest" in invalid(
        spread[HOME].update_table_replica_auto_scaling,
        TableName="things",
        ProvisionedWriteCapacityAutoScalingUpdate=update,
    )
