"""Capacity units: what reads and writes cost, and how answers say it.  [DDB-515, DDB-519, DDB-521]"""

from __future__ import annotations

from typing import Any

from .. import quotas
from ..schemas import Index, Table

READ_BYTES, WRITE_BYTES = int(quotas.READ_UNIT_BYTES.value), int(quotas.WRITE_UNIT_BYTES.value)
ASKED = ("TOTAL", "INDEXES")


def read_units(size: int, consistent: bool) -> float:
    """4 KB a unit when the read is consistent, 8 KB when it is not; nothing found costs as the least."""
    units = max(1, -(-size // READ_BYTES))
    return float(units) if consistent else units / 2


def write_units(old: int, new: int) -> float:
    """1 KB a unit, of the larger of what was there and what is."""
    return float(max(1, -(-max(old, new) // WRITE_BYTES)))


class Consumed:
    """What one request used of a table and its indexes. `kind`: Read or Write, named in transactions' answers."""

    __slots__ = ("indexes", "kind", "name", "units")

    def __init__(self, table: Table, kind: str = "") -> None:
        self.name = table.name
        self.kind = kind
        self.units = 0.0
        self.indexes: dict[tuple[bool, str], float] = {}

    def add(self, units: float, index_units: dict[Index, float]) -> None:
        self.units += units
        for index, used in index_units.items():
            key = (index.is_global, index.name)
            self.indexes[key] = self.indexes.get(key, 0.0) + used

    def describe(self, asked: str) -> dict[str, Any]:
        total = self.units + sum(self.indexes.values())
        answer = {"TableName": self.name, **self._units(total)}
        if asked == "INDEXES":
            answer["Table"] = self._units(self.units)
            for is_global, member in ((False, "LocalSecondaryIndexes"), (True, "GlobalSecondaryIndexes")):
                used = {name: self._units(units) for (kind, name), units in self.indexes.items() if kind == is_global}
                if used:
                    answer[member] = used
        return answer

    def _units(self, units: float) -> dict[str, float]:
        found = {"CapacityUnits": units}
        if self.kind:
            found[f"{self.kind}CapacityUnits"] = units
        return found


def is_asked(request: dict[str, Any]) -> bool:
    return request.get("ReturnConsumedCapacity") in ASKED


def describe(request: dict[str, Any], table: Table, units: float, indexes: dict[Index, float]) -> dict[str, Any] | None:
    """ConsumedCapacity of a request on one table; None when it is not asked for."""
    if not is_asked(request):
        return None
    consumed = Consumed(table)
    consumed.add(units, indexes)
    return consumed.describe(request["ReturnConsumedCapacity"])
