"""Transactions: up to 100 items in one or several tables, all or nothing.  [DDB-547]"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import changes, items, keys, metrics, parameters, quotas, schemas, store, writes
from .attribute_values import item_size
from .capacity import capacity, throttling
from .capacity.capacity import Consumed
from .changes import Image
from .expressions import projecting
from .service import Invalid, dynamodb, errors, operation
from .writes import Write

KINDS = {"Put": "put", "Delete": "delete", "Update": "update", "ConditionCheck": "check"}
TOKEN_LIFE = quotas.TOKEN_LIFE.value
BYTES = int(quotas.TRANSACTION_BYTES.value)
ONE_EACH = "TransactItems can only contain one of Check, Put, Update or Delete"
TWICE = "Transaction request cannot include multiple operations on one item"
CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded",
    "ThrottlingException": "ThrottlingError",
    "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded",
    "ValidationException": "ValidationError",
}
FACTOR = 2  # a transaction reads and writes each item twice


@operation
def transact_write_items(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    prepared = _prepare_all(call, request["TransactItems"])
    check_places([(write.table.number, write.hash, write.sort) for write in prepared])
    if sum(write.size for write in prepared) > BYTES:
        raise Invalid("Transaction request size exceeds limit")
    if is_repeated(call, request, request["TransactItems"]):
        return _answer(call, request, prepared, None)
    return _answer(call, request, prepared, perform(call, prepared))


def _prepare_all(call: Call, asked: list[dict[str, Any]]) -> list[Write]:
    """Keys that do not suit their table cancel the transaction; what is wrong otherwise is refused at once.

    Source: paritysuite/dynamodb-conformance, tests/tier3/error-messages/transactWriteItems.test.ts.
    """
    prepared: list[Write] = []
    reasons: list[dict[str, Any]] = []
    for one in asked:
        try:
            prepared.append(_prepare(call, one))
            reasons.append({"Code": "None"})
        except ServiceError as error:
            if not keys.is_unsuited(error):
                raise
            reasons.append(_reason(error))
    _cancel_if_any(reasons)
    return prepared


def _prepare(call: Call, one: dict[str, Any]) -> Write:
    if len(one) != 1:
        raise Invalid(ONE_EACH)
    ((kind, given),) = one.items()
    names = ("UpdateExpression", "ConditionExpression") if kind == "Update" else ("ConditionExpression",)
    bindings = parameters.bind(given, names)
    size = item_size(given["Item"] if kind == "Put" else given["Key"])
    actions = bindings.update(given["UpdateExpression"]) if kind == "Update" else ()
    condition = parameters.condition(given, bindings)
    bindings.check_used()
    table = schemas.find(call, given["TableName"])
    if kind == "Put":
        write = writes.put(table, given["Item"], size, condition)
    else:
        write = writes.on_key(KINDS[kind], table, given["Key"], condition)
        write.actions = actions
        writes.check_updates(table, actions)
        parameters.check_scalars(table, actions)
    parameters.check_scalars(table, condition)
    write.shows_item = given.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return write


def check_places(places: list[tuple[int, bytes, bytes]]) -> None:
    if len(set(places)) != len(places):
        raise Invalid(TWICE)


def is_repeated(call: Call, request: dict[str, Any], asked: list[Any]) -> bool:
    """Whether this token's transaction was done within ten minutes; IdempotentParameterMismatchException.

    boto3 makes a token of its own for each call that has none.
    """
    token = request.get("ClientRequestToken")
    if not token:
        return False
    digest = hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).digest()
    known = store.token(call.db, call.account, call.region, token, call.now)
    if known is None:
        store.remember_token(call.db, call.account, call.region, token, digest, call.now, TOKEN_LIFE)
        if call.alarms.due(forget_tokens, "") is None:
            call.alarms.set(forget_tokens, "", call.now + TOKEN_LIFE)
        return False
    if known != digest:
        raise errors.IdempotentParameterMismatchException(
            "Request was made with the same idempotency token but with different parameters"
        )
    return True


@dynamodb.alarm
def forget_tokens(call: Call, _: str) -> None:
    store.forget_tokens(call.db, call.now)
    if store.has_tokens(call.db, call.account, call.region):
        call.alarms.set(forget_tokens, "", call.now + TOKEN_LIFE)


def perform(call: Call, prepared: list[Write]) -> list[writes.Outcome]:
    """Check all, then write all. TransactionCanceledException with a reason for each item."""
    reasons: list[dict[str, Any]] = []
    images: list[tuple[Image | None, Image | None]] = []
    for write in prepared:
        old = changes.read(call, write.table, write.hash, write.sort)
        try:
            writes.check(write, old)
            images.append((old, writes.after(write, old)))
            reasons.append({"Code": "None"})
        except ServiceError as error:
            reasons.append(_reason(error))
    _cancel_if_any(reasons)
    outcomes = []
    for at, (write, (old, new)) in enumerate(zip(prepared, images, strict=True)):
        try:
            outcomes.append(writes.apply(call, write, old, new, FACTOR))
        except ServiceError as error:
            reasons[at] = _reason(error)
    _cancel_if_any(reasons)
    return outcomes


def _reason(error: ServiceError) -> dict[str, Any]:
    if error.code not in CODES:
        raise error
    return {
        "Code": CODES[error.code],
        "Message": error.message,
        **{k: v for k, v in error.members.items() if k == "Item"},
    }


def _cancel_if_any(reasons: list[dict[str, Any]]) -> None:
    if any(reason["Code"] != "None" for reason in reasons):
        codes = ", ".join(reason["Code"] for reason in reasons)
        raise errors.TransactionCanceledException(
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            CancellationReasons=reasons,
        )


def _answer(
    call: Call, request: dict[str, Any], prepared: list[Write], outcomes: list[writes.Outcome] | None
) -> dict[str, Any]:
    """`outcomes` None: the transaction was done before, and answering costs as reading does."""
    answer: dict[str, Any] = {}
    if capacity.is_asked(request):
        consumed: dict[str, Consumed] = {}
        for at, write in enumerate(prepared):
            used = consumed.setdefault(write.table.name, Consumed(write.table, "Write" if outcomes else "Read"))
            if outcomes:
                used.add(outcomes[at].units, outcomes[at].indexes)
            else:
                row = store.get(call.db, write.table.number, write.hash, write.sort)
                used.add(capacity.read_units(row[0] if row else 0, True) * FACTOR, {})
        answer["ConsumedCapacity"] = [used.describe(request["ReturnConsumedCapacity"]) for used in consumed.values()]
    if request.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics: dict[str, list[Any]] = {}
        for write in prepared:
            if write.table.has_local:
                found = items.collection(call, write.table, write.hash, write.item)
                metrics.setdefault(write.table.name, []).append(found)
        if metrics:
            answer["ItemCollectionMetrics"] = metrics
    return answer


@operation
def transact_get_items(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 100 items and 4 MB, as they are at one moment."""
    asked = []
    for one in request["TransactItems"]:
        given = one["Get"]
        bindings = parameters.bind(given, ("ProjectionExpression",))
        paths = parameters.projection(given, bindings)
        item_size(given["Key"])
        bindings.check_used()
        table = schemas.find(call, given["TableName"])
        asked.append((table, *keys.of_key(table, given["Key"]), paths))
    check_places([(table.number, hash, sort) for table, hash, sort, _ in asked])
    responses: list[dict[str, Any]] = []
    consumed: dict[str, Consumed] = {}
    total = 0
    for table, hash, sort, paths in asked:
        admission = throttling.admit_read(call, table, None, hash, sort)
        row = store.get(call.db, table.number, hash, sort)
        total += row[0] if row else 0
        units = capacity.read_units(row[0] if row else 0, True) * FACTOR
        throttling.charge(call, admission, units)
        metrics.read(call, table, None, units)
        consumed.setdefault(table.name, Consumed(table, "Read")).add(units, {})
        if row is None:
            responses.append({})
        elif paths is None:
            responses.append({"Item": items.shown(call, row[1])})
        else:
            responses.append({"Item": projecting.project(paths, orjson.loads(row[1]))})
    if total > BYTES:
        raise Invalid("Aggregated size of items in the transaction has exceeded the maximum allowed size")
    answer: dict[str, Any] = {"Responses": responses}
    if capacity.is_asked(request):
        answer["ConsumedCapacity"] = [used.describe(request["ReturnConsumedCapacity"]) for used in consumed.values()]
    return answer
