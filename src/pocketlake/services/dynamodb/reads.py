"""What Query and Scan share: which attributes, filtered by what, from where on; and the page that comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from pocketlake.kernel.call import Call

from . import items, keys, legacy, metrics, parameters, quotas
from .attribute_values import value_size
from .capacity import capacity, throttling
from .capacity.throttling import Admission
from .expressions import projecting
from .expressions.bindings import Bindings
from .expressions.evaluation import holds
from .expressions.nodes import Condition, Path
from .schemas import ALL, Index, Table
from .service import Invalid, refuse
from .store import Place

PAGE_BYTES = int(quotas.PAGE_BYTES.value)
BAD = "One or more parameter values were invalid: "
COUNTED = "1 validation error detected: "
INVALID_START = "The provided starting key is invalid"


@dataclass(slots=True)
class Reading:
    """What a Query or Scan asks, apart from where it reads."""

    table: Table
    index: Index | None
    paths: tuple[Path, ...] | None
    filter: Condition | None
    select: str | None
    limit: int | None
    consistent: bool
    start: Place | None


def asked(request: dict[str, Any], bindings: Bindings, legacy_filter: str) -> tuple[Any, Condition | None]:
    """Projection and filter of a request, before the table is known. Raises Invalid."""
    paths = parameters.projection(request, bindings)
    found: Condition | None = None
    given = request.get(legacy_filter)
    if given is not None:
        found = legacy.conditions(given, request.get("ConditionalOperator"))
    if "FilterExpression" in request:
        found = bindings.condition(request["FilterExpression"], "FilterExpression")
    for value in request.get("ExclusiveStartKey", {}).values():
        try:
            value_size(value)
        except Invalid as mistake:
            raise Invalid(f"{INVALID_START}: {mistake}") from None
    return paths, found


def check_select(request: dict[str, Any]) -> None:
    """Whether Select goes with what else is asked. Wording: moto's tests that ran against AWS."""
    select = request.get("Select")
    by = next((given for given in ("ProjectionExpression", "AttributesToGet") if given in request), None)
    if select == "ALL_PROJECTED_ATTRIBUTES" and "IndexName" not in request:
        raise Invalid(f"{COUNTED}ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "SPECIFIC_ATTRIBUTES" and by is None:
        raise Invalid(
            f"{COUNTED}Must specify the AttributesToGet or ProjectionExpression when choosing to get "
            "SPECIFIC_ATTRIBUTES"
        )
    if by is not None and select is not None and select != "SPECIFIC_ATTRIBUTES":
        shown = "only the Count" if select == "COUNT" else select
        raise Invalid(f"{COUNTED}Cannot specify the {by} when choosing to get {shown}")


def reading(request: dict[str, Any], table: Table, paths: Any, condition: Condition | None) -> Reading:
    """Put together what was asked and the table. ValidationException where they do not fit."""
    index = None
    if "IndexName" in request:
        index = table.index(request["IndexName"])
        if index is None:
            raise refuse(f"The table does not have the specified index: {request['IndexName']}")
        check_filled(index)
        _check_index(request, index, paths)
    parameters.check_scalars(table, paths)
    parameters.check_scalars(table, condition)
    start = None
    if "ExclusiveStartKey" in request:
        start = keys.start(table, index, request["ExclusiveStartKey"])
    return Reading(
        table,
        index,
        paths,
        condition,
        request.get("Select"),
        request.get("Limit"),
        request.get("ConsistentRead", False),
        start,
    )


def check_filled(index: Index) -> None:
    if not index.is_active:
        raise refuse(f"Cannot read from backfilling global secondary index: {index.name}")


def _check_index(request: dict[str, Any], index: Index, paths: Any) -> None:
    if not index.is_global:
        return
    if request.get("ConsistentRead"):
        raise refuse("Consistent reads are not supported on global secondary indexes")
    if index.projection == ALL:
        return
    if request.get("Select") == "ALL_ATTRIBUTES":
        raise refuse(
            f"{BAD}Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
            "because its projection type is not ALL"
        )
    lacking = sorted({str(path.parts[0]) for path in paths or ()} - index.projected)
    if lacking:
        raise refuse(f"{BAD}Global secondary index {index.name} does not project [{', '.join(lacking)}]")


def page(call: Call, request: dict[str, Any], asked: Reading, cursor: Any, admission: Admission) -> dict[str, Any]:
    """Read up to Limit items or 1 MB, filter what was read, and answer.  [DDB-529, DDB-531, DDB-532, DDB-535]"""
    found: list[Any] = []
    scanned = total = fetched = 0
    last: bytes | None = None
    more = False
    limit = asked.limit
    shape = _shaper(call, asked)
    fetches = _fetches(asked)
    counts = asked.select == "COUNT"
    try:
        for size, body in cursor:
            if scanned and total + size > PAGE_BYTES:
                more = True
                break
            scanned, total, last = scanned + 1, total + size, body
            if fetches:
                fetched += -(-len(body) // capacity.READ_BYTES)
            if asked.filter is not None:
                item = _visible(asked, orjson.loads(body))
                if holds(asked.filter, item):
                    found.append(None if counts else _projected(asked, item))
            else:
                found.append(None if counts else shape(body))
            if scanned == limit:
                more = True
                break
    finally:
        cursor.close()
    answer: dict[str, Any] = {"Count": len(found), "ScannedCount": scanned}
    if not counts:
        answer["Items"] = found
    if more:
        assert last is not None
        answer["LastEvaluatedKey"] = keys.key_attributes(asked.table, asked.index, orjson.loads(last))
    _pay(call, request, asked, answer, total, fetched, admission)
    return answer


def _pay(
    call: Call,
    request: dict[str, Any],
    asked: Reading,
    answer: dict[str, Any],
    total: int,
    fetched: int,
    admission: Admission,
) -> None:
    """Units for all that was read, whatever the filter let through; `fetched` ones for items beneath a local index."""
    units = capacity.read_units(total, asked.consistent)
    throttling.charge(call, admission, units)
    metrics.read(call, asked.table, asked.index, units + fetched * (1.0 if asked.consistent else 0.5))
    metrics.returned(call, asked.table, answer["Count"])
    if capacity.is_asked(request):
        table_units = fetched * (1.0 if asked.consistent else 0.5)
        if asked.index is None:
            answer["ConsumedCapacity"] = capacity.describe(request, asked.table, units, {})
        else:
            answer["ConsumedCapacity"] = capacity.describe(request, asked.table, table_units, {asked.index: units})


def _fetches(asked: Reading) -> bool:
    """Whether a local index is asked for what it does not hold: DynamoDB then reads the items too."""
    index = asked.index
    if index is None or index.projection == ALL or index.is_global:
        return False
    if asked.select == "ALL_ATTRIBUTES":
        return True
    return any(str(path.parts[0]) not in index.projected for path in asked.paths or ())


def _is_partial(asked: Reading) -> bool:
    return asked.index is not None and asked.index.projection != ALL and not _fetches(asked)


def _visible(asked: Reading, item: dict[str, Any]) -> dict[str, Any]:
    """What of the item is in the index that is read."""
    if not _is_partial(asked):
        return item
    assert asked.index is not None
    return {name: value for name, value in item.items() if name in asked.index.projected}


def _projected(asked: Reading, item: dict[str, Any]) -> dict[str, Any]:
    return item if asked.paths is None else projecting.project(asked.paths, item)


def _shaper(call: Call, asked: Reading) -> Any:
    """From stored JSON to an item of the answer, by the shortest way."""
    if asked.paths is None and not _is_partial(asked):
        return (lambda body: items.shown(call, body)) if call.request is None else orjson.Fragment
    return lambda body: _projected(asked, _visible(asked, orjson.loads(body)))
