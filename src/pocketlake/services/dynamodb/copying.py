"""A table's items read and copied, a page in each turn: for backups, restores, replicas, whatever takes them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pocketlake.kernel.call import Call

from . import history, quotas, store
from .history import Row
from .store import Place

AT_ONCE = int(quotas.COPY_ITEMS.value)


def page(call: Call, source: dict[str, Any], position: str, most: int | None = None) -> tuple[list[Row], str]:
    """Items of `source` after `position`, and where the next page starts; "" is the beginning, and the end.

    `source`: Owner, a table's or backup's number, and At: as of which change, if others write there meanwhile.
    """
    after, most = _place(position), most or AT_ONCE
    if "At" in source:
        rows, following = history.page_as_of(call.db, source["Owner"], source["At"], after, most)
    else:
        rows = store.keyed_page(call.db, source["Owner"], after, most)
        following = Place(*rows[-1][:2]) if len(rows) == most else None
    return rows, _position(following) if following else ""


def put(call: Call, owner: int, rows: Iterable[Row]) -> int:
    """Write the rows under another number; their bytes, as AWS counts them."""
    total = 0
    for hash, sort, size, body in rows:
        store.put(call.db, owner, hash, sort, size, body)
        total += size
    return total


def _position(place: Place) -> str:
    return f"{place.hash.hex()}.{place.sort.hex()}"


def _place(position: str) -> Place | None:
    if not position:
        return None
    hash, _, sort = position.partition(".")
    return Place(bytes.fromhex(hash), bytes.fromhex(sort))
