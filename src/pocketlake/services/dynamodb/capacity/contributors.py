"""Which keys of a table or index are used most, and which are throttled most: what Contributor Insights shows.

Counts are bounded: of many keys the heavy ones stay (Misra and Gries). They lie in memory, since insights were enabled
or the lake was started.
"""

from __future__ import annotations

from ..schemas import Index, Table

MEMBER = "ContributorInsights"  # of a table's document: by index ("" is the table), its Mode and when it was set
ACCESSED = "ACCESSED_AND_THROTTLED_KEYS"
MOST_KEYS = 2000

Place = tuple[bytes, bytes]


class Insight:
    """Requests by partition key and sort key (b"" where a request names none), behind the key's hash."""

    __slots__ = ("accessed_keys", "mode", "since", "throttled_keys")

    def __init__(self, mode: str, since: float) -> None:
        self.mode = mode
        self.since = since
        self.accessed_keys: dict[Place, int] = {}
        self.throttled_keys: dict[Place, int] = {}

    def accessed(self, hash: bytes, sort: bytes) -> None:
        if self.mode == ACCESSED:
            _count(self.accessed_keys, (hash, sort))

    def throttled(self, hash: bytes, sort: bytes) -> None:
        _count(self.throttled_keys, (hash, sort))


def insight(table: Table, index: Index | None, known: Insight | None, now: float) -> Insight | None:
    """Who counts the keys of a table or index, if anybody; `known` goes on as long as its mode is the same."""
    setting = table.resource.get(MEMBER, {}).get(index.name if index else "")
    if setting is None or not setting["Enabled"]:
        return None
    if known is not None and known.mode == setting["Mode"]:
        return known
    return Insight(setting["Mode"], now)


def top(counts: dict[Place, int], most: int, by_sort: bool) -> list[tuple[Place, int]]:
    """The heaviest keys: of partition keys, or with sort keys."""
    if not by_sort:
        summed: dict[Place, int] = {}
        for (hash, _), count in counts.items():
            summed[hash, b""] = summed.get((hash, b""), 0) + count
        counts = summed
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]


def _count(counts: dict[Place, int], place: Place) -> None:
    if place in counts or len(counts) < MOST_KEYS:
        counts[place] = counts.get(place, 0) + 1
        return
    for known in list(counts):
        counts[known] -= 1
        if counts[known] <= 0:
            del counts[known]
