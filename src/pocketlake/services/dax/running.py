"""Clusters that listen: sockets and caches, which live with this process and are made again after a restart.

A cluster has a port for itself and one for each of its nodes, for nothing in the protocol names a cluster: who connects
to a port has chosen. On AWS each has an address of its own, and all the same port. Ports are kept in the cluster's
document, so a restarted lake takes them up again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.lake import EMPTIED, STOPPING
from pocketlake.kernel.metrics import Meter
from pocketlake.kernel.resources import Resource

from . import metrics
from .caches import Caches
from .connections import Connection
from .wire.item_keys import KeySchema

if TYPE_CHECKING:
    from pocketlake.kernel.lake import Lake

log = logging.getLogger("pocketlake.dax")

PORT, SECURE_PORT = 8111, 9111
DISCOVERY = ""  # the port that is the whole cluster's
Key = tuple[str, str, str]


class Running:
    """One cluster: what it remembers, where it listens, who is connected."""

    def __init__(self, lake: Lake, account: str, region: str, name: str) -> None:
        self.lake = lake
        self.account = account
        self.region = region
        self.name = name
        self.caches = Caches()
        self.schemas: dict[str, tuple[KeySchema, float]] = {}
        self.ports: dict[str, int] = {}  # by node, and of the cluster itself
        self.connections: set[Connection] = set()
        self._servers: dict[str, asyncio.Server] = {}
        self._meters: dict[str, Meter] = {}

    async def listen(self, node: str, wanted: list[int], secure: bool) -> int:
        """Open a node's port: the first of those wanted that is free, or else any."""
        if node in self._servers:
            return self.ports[node]
        loop, host = asyncio.get_running_loop(), bound_host(self.lake)
        context = self.lake.tls_context() if secure else None
        for port in (*wanted, 0):
            try:
                server = await loop.create_server(lambda: Connection(self, node), host, port, ssl=context, backlog=512)
            except OSError:
                if not port:
                    raise
                continue
            self._servers[node] = server
            self.ports[node] = server.sockets[0].getsockname()[1]
            break
        return self.ports[node]

    def meter(self, call: Call, node: str) -> Meter:
        """A node's. What came in by the cluster's own port its first node counts."""
        node = node or next((name for name in self._servers if name), node)
        found = self._meters.get(node)
        if found is None:
            dimensions = {"ClusterId": self.name, "NodeId": node}
            found = self._meters[node] = self.lake.metrics.meter(call, metrics.FAMILY, dimensions)
            found.gauges = self._gauges(node)
        return found

    def _gauges(self, node: str) -> Callable[[float], dict[str, float]]:
        caches, before = (self.caches.items, self.caches.queries), 0

        def read(_: float) -> dict[str, float]:
            nonlocal before
            evicted = sum(cache.evicted_bytes for cache in caches)
            fresh, before = evicted - before, evicted
            return {
                "EstimatedDbSize": sum(cache.size_bytes for cache in caches),
                "EvictedSize": fresh,
                "ClientConnections": sum(one.node == node for one in self.connections),
            }

        return read

    def silence(self, node: str) -> None:
        """Close a node's port and whatever came in by it."""
        self._deafen(node)
        for connection in [one for one in self.connections if one.node == node]:
            connection.abort()

    def _deafen(self, node: str) -> None:
        server = self._servers.pop(node, None)
        if server is not None:
            server.close()
        self.ports.pop(node, None)

    def finish(self) -> None:
        """Accept nothing more; what is being answered is answered."""
        for node in list(self._servers):
            self._deafen(node)
        for connection in list(self.connections):
            connection.finish()

    def close(self) -> None:
        for node in list(self._servers):
            self._deafen(node)
        for connection in list(self.connections):
            connection.abort()

    @property
    def nodes(self) -> set[str]:
        return set(self._servers)


class Listeners:
    """All clusters of this lake that listen."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._running: dict[Key, Running] = {}
        lake.alarms.listen(STOPPING, self._finish)
        lake.alarms.listen(EMPTIED, self._close)
        lake.on_close(self._close)

    def find(self, call: Call, name: str) -> Running | None:
        return self._running.get((call.account, call.region, name))

    def end(self, call: Call, name: str) -> None:
        running = self._running.pop((call.account, call.region, name), None)
        if running is not None:
            running.close()

    async def open(self, call: Call, cluster: Resource) -> dict[str, int]:
        """Have the cluster and its nodes listen, and no others; the ports they have."""
        key = (call.account, call.region, cluster.name)
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = Running(self._lake, *key)
        kept: dict[str, int] = cluster.get("Ports", {})
        secure = cluster["ClusterEndpointEncryptionType"] == "TLS"
        wanted = {DISCOVERY: [SECURE_PORT if secure else PORT]}
        nodes = [DISCOVERY, *(node["NodeId"] for node in cluster["Nodes"] if node["NodeStatus"] != "rebooting")]
        for node in running.nodes - set(nodes):
            running.silence(node)
        for node in nodes:
            before = [kept[node]] if node in kept else []
            await running.listen(node, [*before, *wanted.get(node, [])], secure)
            if self._running.get(key) is not running:  # the lake was emptied meanwhile
                running.close()
                break
        return kept | running.ports

    def _finish(self, _: Any) -> None:
        for one in self._running.values():
            one.finish()

    def _close(self, _: Any = None) -> None:
        running, self._running = list(self._running.values()), {}
        for one in running:
            try:
                one.close()
            except Exception:  # the others are closed all the same
                log.exception("the cluster %s could not be closed", one.name)


def bound_host(lake: Lake) -> str:
    """One address: a name that has two would have a free port of each."""
    return "127.0.0.1" if lake.config.host == "localhost" else lake.config.host


def listeners(lake: Lake) -> Listeners:
    found: Listeners | None = lake.engines.get("dax")
    if found is None:
        found = lake.engines["dax"] = Listeners(lake)
    return found
