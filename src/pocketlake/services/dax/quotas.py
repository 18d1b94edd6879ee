"""The limits of DAX, each with its source."""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

REFERENCE = "DAX API reference, "
GUIDE = "DynamoDB developer guide, Quotas and limits, DAX"
MIB = 1024 * 1024

NODES_OF_CLUSTER = Quota("nodes of a cluster", 10, "nodes", REFERENCE + "CreateCluster: a primary and up to 9 replicas")
NODES = Quota("nodes of an account in a region", 50, "nodes", GUIDE, adjustable=True)
CLUSTERS = Quota("clusters of an account in a region", 50, "clusters", "ours: no more than nodes", adjustable=True)
PARAMETER_GROUPS = Quota("parameter groups of an account in a region", 20, "groups", GUIDE)
SUBNET_GROUPS = Quota("subnet groups of an account in a region", 50, "groups", GUIDE)
SUBNETS = Quota("subnets of a subnet group", 20, "subnets", GUIDE)
TAGS = Quota("tags of a cluster", 50, "tags", REFERENCE + "TagResource")
NAME = Quota("cluster name", 20, "characters", REFERENCE + "CreateCluster")
GROUP_NAME = Quota("parameter or subnet group name", 255, "characters", REFERENCE + "CreateSubnetGroup")
PARAMETERS = Quota("parameters of one UpdateParameterGroup", 20, "parameters", REFERENCE + "UpdateParameterGroup")
PAGE = Quota("results of one page, at most", 100, "results", REFERENCE + "DescribeClusters, MaxResults")
SMALL_PAGE = Quota("results of one page, at least", 20, "results", REFERENCE + "DescribeClusters, MaxResults")
EVENTS = Quota("events are kept for", 14 * 86_400, "seconds", REFERENCE + "DescribeEvents")
RECENT = Quota("events are shown of, unless asked otherwise", 86_400, "seconds", REFERENCE + "DescribeEvents")

CREATION = Quota("creating of a cluster", 1, "seconds", "ours; on AWS some minutes")
CHANGE = Quota("modifying or deleting of a cluster", 1, "seconds", "ours; on AWS some minutes")
REBOOT = Quota("rebooting of a node", 10, "seconds", "ours; on AWS a minute or so")

TTL_MILLIS = Quota("a cached item or query stays for", 300_000, "milliseconds", "default.dax1.0")
ITEM_CACHE_BYTES = Quota("the item cache of a cluster", 64 * MIB, "bytes", "ours; on AWS the node type's memory")
QUERY_CACHE_BYTES = Quota("the query cache of a cluster", 64 * MIB, "bytes", "ours; on AWS the node type's memory")
SCHEMA_SECONDS = Quota("a table's key schema is remembered for", 60, "seconds", "as AWS's clients do")

REQUEST_BYTES = Quota("one request on the wire", 18 * MIB, "bytes", "ours: a batch of 16 MiB, and what is around it")
STRANGER_BYTES = Quota("one request of somebody not yet authorized", 64 * 1024, "bytes", "ours")
REQUESTS_A_TURN = Quota("requests of a connection answered in one turn", 32, "requests", "ours")
NAMES_BYTES = Quota("a list of attributes' names", 400 * 1024, "bytes", "DynamoDB: an item, with its names")
PROJECTED = Quota(
    "names and indexes of a projection",
    2048,
    "elements",
    "DynamoDB: an expression has 4 KB, an element two bytes of it",
)
LEVELS = Quota("levels of containers in a request", 64, "levels", "ours: DynamoDB's 32, and what is around them")
CONNECTIONS = Quota("connections of a cluster", 10_000, "connections", "ours; 40,000 a node on AWS")
REQUEST_SECONDS = Quota("from a request's first byte to its last", 60, "seconds", "ours")
AUTHORIZATION_SECONDS = Quota("an authorization holds for", 300, "seconds", "AWS's clients renew it after 5 minutes")
SKEW_SECONDS = Quota("a signature is accepted within", 900, "seconds", "Signature Version 4")
