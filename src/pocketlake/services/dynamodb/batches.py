"""Batches: many items in one call, each for itself."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import items, keys, lag, metrics, parameters, quotas, schemas, store, writes
from .attribute_values import item_size
from .capacity import capacity, throttling
from .capacity.capacity import Consumed
from .expressions import projecting
from .schemas import Table
from .service import Invalid, errors, operation, refuse
from .writes import Write

THROTTLED = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException"})
MOST_WRITES, MOST_KEYS = int(quotas.BATCH_WRITES.value), int(quotas.BATCH_GET_KEYS.value)
WRITE_BYTES, GET_BYTES = int(quotas.BATCH_WRITE_BYTES.value), int(quotas.BATCH_GET_BYTES.value)


@operation
def batch_write_item(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 25 puts and deletes; those that are throttled come back as unprocessed.  [DDB-539, DDB-540, DDB-542]"""
    prepared: list[tuple[str, dict[str, Any], Write]] = []
    for name, ones in _check_writes(request).items():
        table = schemas.find(call, name)
        prepared += [(name, one, _prepare(table, one, size)) for one, size in ones]
    places = {(write.table.number, write.hash, write.sort) for _, _, write in prepared}
    if len(places) != len(prepared):
        raise Invalid("Provided list of item keys contains duplicates")
    unprocessed: dict[str, list[Any]] = {}
    consumed: dict[str, Consumed] = {}
    collections: dict[str, dict[bytes, Any]] = {}
    counts, measures = capacity.is_asked(request), request.get("ReturnItemCollectionMetrics") == "SIZE"
    for name, one, write in prepared:
        try:
            outcome = writes.perform(call, write, reads_old=counts)
        except ServiceError as error:
            if error.code not in THROTTLED:
                raise
            unprocessed.setdefault(name, []).append(one)
            if len(prepared) == sum(map(len, unprocessed.values())):
                raise
            continue
        if counts:
            consumed.setdefault(name, Consumed(write.table)).add(outcome.units, outcome.indexes)
        if measures and write.table.has_local:
            collections.setdefault(name, {})[write.hash] = items.collection(call, write.table, write.hash, write.item)
    answer: dict[str, Any] = {"UnprocessedItems": unprocessed}
    if counts:
        answer["ConsumedCapacity"] = [one.describe(request["ReturnConsumedCapacity"]) for one in consumed.values()]
    if collections:
        answer["ItemCollectionMetrics"] = {name: list(of.values()) for name, of in collections.items()}
    return answer


def _check_writes(request: dict[str, Any]) -> dict[str, list[tuple[dict[str, Any], int]]]:
    """By table each request and its item's size; what is wrong in itself is refused before any table is looked at."""
    asked = request["RequestItems"]
    if sum(map(len, asked.values())) > MOST_WRITES:
        raise Invalid("Too many items requested for the BatchWriteItem call")
    sized = {name: [(one, _size(one)) for one in ones] for name, ones in asked.items()}
    if sum(size for ones in sized.values() for _, size in ones) > WRITE_BYTES:
        raise Invalid("Collection size has exceeded the maximum allowed size of 16777216 bytes for a BatchWriteItem")
    return sized


def _size(one: dict[str, Any]) -> int:
    if len(one) != 1:
        raise Invalid(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
        )
    put = one.get("PutRequest")
    size = item_size(put["Item"] if put else one["DeleteRequest"]["Key"])
    if size > writes.ITEM_BYTES:
        raise Invalid(writes.TOO_LARGE)
    return size


def _prepare(table: Table, one: dict[str, Any], size: int) -> Write:
    if "PutRequest" in one:
        try:
            return writes.put(table, one["PutRequest"]["Item"], size)
        except ServiceError as error:
            raise refuse(keys.MISMATCH) if keys.is_unsuited(error) else error from None
    return writes.on_key("delete", table, one["DeleteRequest"]["Key"])


@operation
def batch_get_item(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 100 items and 16 MB; the rest comes back as unprocessed keys.  [DDB-543, DDB-544, DDB-545]"""
    asked = {name: _check_gets(one) for name, one in request["RequestItems"].items()}
    if sum(len(one["Keys"]) for one in request["RequestItems"].values()) > MOST_KEYS:
        raise Invalid("Too many items requested for the BatchGetItem call")
    responses: dict[str, list[Any]] = {}
    unprocessed: dict[str, Any] = {}
    consumed: list[Consumed] = []
    total = done = 0
    for name, one in request["RequestItems"].items():
        table = schemas.find(call, name)
        places = [keys.of_key(table, key) for key in one["Keys"]]
        if len(set(places)) != len(places):
            raise Invalid("Provided list of item keys contains duplicates")
        paths, found = asked[name], responses.setdefault(name, [])
        parameters.check_scalars(table, paths)
        used = Consumed(table)
        left: list[Any] = []
        for key, (hash, sort) in zip(one["Keys"], places, strict=True):
            try:
                admission = throttling.admit_read(call, table, None, hash, sort)
            except ServiceError:
                left.append(key)
                continue
            consistent = one.get("ConsistentRead", False)
            if call.lake.faults.behaviours:
                row = lag.get(call, table, hash, sort, consistent)
            else:
                row = store.get(call.db, table.number, hash, sort)
            size = row[0] if row else 0
            if total + size > GET_BYTES:
                left.append(key)
                continue
            total, done = total + size, done + 1
            units = capacity.read_units(size, consistent)
            throttling.charge(call, admission, units)
            metrics.read(call, table, None, units)
            used.add(units, {})
            if row is not None:
                found.append(
                    items.shown(call, row[1]) if paths is None else projecting.project(paths, orjson.loads(row[1]))
                )
        consumed.append(used)
        if left:
            unprocessed[name] = {**one, "Keys": left}
    if not done:
        raise errors.ProvisionedThroughputExceededException(throttling.OF_TABLE)
    answer: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": unprocessed}
    if capacity.is_asked(request):
        answer["ConsumedCapacity"] = [one.describe(request["ReturnConsumedCapacity"]) for one in consumed]
    return answer


def _check_gets(one: dict[str, Any]) -> Any:
    """The projection of one table's part."""
    bindings = parameters.bind(one, ("ProjectionExpression",), ("AttributesToGet",))
    paths = parameters.projection(one, bindings)
    for key in one["Keys"]:
        item_size(key)
    bindings.check_used()
    return paths
