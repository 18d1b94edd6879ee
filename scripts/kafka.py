"""Kafka brokers from Maven Central's jars: KRaft, no ZooKeeper, on free ports, in folders of their own.

`python -m scripts.kafka` starts one and prints its address; Ctrl-C ends it.
"""

from __future__ import annotations

import base64
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import runtimes

START_SECONDS = 60
MEMORY = "-Xmx384m"


class Broker:
    """`start` after `kill` finds what was acknowledged: the folder and the address stay.

    Without a `leader` it is a cluster of its own, and its controller; others join the leader's.
    """

    def __init__(self, jars: Path, home: Path, node: int = 1, leader: Broker | None = None) -> None:
        self.home = home
        self._jars = jars
        self._process: subprocess.Popen[bytes] | None = None
        port, controller = _free_ports(2)
        self.address = f"127.0.0.1:{port}"
        home.mkdir(parents=True, exist_ok=True)
        self._properties = home / "server.properties"
        own = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self.cluster: str = leader.cluster if leader else own
        self.voters: str = leader.voters if leader else f"{node}@127.0.0.1:{controller}"
        listeners = f"PLAINTEXT://{self.address}" + ("" if leader else f",CONTROLLER://127.0.0.1:{controller}")
        self._properties.write_text(
            f"process.roles={'broker' if leader else 'broker,controller'}\nnode.id={node}\n"
            f"controller.quorum.voters={self.voters}\n"
            f"listeners={listeners}\n"
            f"advertised.listeners=PLAINTEXT://{self.address}\n"
            "controller.listener.names=CONTROLLER\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
            f"log.dirs={home / 'logs'}\n"
            "offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n"
            "transaction.state.log.min.isr=1\nauto.create.topics.enable=false\nnum.network.threads=2\nnum.io.threads=2\n"
        )
        words = ("format", f"--cluster-id={self.cluster}", "-c", str(self._properties))  # it may begin with a dash
        self._java("kafka.tools.StorageTool", *words).wait(START_SECONDS)

    def start(self) -> None:
        self._process = self._java("kafka.Kafka", str(self._properties))
        host, port = self.address.split(":")
        for _ in range(START_SECONDS * 10):
            if self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.1)  # java has no way to tell us
        raise RuntimeError(f"the broker did not start: {(self.home / 'broker.log').read_text()[-3000:]}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _java(self, *words: str) -> subprocess.Popen[bytes]:
        command = ["java", MEMORY, "-cp", f"{self._jars}/*", *words]
        with (self.home / "broker.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.home, stdout=log, stderr=subprocess.STDOUT)


@contextmanager
def running(jars: Path, home: Path, brokers: int = 1) -> Iterator[Broker]:
    """The first of so many brokers; partitions are led by all of them."""
    first = Broker(jars, home)
    started = [first]
    try:
        first.start()
        for node in range(2, brokers + 1):
            started.append(Broker(jars, home / f"broker-{node}", node, first))
            started[-1].start()
        yield first
    finally:
        for broker in reversed(started):
            broker.kill()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="kafka-") as home, running(runtimes.make("kafka"), Path(home)) as broker:
        print(f"kafka://{broker.address}", flush=True)
        try:
            assert broker._process is not None
            broker._process.wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
