"""Parts of answers: consumed capacity, metrics of item collections, projections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import quotas
from ..service import refuse
from . import values
from .expressions import Path
from .values import NULL, Value

OK = b"\x80"  # no error codes
ITEM, CAPACITY, ATTRIBUTES, METRICS = 0, 1, 2, 3
ITEMS, COUNT, LAST_KEY, SCANNED = 7, 8, 9, 10
UNITS = {"CapacityUnits": 1, "ReadCapacityUnits": 2, "WriteCapacityUnits": 3, "TableName": 4}
INDEX_UNITS = {"GlobalSecondaryIndexes": 6, "LocalSecondaryIndexes": 7}
TABLE_UNITS = 5

Item = dict[str, Value]
Members = list[tuple[int, bytes]]


def fields(members: Members) -> bytes:
    """A map of numbered members; null for none."""
    return numbered(members) if members else NULL


def numbered(members: Iterable[tuple[int, bytes]]) -> bytes:
    """A map that has an end and no length: the client for Java reads no other."""
    return b"\xbf" + b"".join(values.dump(number) + value for number, value in members) + b"\xff"


def capacity(consumed: dict[str, Any]) -> bytes:
    """Name, units, units of the table itself, of global and of local indexes: one after another in bytes."""
    table = consumed.get("Table")
    parts = [
        values.text(consumed["TableName"]),
        values.dump(float(consumed["CapacityUnits"])),
        NULL if table is None else values.dump(float(table["CapacityUnits"])),
    ]
    for member in INDEX_UNITS:
        units = consumed.get(member)
        parts.append(values.dump({n: float(of["CapacityUnits"]) for n, of in units.items()}) if units else NULL)
    return values.binary(b"".join(parts))


def numbered_capacity(consumed: dict[str, Any]) -> bytes:
    """As transactions have it: a map."""
    return values.dump(_numbered(consumed))


def _numbered(consumed: dict[str, Any]) -> dict[int, Any]:
    found: dict[int, Any] = {number: consumed[name] for name, number in UNITS.items() if name in consumed}
    if "Table" in consumed:
        found[TABLE_UNITS] = _numbered(consumed["Table"])
    for member, number in INDEX_UNITS.items():
        if consumed.get(member):
            found[number] = {name: _numbered(units) for name, units in consumed[member].items()}
    return found


def collection(metrics: dict[str, Any]) -> bytes:
    ((_, key),) = metrics["ItemCollectionKey"].items()
    low, high = metrics["SizeEstimateRangeGB"]
    return values.binary(values.dump(values.plain(key)) + values.dump(float(low)) + values.dump(float(high)))


def collections(by_table: dict[str, list[dict[str, Any]]]) -> bytes:
    return values.mapping((values.text(name), values.array(list(map(collection, of)))) for name, of in by_table.items())


def extras(answer: dict[str, Any]) -> Members:
    """Consumed capacity and metrics of an operation on one item, where DynamoDB gave them."""
    found: Members = []
    if answer.get("ConsumedCapacity"):
        found.append((CAPACITY, capacity(answer["ConsumedCapacity"])))
    if answer.get("ItemCollectionMetrics"):
        found.append((METRICS, collection(answer["ItemCollectionMetrics"])))
    return found


# Projections: what lies at each path, by the path's number. The client puts it together.


def projection(paths: list[Path], item: Item) -> bytes:
    found = ((number, _at(path, item)) for number, path in enumerate(paths))
    return numbered((number, values.dump(values.plain(value))) for number, value in found if value is not None)


def _at(path: Path, item: Item) -> Value | None:
    value: Value | None = {"M": item}
    for part in path:
        if value is None:
            return None
        if isinstance(part, int):
            members = value.get("L")
            value = members[part] if members is not None and part < len(members) else None
        else:
            value = value.get("M", {}).get(part)
    return value


def check_paths(paths: list[Path]) -> None:
    """None may lie within another. Wording: DynamoDB's."""
    if (elements := sum(map(len, paths))) > quotas.PROJECTED.value:
        raise refuse(
            "Invalid ProjectionExpression: Expression size has exceeded the maximum allowed size; "
            f"expression size: {2 * elements}"
        )
    ends: set[Path] = set()
    passing: dict[Path, Path] = {}  # from where paths pass through, or end, to one of them
    for path in paths:
        outer = (path[:at] for at in range(1, len(path)) if path[:at] in ends)
        before = passing.get(path) or next(outer, None)
        if before is not None:
            raise refuse(
                "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite "
                f"one of these paths; path one: {_shown(before)}, path two: {_shown(path)}"
            )
        ends.add(path)
        for at in range(1, len(path) + 1):
            passing.setdefault(path[:at], path)


def _shown(path: Iterable[str | int]) -> str:
    return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in path)}]"
