"""AWS's own DAX clients, unchanged, against a cluster: all that they can do, plain and behind TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pocketlake.embedded import EmbeddedLake

PROGRAMS = Path(__file__).parent / "programs"
ROLE = "arn:aws:iam::000000000000:role/dax"
SECONDS = 100


@pytest.fixture
def cluster(lake: EmbeddedLake) -> Callable[..., dict[str, Any]]:
    """Makes the table of the programs, and a cluster before it."""

    def cluster(**options: Any) -> dict[str, Any]:
        lake.client("dynamodb").create_table(
            TableName="songs",
            KeySchema=[{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "track", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "artist", "AttributeType": "S"},
                {"AttributeName": "track", "AttributeType": "N"},
                {"AttributeName": "year", "AttributeType": "N"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-year",
                    "KeySchema": [{"AttributeName": "year", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        dax = lake.client("dax")
        dax.create_cluster(
            ClusterName="cache", NodeType="dax.t3.small", ReplicationFactor=3, IamRoleArn=ROLE, **options
        )
        lake.clock.advance(5)
        found: dict[str, Any] = dax.describe_clusters(ClusterNames=["cache"])["Clusters"][0]
        return found

    return cluster


def run(command: list[str], settings: Mapping[str, str]) -> None:
    finished = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
    assert finished.stdout.splitlines()[-1] == "done"


@pytest.mark.claim("DAX-001", "DAX-502")
def test_amazondax_works_unchanged(cluster, packages_of, surroundings):
    python = packages_of("amazondax")
    run(
        [str(python), str(PROGRAMS / "amazondax_program.py"), cluster()["ClusterDiscoveryEndpoint"]["URL"]],
        surroundings,
    )


def test_amazondax_works_behind_tls(lake, cluster, packages_of, surroundings):
    python = packages_of("amazondax")
    url = cluster(ClusterEndpointEncryptionType="TLS")["ClusterDiscoveryEndpoint"]["URL"]
    assert url.startswith("daxs://")
    trusting = {**surroundings, "SSL_CERT_FILE": str(lake.directory / "tls" / "ca.pem")}
    run([str(python), str(PROGRAMS / "amazondax_program.py"), url], trusting)


@pytest.mark.timeout(700)
def test_the_client_for_javascript_works_unchanged(cluster, packages_of, surroundings):
    packages = packages_of("daxjs")
    url = cluster()["ClusterDiscoveryEndpoint"]["URL"]
    run(["node", str(PROGRAMS / "daxjs_program.cjs"), url], {**surroundings, "NODE_PATH": str(packages)})


@pytest.mark.timeout(700)
def test_the_client_for_java_works_unchanged(cluster, packages_of, surroundings):
    jars = packages_of("daxjava")
    url = cluster()["ClusterDiscoveryEndpoint"]["URL"]
    run(["java", "-cp", f"{jars}/*", str(PROGRAMS / "DaxJava.java"), url], surroundings)
