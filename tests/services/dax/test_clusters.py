"""Clusters and their nodes."""

import socket

import pytest
from botocore.exceptions import ClientError

from .conftest import ROLE, TABLE
from .wire_client import WireClient

OPTIONS = {"ClusterName": "cache", "NodeType": "dax.r5.large", "ReplicationFactor": 1, "IamRoleArn": ROLE}


def refused(code, operation, **request):
    with pytest.raises(ClientError) as error:
        operation(**request)
    assert error.value.response["Error"]["Code"] == code
    return error.value.response["Error"]["Message"]


def listens(endpoint):
    try:
        socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=10).close()
    except ConnectionRefusedError:
        return False
    return True


def described(dax, name="cache"):
    return dax.describe_clusters(ClusterNames=[name])["Clusters"][0]


def test_a_cluster_is_created_on_the_clock_and_then_has_addresses(lake, dax):
    lake.clock.freeze()
    creating = dax.create_cluster(**OPTIONS | {"ReplicationFactor": 3}, Description="mine")["Cluster"]
    assert (creating["Status"], creating["TotalNodes"], creating["ActiveNodes"]) == ("creating", 3, 0)
    assert creating["ClusterDiscoveryEndpoint"] == {"Port": 8111}
    assert "Nodes" not in creating
    assert creating["ClusterArn"] == "arn:aws:dax:us-east-1:000000000000:cache/cache"
    assert described(dax)["Status"] == "creating"
    lake.clock.advance(1)
    cluster = described(dax)
    assert (cluster["Status"], cluster["ActiveNodes"], cluster["Description"]) == ("available", 3, "mine")
    assert [node["NodeId"] for node in cluster["Nodes"]] == ["cache-a", "cache-b", "cache-c"]
    assert len({node["AvailabilityZone"] for node in cluster["Nodes"]}) == 3
    endpoint = cluster["ClusterDiscoveryEndpoint"]
    assert endpoint["URL"] == f"dax://127.0.0.1:{endpoint['Port']}"
    assert all(listens(one) for one in (endpoint, *(node["Endpoint"] for node in cluster["Nodes"])))
    assert cluster["ParameterGroup"]["ParameterGroupName"] == "default.dax1.0"


@pytest.mark.claim("DAX-507")
def test_a_cluster_has_ten_nodes_at_most(dax):
    refused("NodeQuotaForClusterExceededFault", dax.create_cluster, **OPTIONS | {"ReplicationFactor": 11})
    cluster = dax.create_cluster(**OPTIONS | {"ReplicationFactor": 10})["Cluster"]
    assert cluster["TotalNodes"] == 10


def test_an_account_has_fifty_nodes_at_most(dax):
    for name in "abcde":
        dax.create_cluster(**OPTIONS | {"ClusterName": name, "ReplicationFactor": 10})
    refused("NodeQuotaForCustomerExceededFault", dax.create_cluster, **OPTIONS)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ClusterName": "1st"}, "InvalidParameterValueException"),
        ({"ClusterName": "a--b"}, "InvalidParameterValueException"),
        ({"ClusterName": "a" * 21}, "InvalidParameterValueException"),
        ({"NodeType": "dax.m1.tiny"}, "InvalidParameterValueException"),
        ({"ReplicationFactor": 0}, "InvalidParameterValueException"),
        ({"IamRoleArn": "role"}, "InvalidParameterValueException"),
        ({"PreferredMaintenanceWindow": "someday"}, "InvalidParameterValueException"),
        ({"AvailabilityZones": ["us-east-1a", "us-east-1b"]}, "InvalidParameterCombinationException"),
        ({"AvailabilityZones": ["mars"]}, "InvalidParameterValueException"),
        ({"ParameterGroupName": "none"}, "ParameterGroupNotFoundFault"),
        ({"SubnetGroupName": "none"}, "SubnetGroupNotFoundFault"),
        ({"NetworkType": "ipv6"}, "NotImplemented"),
        ({"Tags": [{"Key": "aws:mine", "Value": ""}]}, "InvalidParameterValueException"),
    ],
)
def test_what_a_cluster_cannot_be(dax, changes, code):
    refused(code, dax.create_cluster, **OPTIONS | changes)
    assert dax.describe_clusters()["Clusters"] == []


def test_names_are_stored_in_lower_case_and_once(dax, create):
    create("Cache")
    assert refused("ClusterAlreadyExistsFault", dax.create_cluster, **OPTIONS) == "Cluster cache already exists."


def test_pages_of_clusters(dax):
    for number in range(25):
        dax.create_cluster(**OPTIONS | {"ClusterName": f"cache{number:02}"})
    first = dax.describe_clusters(MaxResults=20)
    second = dax.describe_clusters(MaxResults=20, NextToken=first["NextToken"])
    assert (len(first["Clusters"]), len(second["Clusters"])) == (20, 5)
    assert "NextToken" not in second
    refused("InvalidParameterValueException", dax.describe_clusters, MaxResults=5)
    refused("InvalidParameterValueException", dax.describe_clusters, NextToken="made up")


def test_a_cluster_that_is_not_available_is_not_changed(dax):
    dax.create_cluster(**OPTIONS)
    code = "InvalidClusterStateFault"
    refused(code, dax.update_cluster, ClusterName="cache", Description="x")
    refused(code, dax.delete_cluster, ClusterName="cache")
    refused(code, dax.increase_replication_factor, ClusterName="cache", NewReplicationFactor=2)
    refused(code, dax.reboot_node, ClusterName="cache", NodeId="cache-a")
    refused("ClusterNotFoundFault", dax.delete_cluster, ClusterName="none")


def test_a_cluster_is_changed(dax, create):
    create()
    dax.create_parameter_group(ParameterGroupName="mine")
    dax.update_cluster(
        ClusterName="cache",
        Description="new",
        ParameterGroupName="mine",
        SecurityGroupIds=["sg-1"],
        PreferredMaintenanceWindow="sun:01:00-sun:09:00",
        NotificationTopicArn="arn:aws:sns:us-east-1:000000000000:none",
    )
    cluster = described(dax)
    assert cluster["Description"] == "new"
    assert cluster["ParameterGroup"]["ParameterGroupName"] == "mine"
    assert cluster["SecurityGroups"] == [{"SecurityGroupIdentifier": "sg-1", "Status": "active"}]
    assert cluster["PreferredMaintenanceWindow"] == "sun:01:00-sun:09:00"
    assert cluster["NotificationConfiguration"]["TopicStatus"] == "active"


def test_more_nodes_and_fewer(lake, dax, create):
    cluster = create(nodes=2)
    changing = dax.increase_replication_factor(ClusterName="cache", NewReplicationFactor=4)["Cluster"]
    assert (changing["Status"], changing["TotalNodes"], changing["ActiveNodes"]) == ("modifying", 4, 2)
    lake.clock.advance(5)
    cluster = described(dax)
    assert cluster["ActiveNodes"] == 4
    removed = {node["NodeId"]: node for node in cluster["Nodes"]}["cache-b"]
    leaving = dax.decrease_replication_factor(ClusterName="cache", NewReplicationFactor=3, NodeIdsToRemove=["cache-b"])[
        "Cluster"
    ]
    assert leaving["NodeIdsToRemove"] == ["cache-b"]
    lake.clock.advance(5)
    cluster = described(dax)
    assert [node["NodeId"] for node in cluster["Nodes"]] == ["cache-a", "cache-c", "cache-d"]
    assert not listens(removed["Endpoint"])
    with WireClient.of(cluster) as client:
        assert [(one[4], one[5]) for one in client.ask("endpoints")] == [
            (1, "us-east-1a"), (2, "us-east-1c"), (2, "us-east-1a"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("increase", {"NewReplicationFactor": 11}, "NodeQuotaForClusterExceededFault"),
        ("increase", {"NewReplicationFactor": 3}, "InvalidParameterValueException"),
        ("decrease", {"NewReplicationFactor": 0}, "InvalidParameterValueException"),
        ("decrease", {"NewReplicationFactor": 3}, "InvalidParameterValueException"),
        ("decrease", {"NewReplicationFactor": 2, "NodeIdsToRemove": ["x"]}, "NodeNotFoundFault"),
        (
            "decrease",
            {"NewReplicationFactor": 2, "NodeIdsToRemove": ["cache-a", "cache-b"]},
            "InvalidParameterCombinationException",
        ),
    ],
)
def test_replication_factors_that_make_no_sense(dax, create, operation, request_, code):
    create(nodes=3)
    refused(code, getattr(dax, f"{operation}_replication_factor"), ClusterName="cache", **request_)


@pytest.mark.claim("DAX-503")
def test_while_a_node_is_rebooted_the_others_answer_and_the_cache_stays(lake, dax, table, create):
    cluster = create(nodes=3)
    first, second, _ = (node["Endpoint"] for node in cluster["Nodes"])
    with WireClient(second["Address"], second["Port"]) as client:
        client.put(TABLE, "x", {"n": 1})
        lake.clock.freeze()
        dax.reboot_node(ClusterName="cache", NodeId="cache-a")
        lake.clock.advance(1)
        assert [node["NodeStatus"] for node in described(dax)["Nodes"]] == ["rebooting", "available", "available"]
        assert described(dax)["ActiveNodes"] == 2
        assert not listens(first)
        assert client.got(TABLE, "x") == ({"n": 1}, None)
        assert [one[4] for one in client.ask("endpoints")] == [1, 2]
        lake.clock.advance(60)
        assert listens(first)
    with WireClient(first["Address"], first["Port"]) as client:
        assert client.got(TABLE, "x") == ({"n": 1}, None)
    refused("NodeNotFoundFault", dax.reboot_node, ClusterName="cache", NodeId="cache-z")


def test_a_deleted_cluster_is_gone_with_its_ports(lake, dax, create):
    create("first")  # which has port 8111, unless another lake on this machine has it
    cluster = create()
    deleting = dax.delete_cluster(ClusterName="cache")["Cluster"]
    assert deleting["Status"] == "deleting"
    assert "Nodes" not in deleting
    lake.clock.advance(5)
    refused("ClusterNotFoundFault", dax.describe_clusters, ClusterNames=["cache"])
    assert not listens(cluster["ClusterDiscoveryEndpoint"])
    create()


def test_tags(dax, create):
    cluster = create(Tags=[{"Key": "a", "Value": "1"}])
    dax.tag_resource(ResourceName=cluster["ClusterArn"], Tags=[{"Key": "b", "Value": "2"}])
    assert dax.list_tags(ResourceName="cache")["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    left = dax.untag_resource(ResourceName="cache", TagKeys=["a"])["Tags"]
    assert left == [{"Key": "b", "Value": "2"}]
    refused("TagNotFoundFault", dax.untag_resource, ResourceName="cache", TagKeys=["a"])
    refused("InvalidARNFault", dax.list_tags, ResourceName="arn:aws:s3:::bucket")
    refused("ClusterNotFoundFault", dax.list_tags, ResourceName="none")
    many = [{"Key": str(n), "Value": ""} for n in range(50)]
    refused("TagQuotaPerResourceExceeded", dax.tag_resource, ResourceName="cache", Tags=many)


def test_events_tell_what_became_of_a_cluster_and_its_topic_hears_of_it(lake, dax):
    topic = lake.client("sns").create_topic(Name="news")["TopicArn"]
    sqs = lake.client("sqs")
    queue = sqs.create_queue(QueueName="news")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:news"
    lake.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    dax.create_cluster(**OPTIONS, NotificationTopicArn=topic)
    lake.clock.advance(5)
    dax.delete_cluster(ClusterName="cache")
    lake.clock.advance(5)
    events = dax.describe_events(SourceName="cache", SourceType="CLUSTER")["Events"]
    assert [event["Message"] for event in events] == ["Cluster deleted.", "Cluster created.", "Added node cache-a."]
    heard = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert any("Cluster created." in message["Body"] for message in heard)
    lake.clock.advance(hours=25)
    assert dax.describe_events()["Events"] == []
    assert len(dax.describe_events(Duration=60 * 48)["Events"]) == 3
    lake.clock.advance(days=14)
    dax.create_parameter_group(ParameterGroupName="mine")
    assert len(dax.describe_events(Duration=60 * 24 * 20)["Events"]) == 1
