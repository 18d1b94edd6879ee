"""ExecuteStatement, BatchExecuteStatement and ExecuteTransaction: PartiQL, done by what does expressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.pages import InvalidToken

from .. import keys, lag, metrics, query, reads, schemas, store, transactions, writes
from ..attribute_values import item_size
from ..capacity import capacity, throttling
from ..capacity.capacity import Consumed
from ..expressions import projecting
from ..expressions.evaluation import holds
from ..expressions.key_conditions import KeyCondition
from ..expressions.nodes import And, Between, Comparison, Condition, Function, In, Path, Value
from ..expressions.paths import paths
from ..reads import Reading
from ..schemas import Index, Table
from ..service import Invalid, errors, operation, refuse
from ..writes import Outcome, Write
from . import parser
from .parser import Statement

OPERATORS = {"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}
PURPOSE = "dynamodb-statement"
DUPLICATE = "Duplicate primary key exists in table"
NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"
NO_KEY_IN_BATCH = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."


@operation
def execute_statement(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    statement = parser.parse(request["Statement"], request.get("Parameters", []))
    if statement.kind == "exists":
        raise Invalid("EXISTS is only supported in ExecuteTransaction")
    table = schemas.find(call, statement.table)
    if statement.kind == "select":
        return _select(call, request, statement, table)
    write = prepare(statement, table)
    write.shows_item = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    outcome = perform(call, statement, write)
    answer: dict[str, Any] = {"Items": _returned(statement, write, outcome)}
    if capacity.is_asked(request):
        answer["ConsumedCapacity"] = capacity.describe(request, table, outcome.units, outcome.indexes)
    return answer


# Reads


def _select(call: Call, request: dict[str, Any], statement: Statement, table: Table) -> dict[str, Any]:
    """A query where the statement names the partition key, otherwise a scan."""
    index = _index(request, statement, table)
    key = index.key if index else table.key
    conditions = dict(_conditions(statement.where))
    is_query = all(name in conditions and conditions[name].operator == "EQ" for name, _ in key.hashes)
    start = _start(call, request, table, index)
    asked = Reading(
        table,
        index,
        statement.paths,
        statement.where,
        None,
        request.get("Limit"),
        request.get("ConsistentRead", False),
        start,
    )
    if statement.descending is not None and not is_query:
        raise refuse("Must have WHERE clause with an equality on the partition key when using ORDER BY clause.")
    if is_query:
        kept = {name: conditions[name] for name, _ in key.hashes}
        if len(key.ranges) == 1 and key.ranges[0][0] in conditions:
            kept[key.ranges[0][0]] = conditions[key.ranges[0][0]]
        hash, bounds = query.select(key, kept)
        admission = throttling.admit_read(call, table, index, hash)
        cursor: Any
        if index is None:
            cursor = store.partition(call.db, table.number, hash, bounds, start, bool(statement.descending))
        else:
            down = bool(statement.descending)
            cursor = store.index_partition(call.db, table.number, index.number, hash, bounds, start, down)
    else:
        admission = throttling.admit_read(call, table, index)
        if index is None:
            cursor = store.scan(call.db, table.number, b"", store.LAST, start)
        else:
            cursor = store.index_scan(call.db, table.number, index.number, b"", store.LAST, start)
    if call.lake.faults.behaviours:
        read = (table, index, asked.consistent, cursor)
        if is_query:
            cursor = lag.of_partition(call, *read, hash, bounds, start, bool(statement.descending))
        else:
            cursor = lag.of_range(call, *read, b"", store.LAST, start)
    page = reads.page(call, request, asked, cursor, admission)
    if statement.paths is not None:
        page["Items"] = [_named_by_last(statement.paths, item) for item in page["Items"]]
    if "LastEvaluatedKey" in page:
        page["NextToken"] = call.pages.seal([PURPOSE, request["Statement"], page["LastEvaluatedKey"]])
    return {name: page[name] for name in ("Items", "NextToken", "LastEvaluatedKey", "ConsumedCapacity") if name in page}


def _equal_to(where: Condition) -> set[str]:
    """Attributes that must equal a value, or one of some."""
    if isinstance(where, And):
        return _equal_to(where.left) | _equal_to(where.right)
    operand = where.operand if isinstance(where, In) else None
    if isinstance(where, Comparison) and where.operator == "=":
        operand = where.left
    return {str(operand.parts[0])} if isinstance(operand, Path) and len(operand.parts) == 1 else set()


def _named_by_last(wanted: tuple[Path, ...], item: dict[str, Any]) -> dict[str, Any]:
    """What a path of names leads to is shown under its last name; what lies in lists keeps its place."""
    if all(len(path.parts) == 1 for path in wanted):
        return item
    shown: dict[str, Any] = {}
    for path in wanted:
        first, *rest = path.parts
        value = item.get(str(first))
        if any(isinstance(part, int) for part in rest):
            rest = [first]
        else:
            for part in rest:
                value = value.get("M", {}).get(part) if value is not None else None
        if value is not None:
            shown[str([first, *rest][-1])] = value
    return shown


def _index(request: dict[str, Any], statement: Statement, table: Table) -> Index | None:
    if statement.index is None:
        return None
    index = table.index(statement.index)
    if index is None:
        raise refuse("The table does not have the specified index")
    reads.check_filled(index)
    if index.is_global and request.get("ConsistentRead"):
        raise refuse("Strongly consistent read is not supported on Global Secondary Indexes")
    if index.projection != "ALL":
        _check_projected(statement, index)
    return index


def _check_projected(statement: Statement, index: Index) -> None:
    """What is shown may come from the table for a local index only; what a query is filtered by, for none.

    A scan of the index may look for what the index does not hold, and finds it missing.
    """
    where = statement.where
    is_keyed = where is not None and index.key.hashes[0][0] in _equal_to(where)
    filtered = {str(path.parts[0]) for path in paths(where)} if where is not None and is_keyed else set()
    lacking = sorted(filtered - index.projected)
    if lacking:
        raise refuse(
            f"{reads.BAD}Secondary index {index.name} does not project one or more filter attributes: "
            f"[{', '.join(lacking)}]"
        )
    lacking = sorted({str(path.parts[0]) for path in statement.paths or ()} - index.projected)
    if lacking and index.is_global:
        raise refuse(f"{reads.BAD}Global secondary index {index.name} does not project [{', '.join(lacking)}]")


def _start(call: Call, request: dict[str, Any], table: Table, index: Index | None) -> store.Place | None:
    if "NextToken" not in request:
        return None
    try:
        purpose, statement, key = call.pages.open(request["NextToken"])
    except (InvalidToken, TypeError, ValueError):
        purpose = statement = key = None
    if (purpose, statement) != (PURPOSE, request["Statement"]):
        raise Invalid("NextToken does not match request")
    return keys.start(table, index, key)


def _conditions(where: Condition | None) -> Iterator[tuple[str, KeyCondition]]:
    """What must hold of single attributes whatever else the condition says."""
    if isinstance(where, And):
        yield from _conditions(where.left)
        yield from _conditions(where.right)
    elif isinstance(where, Comparison) and where.operator in OPERATORS:
        if isinstance(where.left, Path) and isinstance(where.right, Value) and len(where.left.parts) == 1:
            yield str(where.left.parts[0]), KeyCondition(OPERATORS[where.operator], [where.right.value])
    elif isinstance(where, Between) and isinstance(where.operand, Path) and len(where.operand.parts) == 1:
        if isinstance(where.low, Value) and isinstance(where.high, Value):
            yield str(where.operand.parts[0]), KeyCondition("BETWEEN", [where.low.value, where.high.value])
    elif isinstance(where, Function) and where.name == "begins_with":
        path, prefix = where.arguments
        if isinstance(path, Path) and isinstance(prefix, Value) and len(path.parts) == 1:
            yield str(path.parts[0]), KeyCondition("BEGINS_WITH", [prefix.value])


def _key(statement: Statement, table: Table) -> dict[str, Any] | None:
    """The item that the statement names by its whole key."""
    equal = {name: one.values[0] for name, one in _conditions(statement.where) if one.operator == "EQ"}
    return {name: equal[name] for name in table.names} if table.names <= equal.keys() else None


def _get(call: Call, statement: Statement, table: Table, consistent: bool, factor: float) -> tuple[Any, float]:
    """The item that a SELECT by key finds, if its condition holds, and what it costs."""
    key = _key(statement, table)
    if key is None or statement.index is not None:
        raise refuse(NO_KEY_IN_BATCH)
    hash, sort = keys.of_key(table, key)
    admission = throttling.admit_read(call, table, None, hash, sort)
    if call.lake.faults.behaviours:
        row = lag.get(call, table, hash, sort, consistent)
    else:
        row = store.get(call.db, table.number, hash, sort)
    units = capacity.read_units(row[0] if row else 0, consistent) * factor
    throttling.charge(call, admission, units)
    metrics.read(call, table, None, units)
    if row is None:
        return None, units
    item = orjson.loads(row[1])
    if statement.where is not None and not holds(statement.where, item):
        return None, units
    if statement.paths is None:
        return item, units
    return _named_by_last(statement.paths, projecting.project(statement.paths, item)), units


# Writes


def prepare(statement: Statement, table: Table) -> Write:
    """A write or a check. ValidationException when the statement does not name one item."""
    if statement.kind == "insert":
        write = writes.put(table, statement.item, item_size(statement.item))
        write.condition = Function("attribute_not_exists", (Path((table.hash,)),))
        return write
    key = _key(statement, table)
    if key is None:
        raise refuse(NO_KEY)
    kind = "check" if statement.kind == "exists" else statement.kind
    write = writes.on_key(kind, table, key, statement.where)
    if kind == "update":
        writes.check_updates(table, statement.actions)
        write.actions = statement.actions
    return write


def perform(call: Call, statement: Statement, write: Write) -> Outcome:
    if statement.kind == "delete" and store.get(call.db, write.table.number, write.hash, write.sort) is None:
        write.condition = None  # nothing to delete is no failure
    try:
        return writes.perform(call, write)
    except ServiceError as error:
        if statement.kind == "insert" and error.code == "ConditionalCheckFailedException":
            raise errors.DuplicateItemException(DUPLICATE) from None
        raise


def _returned(statement: Statement, write: Write, outcome: Outcome) -> list[Any]:
    amount, _, age = statement.returning.partition(" ")
    image = outcome.new if age == "NEW" else outcome.old
    if not amount or image is None:
        return []
    item = orjson.loads(image.body)
    return [item if amount == "ALL" else projecting.project(tuple(one.path for one in write.actions), item)]


# Several


@operation
def batch_execute_statement(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 25 statements of one kind, reads or writes, each for itself."""
    consumed: dict[str, Consumed] = {}
    parsed = [_parsed(one) for one in request["Statements"]]
    if len({one.kind == "select" for one in parsed if isinstance(one, Statement)}) > 1:
        raise Invalid("Can't mix read and write operations in the same batch")
    responses = [_one(call, one, given, consumed) for one, given in zip(parsed, request["Statements"], strict=True)]
    answer: dict[str, Any] = {"Responses": responses}
    if capacity.is_asked(request):
        answer["ConsumedCapacity"] = [used.describe(request["ReturnConsumedCapacity"]) for used in consumed.values()]
    return answer


def _parsed(one: dict[str, Any]) -> Statement | Invalid:
    try:
        return parser.parse(one["Statement"], one.get("Parameters", []))
    except Invalid as mistake:
        return mistake


def _one(call: Call, statement: Statement | Invalid, given: dict[str, Any], consumed: dict[str, Consumed]) -> Any:
    if isinstance(statement, Invalid):
        return {"Error": {"Code": "ValidationError", "Message": str(statement)}}
    answer: dict[str, Any] = {}
    try:
        with call.transaction():
            table = schemas.find(call, statement.table)
            answer["TableName"] = table.name
            used = consumed.setdefault(table.name, Consumed(table))
            if statement.kind == "select":
                item, units = _get(call, statement, table, given.get("ConsistentRead", False), 1)
                used.add(units, {})
                return {**answer, "Item": item} if item is not None else answer
            write = prepare(statement, table)
            write.shows_item = given.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            outcome = perform(call, statement, write)
            used.add(outcome.units, outcome.indexes)
            shown = [item for item in _returned(statement, write, outcome) if item]
            return {**answer, "Item": shown[0]} if shown else answer
    except (ServiceError, Invalid) as error:
        return {**answer, "Error": _error(error)}


def _error(error: ServiceError | Invalid) -> dict[str, Any]:
    if isinstance(error, Invalid):
        return {"Code": "ValidationError", "Message": str(error)}
    code = transactions.CODES.get(error.code, error.code.removesuffix("Exception"))
    members = {name: value for name, value in error.members.items() if name == "Item"}
    return {"Code": code, "Message": error.message, **members}


def _check_in_transaction(at: int, statement: Statement) -> None:
    where = f"Validation failed in TransactStatements[{at}]: "
    if statement.returning:
        raise Invalid(f"{where}RETURNING clause is not supported in ExecuteTransaction.")
    if statement.index is not None:
        raise Invalid(f"{where}Reads on indices are not supported within transactions.")


def _check_key(at: int, statement: Statement, table: Table) -> None:
    """Reads and checks are of one item; a check says more of it than its key."""
    where = f"Validation failed in TransactStatements[{at}]: "
    has_key = _key(statement, table) is not None
    if statement.kind == "select" and not has_key:
        raise Invalid(
            f"{where}Select statements within ExecuteTransaction must specify the primary key in the where clause."
        )
    if statement.kind == "exists" and not (has_key and _parts(statement.where) > len(table.names)):
        raise Invalid(f"{where}EXISTS() must contain a single item read with additional condition")


def _parts(where: Condition | None) -> int:
    if where is None:
        return 0
    return _parts(where.left) + _parts(where.right) if isinstance(where, And) else 1


@operation
def execute_transaction(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 100 statements, all reads or all writes (and EXISTS), all or nothing."""
    given = request["TransactStatements"]
    parsed = [parser.parse(one["Statement"], one.get("Parameters", [])) for one in given]
    for at, statement in enumerate(parsed):
        _check_in_transaction(at, statement)
    kinds = {statement.kind == "select" for statement in parsed}
    if len(kinds) > 1:
        raise Invalid("Can't mix read and write operations in the same transaction")
    consumed: dict[str, Consumed] = {}
    responses: list[dict[str, Any]] = []
    tables = [schemas.find(call, statement.table) for statement in parsed]
    for at, (statement, table) in enumerate(zip(parsed, tables, strict=True)):
        _check_key(at, statement, table)
    if kinds == {True}:
        for statement, table in zip(parsed, tables, strict=True):
            item, units = _get(call, statement, table, True, transactions.FACTOR)
            consumed.setdefault(table.name, Consumed(table, "Read")).add(units, {})
            responses.append({} if item is None else {"Item": item})
    elif not transactions.is_repeated(call, request, given):
        prepared = [prepare(statement, table) for statement, table in zip(parsed, tables, strict=True)]
        for write, one in zip(prepared, given, strict=True):
            write.shows_item = one.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        transactions.check_places([(write.table.number, write.hash, write.sort) for write in prepared])
        for write, outcome in zip(prepared, transactions.perform(call, prepared), strict=True):
            used = consumed.setdefault(write.table.name, Consumed(write.table, "Write"))
            used.add(outcome.units, outcome.indexes)
            responses.append({})
    answer: dict[str, Any] = {"Responses": responses}
    if capacity.is_asked(request):
        answer["ConsumedCapacity"] = [used.describe(request["ReturnConsumedCapacity"]) for used in consumed.values()]
    return answer
