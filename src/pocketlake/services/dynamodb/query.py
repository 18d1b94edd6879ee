"""Query: the items of one partition key, in order of their sort keys."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call

from . import keys, lag, legacy, parameters, reads, schemas, store
from .attribute_values import is_equal
from .capacity import throttling
from .expressions.bindings import Bindings
from .expressions.evaluation import begins_with, compare
from .expressions.key_conditions import KeyCondition, by_attribute
from .expressions.nodes import Condition
from .expressions.paths import paths as paths_of
from .schemas import Key
from .service import Invalid, operation, refuse
from .store import Bounds

UNINDEXABLE = frozenset({"NULL", "NOT_NULL", "NE", "CONTAINS", "NOT_CONTAINS", "IN"})
COMPARISONS = {"EQ": "=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
FORERUNNERS = ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions")


@operation
def query(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[DDB-527, DDB-528, DDB-529, DDB-530, DDB-531, DDB-533]"""
    bindings = parameters.bind(
        request, ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"), FORERUNNERS
    )
    reads.check_select(request)
    key_condition = _key_condition(request, bindings)
    paths, condition = reads.asked(request, bindings, "QueryFilter")
    bindings.check_used()
    conditions = by_attribute(key_condition) if key_condition else _legacy_conditions(request)
    table = schemas.find(call, request["TableName"])
    asked = reads.reading(request, table, paths, condition)
    key = asked.index.key if asked.index else table.key
    hash, bounds = select(key, conditions)
    if condition is not None:
        _check_filter(request, key, condition)
    if asked.start is not None:
        _check_start(request, key, conditions, asked.start.hash == hash)
    admission = throttling.admit_read(call, table, asked.index, hash)
    reverse = not request.get("ScanIndexForward", True)
    if asked.index is None:
        cursor = store.partition(call.db, table.number, hash, bounds, asked.start, reverse)
    else:
        cursor = store.index_partition(call.db, table.number, asked.index.number, hash, bounds, asked.start, reverse)
    if call.lake.faults.behaviours:
        read = (table, asked.index, asked.consistent, cursor)
        cursor = lag.of_partition(call, *read, hash, bounds, asked.start, reverse)
    return reads.page(call, request, asked, cursor, admission)


def _key_condition(request: dict[str, Any], bindings: Bindings) -> Condition | None:
    if "KeyConditionExpression" in request:
        return bindings.condition(request["KeyConditionExpression"], "KeyConditionExpression")
    if "KeyConditions" not in request:
        raise Invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    return None


def _legacy_conditions(request: dict[str, Any]) -> dict[str, KeyCondition]:
    """KeyConditions, by attribute. Indexes may have more key attributes than two."""
    found = {name: legacy.key_condition(name, one) for name, one in request["KeyConditions"].items()}
    if not 1 <= len(found) <= 2 and "IndexName" not in request:
        raise Invalid("Conditions can be of length 1 or 2 only")
    return found


def select(key: Key, conditions: dict[str, KeyCondition]) -> tuple[bytes, Bounds]:
    """The partition, and the bounds within it. ValidationException where the conditions do not suit the key."""
    left = dict(conditions)
    hashes = []
    for name, kind in key.hashes:
        condition = left.pop(name, None)
        if condition is None:
            raise refuse(f"Query condition missed key schema element: {name}")
        _check(name, condition, kind)
        if condition.operator != "EQ":
            raise refuse("Query key condition not supported")
        hashes.append(keys.encode(condition.values[0], kind))
    if len(conditions) > (most := len(key.hashes) + len(key.ranges)):
        raise refuse(
            f"The number of query conditions ({len(conditions)}) exceeds the number of key attributes defined in the "
            f"schema ({most})"
        )
    bounds = _bounds(key, left)
    for part in hashes:
        keys.check_length(part, is_hash=True)
    return keys.hashed(keys.joined(hashes)), bounds


def _bounds(key: Key, left: dict[str, KeyCondition]) -> Bounds:
    equal: list[bytes] = []
    operator, operands = "", []
    for name, kind in key.ranges:
        condition = left.pop(name, None)
        if condition is None:
            if left:
                raise refuse(f"Query condition missed key schema element: {name}")
            break
        _check(name, condition, kind)
        operands = [keys.encode(value, kind) for value in condition.values]
        if condition.operator == "EQ" and left:
            equal.append(operands[0])
            continue
        operator = condition.operator
        if left:
            raise refuse("Query key condition not supported")
    if left:
        raise refuse("Query key condition not supported")
    if operator == "BETWEEN" and operands[0] > operands[1]:
        raise refuse("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
    return keys.bounds(key, equal, operator, operands)


def _check(name: str, condition: KeyCondition, kind: str) -> None:
    if condition.operator in UNINDEXABLE:
        raise refuse("Attempted conditional constraint is not an indexable operation")
    for value in condition.values:
        if kind not in value:
            raise refuse(
                "One or more parameter values were invalid: Condition parameter type does not match schema type"
            )
        if not value[kind] and condition.operator == "EQ":
            raise keys.empty(name, kind)


def _check_filter(request: dict[str, Any], key: Key, condition: Any) -> None:
    """Filters are for attributes that are not in the key that is queried.  [DDB-530]"""
    heads = {path.parts[0] for path in paths_of(condition)}
    word = "QueryFilter" if "QueryFilter" in request else "Filter Expression"
    for name, _ in key.attributes:
        if name in heads:
            raise refuse(f"{word} can only contain non-primary key attributes: Primary key attribute: {name}")


def _check_start(request: dict[str, Any], key: Key, conditions: dict[str, KeyCondition], same: bool) -> None:
    """An ExclusiveStartKey lies within what the conditions select."""
    start = request["ExclusiveStartKey"]
    ranged = [(name, conditions[name]) for name, _ in key.ranges if name in conditions]
    for name, condition in ranged:
        if not _holds(condition, start[name]):
            raise refuse("The provided starting key does not match the range key predicate")
    if not same:
        if ranged:
            raise refuse("The query can return at most one row and cannot be restarted")
        raise refuse("The provided starting key is outside query boundaries based on provided conditions")


def _holds(condition: KeyCondition, value: dict[str, Any]) -> bool:
    operator, values = condition
    if operator == "EQ":
        return is_equal(value, values[0])
    if operator == "BETWEEN":
        return compare(">=", value, values[0]) and compare("<=", value, values[1])
    if operator == "BEGINS_WITH":
        return begins_with(value, values[0])
    return compare(COMPARISONS[operator], value, values[0])
