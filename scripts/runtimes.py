"""Environments of clients that are not Python: packages of npm for node, artifacts of Maven Central for java.

They stand beside the others under $XDG_CACHE_HOME/pocketlake and are made once for a list of requirements.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.environments import cache, fingerprint, node_environment

NODE: dict[str, tuple[str, ...]] = {
    "awssdkjs": ("@aws-sdk/client-kinesis@3.1143.0",),
    "daxjs": ("@amazon-dax-sdk/lib-dax@3.1.0",),
    "dynalite": ("dynalite@4.0.0",),
    "dynamodbjs": (
        "@aws-sdk/client-dynamodb@3.1162.0",
        "@aws-sdk/lib-dynamodb@3.1162.0",
        "@aws-sdk/util-dynamodb@3.996.9",
        "electrodb@3.9.3",
        "dynamodb-toolbox@2.10.6",
    ),
    "snsvalidator": ("sns-validator@0.3.5",),
}
JAVA: dict[str, tuple[str, ...]] = {
    "awssdkjava": ("software.amazon.awssdk:kinesis:2.31.50",),
    "flink": (
        "org.apache.flink:flink-connector-kinesis:4.3.0-1.19",
        "org.apache.flink:flink-connector-base:1.19.3",
        "org.apache.flink:flink-streaming-java:1.19.3",
        "org.apache.flink:flink-clients:1.19.3",
        "org.slf4j:slf4j-simple:1.7.36",
    ),
    # The connector asks for half of what it needs; Java 17 needs Scala 2.12.15 at least.
    "spark": (
        "com.qubole.spark:spark-sql-kinesis_2.12:1.2.0_spark-3.0",
        "org.apache.spark:spark-sql_2.12:3.0.3",
        "org.scala-lang:scala-library:2.12.18",
        "org.apache.httpcomponents:httpclient:4.5.13",
        "com.fasterxml.jackson.dataformat:jackson-dataformat-cbor:2.10.0",
        "joda-time:joda-time:2.12.7",
    ),
    "kpljava": ("software.amazon.kinesis:amazon-kinesis-producer:1.1.1",),
    "dynamodbstreams": (
        "com.amazonaws:dynamodb-streams-kinesis-adapter:2.0.1",
        "org.slf4j:slf4j-simple:2.0.17",
    ),
    "daxjava": ("software.amazon.dax:amazon-dax-client:2.0.5",),
    "dynamodblocal": ("com.amazonaws:DynamoDBLocal:2.6.1",),
    "elasticmq": ("org.elasticmq:elasticmq-server_2.13:1.7.1",),
    "kafka": ("org.apache.kafka:kafka_2.13:4.0.0",),
}
MAKE_SECONDS = 500


def missing(name: str) -> str:
    """The program that this machine lacks for the client; empty when it has all."""
    needed = ("node", "npm") if name in NODE else ("java", "mvn")
    return next((program for program in needed if shutil.which(program) is None), "")


def find(name: str) -> Path | None:
    """The environment's folder (node_modules, or jars) where it has been made for just these requirements."""
    home = cache("environments") / f"client-{name}"
    stamp = home / "requirements.sha256"
    made = stamp.is_file() and stamp.read_text() == fingerprint(_requirements(name))
    return home / ("node_modules" if name in NODE else "lib") if made else None


def make(name: str) -> Path:
    ready = find(name)
    if ready is not None:
        return ready
    if name in NODE:
        modules = node_environment(f"client-{name}", NODE[name])
        assert modules is not None, "there is no npm"
        return modules
    home = cache("environments") / f"client-{name}"
    print(f"making an environment for {name}: {', '.join(JAVA[name])}", file=sys.stderr, flush=True)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    _maven(home, JAVA[name])
    (home / "requirements.sha256").write_text(fingerprint(JAVA[name]))
    return home / "lib"


def _maven(home: Path, artifacts: Sequence[str]) -> None:
    parts = ("groupId", "artifactId", "version")
    dependencies = "".join(
        f"<dependency>{''.join(f'<{n}>{v}</{n}>' for n, v in zip(parts, a.split(':'), strict=True))}</dependency>"
        for a in artifacts
    )
    (home / "pom.xml").write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>pocketlake</groupId><artifactId>client</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>\n"
    )
    command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={home / 'lib'}"]
    subprocess.run(command, cwd=home, check=True, timeout=MAKE_SECONDS, stdout=subprocess.DEVNULL)


def _requirements(name: str) -> tuple[str, ...]:
    return NODE[name] if name in NODE else JAVA[name]
