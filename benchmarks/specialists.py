"""Peers that are one service alone: queues and tables, on Node or a JVM. Where that is missing, so are they."""

from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import wire
from benchmarks.peers import System, free_port, running
from scripts import runtimes


@contextmanager
def queue_systems(folder: Path) -> Iterator[list[System]]:
    """ElasticMQ, in memory."""
    if runtimes.missing("elasticmq"):
        yield []
        return
    port = free_port()
    settings = {"node-address.host": "127.0.0.1", "rest-sqs.bind-hostname": "127.0.0.1"}
    settings |= {"node-address.port": str(port), "rest-sqs.bind-port": str(port), "rest-stats.enabled": "false"}
    command = _java("elasticmq", "org.elasticmq.server.Main", settings)
    with running("elasticmq", command, port, folder, answers=_lists_queues) as system:
        yield [system]


@contextmanager
def table_systems(folder: Path) -> Iterator[list[System]]:
    """DynamoDB Local and dynalite, in memory."""
    with ExitStack() as stack:
        found = []
        if not runtimes.missing("dynamodblocal"):
            port = free_port()
            jars = str(runtimes.make("dynamodblocal"))
            main = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner"
            command = _java("dynamodblocal", main, {"java.library.path": jars})
            command += ["-inMemory", "-sharedDb", "-port", str(port)]
            found.append(stack.enter_context(running("dynamodb-local", command, port, folder, answers=_lists_tables)))
        if not runtimes.missing("dynalite"):
            port = free_port()
            script = runtimes.make("dynalite") / "dynalite" / "cli.js"
            command = [str(shutil.which("node")), str(script), "--port", str(port), "--createTableMs", "0"]
            found.append(stack.enter_context(running("dynalite", command, port, folder, answers=_lists_tables)))
        yield found


def _java(name: str, main: str, settings: dict[str, str]) -> list[str]:
    jars = runtimes.make(name)
    return [
        str(shutil.which("java")),
        *(f"-D{key}={value}" for key, value in settings.items()),
        "-cp",
        f"{jars}/*",
        main,
    ]


def _lists_queues(url: str) -> bool:
    return _succeeds(url, wire.sqs(url, "ListQueues", {}))


def _lists_tables(url: str) -> bool:
    return _succeeds(url, wire.json_call(url, "dynamodb", "DynamoDB_20120810", "ListTables", {}, "1.0"))


def _succeeds(url: str, request: bytes) -> bool:
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
