"""What lives with the process comes back with it: ports at once, caches empty."""

import socket
import time

import pytest

from pocketlake import spawned

from .conftest import ROLE, TABLE
from .wire_client import WireClient

PATIENCE = 10.0


def connect(cluster):
    """Clusters listen some milliseconds after the lake's own port does."""
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return WireClient.of(cluster)
        except ConnectionRefusedError:
            if time.monotonic() > give_up:
                raise


def described(lake):
    return lake.client("dax").describe_clusters(ClusterNames=["cache"])["Clusters"][0]


@pytest.mark.timeout(120)
def test_after_kill_9_the_cluster_listens_where_it_did_and_what_was_put_is_there(tmp_path):
    lake = spawned.start(tmp_path / "lake")
    try:
        lake.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "title", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "title", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for name in ("first", "cache"):  # the first has port 8111, which another lake on this machine may take
            lake.client("dax").create_cluster(
                ClusterName=name, NodeType="dax.t3.small", ReplicationFactor=2, IamRoleArn=ROLE
            )
            lake.clock.advance(5)
        before = described(lake)
        with WireClient.of(before) as client:
            for number in range(50):
                client.put(TABLE, f"song {number}", {"plays": number})
            known = client.item({"plays": 0})
        lake.kill()
        lake = spawned.start(tmp_path / "lake")
        with connect(before) as client:
            for number in range(50):
                assert client.got(TABLE, f"song {number}") == ({"plays": number}, 0.5)
            # A list's number that a client learnt before means the same.
            client.ask("put", TABLE.encode(), b"again", known, None)
            assert client.get(TABLE, "again") == {"plays": 0}
        assert described(lake) == before
        lake.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", before["ClusterDiscoveryEndpoint"]["Port"]), timeout=10)
    finally:
        if lake.process.poll() is None:
            lake.kill()
