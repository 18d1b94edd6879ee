"""Single items: got, put, updated and deleted."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call

from . import keys, lag, legacy, metrics, parameters, schemas, store, writes
from .attribute_values import item_size
from .capacity import capacity, collections, throttling
from .changes import Image
from .expressions import projecting
from .expressions.nodes import Action, Path
from .schemas import Table
from .service import operation
from .writes import Outcome, Write

GIB = 1024**3


def shown(call: Call, body: bytes) -> Any:
    """A stored item in an answer: over HTTP its JSON goes out as it lies on disk."""
    return orjson.loads(body) if call.request is None else orjson.Fragment(body)


@operation
def get_item(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[DDB-003, DDB-004, DDB-519, DDB-520, DDB-526]"""
    paths = None
    if len(request) > 2:
        bindings = parameters.bind(request, ("ProjectionExpression",), ("AttributesToGet",))
        paths = parameters.projection(request, bindings)
        bindings.check_used()
    item_size(request["Key"])
    table = schemas.find(call, request["TableName"])
    hash, sort = keys.of_key(table, request["Key"])
    parameters.check_scalars(table, paths)
    admission = throttling.admit_read(call, table, None, hash, sort)
    consistent = request.get("ConsistentRead", False)
    if call.lake.faults.behaviours:
        row = lag.get(call, table, hash, sort, consistent)
    else:
        row = store.get(call.db, table.number, hash, sort)
    units = capacity.read_units(row[0] if row else 0, consistent)
    throttling.charge(call, admission, units)
    metrics.read(call, table, None, units)
    answer: dict[str, Any] = {}
    if row is not None:
        answer["Item"] = shown(call, row[1]) if paths is None else projecting.project(paths, orjson.loads(row[1]))
    if capacity.is_asked(request):
        answer["ConsumedCapacity"] = capacity.describe(request, table, units, {})
    return answer


@operation
def put_item(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[DDB-002, DDB-515, DDB-541]"""
    item, condition = request["Item"], None
    returns = "NONE"
    if len(request) > 2:
        bindings = parameters.bind(request, ("ConditionExpression",), ("Expected", "ConditionalOperator"), counted=True)
        size = item_size(item)
        returns = parameters.check_return_values(request, "NONE", "ALL_OLD")
        condition = parameters.condition(request, bindings)
        bindings.check_used()
    else:
        size = item_size(item)
    table = schemas.find(call, request["TableName"])
    write = writes.put(table, item, size, condition)
    write.shows_item = _shows_item(request)
    parameters.check_scalars(table, condition)
    outcome = writes.perform(call, write, reads_old=returns == "ALL_OLD" or capacity.is_asked(request))
    return _answer(call, request, write, outcome, outcome.old if returns == "ALL_OLD" else None)


def _shows_item(request: dict[str, Any]) -> bool:
    return bool(request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")


@operation
def delete_item(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    bindings = parameters.bind(request, ("ConditionExpression",), ("Expected", "ConditionalOperator"), counted=True)
    item_size(request["Key"])
    returns = parameters.check_return_values(request, "NONE", "ALL_OLD")
    condition = parameters.condition(request, bindings)
    bindings.check_used()
    table = schemas.find(call, request["TableName"])
    write = writes.on_key("delete", table, request["Key"], condition)
    write.shows_item = _shows_item(request)
    parameters.check_scalars(table, condition)
    outcome = writes.perform(call, write, reads_old=returns == "ALL_OLD" or capacity.is_asked(request))
    return _answer(call, request, write, outcome, outcome.old if returns == "ALL_OLD" else None)


@operation
def update_item(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    bindings = parameters.bind(
        request,
        ("UpdateExpression", "ConditionExpression"),
        ("AttributeUpdates", "Expected", "ConditionalOperator"),
        counted=True,
    )
    key = request["Key"]
    item_size(key)
    actions: tuple[Action, ...] = ()
    if "UpdateExpression" in request:
        actions = bindings.update(request["UpdateExpression"])
    elif "AttributeUpdates" in request:
        actions = legacy.updates(request["AttributeUpdates"])
    condition = parameters.condition(request, bindings)
    bindings.check_used()
    table = schemas.find(call, request["TableName"])
    write = writes.on_key("update", table, key, condition)
    write.shows_item = _shows_item(request)
    write.actions, write.is_legacy = actions, "AttributeUpdates" in request
    writes.check_updates(table, actions)
    parameters.check_scalars(table, actions)
    parameters.check_scalars(table, condition)
    outcome = writes.perform(call, write)
    return _answer(call, request, write, outcome, None, updated=True)


def _answer(
    call: Call, request: dict[str, Any], write: Write, outcome: Outcome, returned: Image | None, updated: bool = False
) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if updated:
        attributes = _returned(call, request.get("ReturnValues", "NONE"), write.actions, outcome)
    else:
        attributes = None if returned is None else shown(call, returned.body)
    if attributes is not None:
        answer["Attributes"] = attributes
    if capacity.is_asked(request):
        answer["ConsumedCapacity"] = capacity.describe(request, write.table, outcome.units, outcome.indexes)
    if request.get("ReturnItemCollectionMetrics") == "SIZE" and write.table.has_local:
        answer["ItemCollectionMetrics"] = collection(call, write.table, write.hash, write.item)
    return answer


def _returned(call: Call, asked: str, actions: tuple[Action, ...], outcome: Outcome) -> Any:
    """Attributes of an UpdateItem: all, or those that were updated, of before or after."""
    of = outcome.old if asked.endswith("_OLD") else outcome.new
    if asked == "NONE" or of is None:
        return None
    if asked.startswith("ALL"):
        return shown(call, of.body)
    paths: tuple[Path, ...] = tuple(action.path for action in actions)
    return projecting.project(paths, orjson.loads(of.body)) or None


def collection(call: Call, table: Table, hash: bytes, item: dict[str, Any]) -> dict[str, Any]:
    """ItemCollectionMetrics: the partition's size, between two whole gigabytes."""
    size = collections.measure(call, table, hash) / GIB
    return {
        "ItemCollectionKey": {table.hash: item[table.hash]},
        "SizeEstimateRangeGB": [float(int(size)), int(size) + 1.0],
    }
