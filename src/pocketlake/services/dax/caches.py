"""What a cluster keeps in memory: items by their keys, results of queries and scans by what was asked.

Both let go of what was used least recently when they are full. Values are bytes of the wire, ready to be sent.
An item that is not in its table is remembered as such: None.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from . import quotas

OVERHEAD_BYTES = 200  # what an entry takes beside its value, about


class Entry(NamedTuple):
    value: bytes | None
    since: float  # on the lake's clock
    size_bytes: int  # with its key, and what is around them


class Cache:
    """`most_bytes` bounds it. Hits and misses are counted since the cluster began to listen."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.size_bytes = 0
        self.hits = self.misses = self.evictions = self.evicted_bytes = 0
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Hashable, now: float, seconds: float) -> Entry | None:
        """An entry that is not older than `seconds`; 0: however old."""
        entry = self._entries.get(key)
        if entry is not None and seconds and now - entry.since >= seconds:
            self.drop(key)
            entry = None
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        return entry

    def put(self, key: Hashable, value: bytes | None, now: float) -> None:
        self.drop(key)
        size = OVERHEAD_BYTES + len(value or b"") + _length(key)
        self._entries[key] = Entry(value, now, size)
        self.size_bytes += size
        while self.size_bytes > self.most_bytes:
            _, oldest = self._entries.popitem(last=False)
            self.size_bytes -= oldest.size_bytes
            self.evictions += 1
            self.evicted_bytes += oldest.size_bytes

    def drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size_bytes -= entry.size_bytes

    def described(self) -> dict[str, int]:
        return {
            "entries": len(self),
            "bytes": self.size_bytes,
            "hits": self.hits,
            "misses": self.misses,
            "evictions": self.evictions,
        }


class Caches:
    """Of one cluster. On AWS each node has them, and what one learns the others soon know: here they know at once."""

    def __init__(self) -> None:
        self.items = Cache(int(quotas.ITEM_CACHE_BYTES.value))
        self.queries = Cache(int(quotas.QUERY_CACHE_BYTES.value))


def _length(key: Hashable) -> int:
    """Of what was asked, or of a table's name and a key."""
    parts = key if isinstance(key, tuple) else (key,)
    return sum(len(part) for part in parts if isinstance(part, (str, bytes)))
