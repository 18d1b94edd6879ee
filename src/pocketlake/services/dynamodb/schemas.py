"""What a table's description means for its items: keys and their types, indexes, where each has its rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from .service import errors, refuse

TABLE_ARN = re.compile(r"arn:aws[\w-]*:dynamodb:([\w-]+):(\d{12}):table/([a-zA-Z0-9_.-]+)")
HASH, RANGE = "HASH", "RANGE"
ALL, KEYS_ONLY, INCLUDE = "ALL", "KEYS_ONLY", "INCLUDE"
ON_DEMAND, PROVISIONED = "PAY_PER_REQUEST", "PROVISIONED"


@dataclass(slots=True, frozen=True)
class Key:
    """Attributes of a primary or index key, each with its type. A global index may have up to four of each kind."""

    hashes: tuple[tuple[str, str], ...]
    ranges: tuple[tuple[str, str], ...]

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        return self.hashes + self.ranges


@dataclass(slots=True, frozen=True)
class Index:
    number: int
    name: str
    arn: str
    key: Key
    projection: str
    projected: frozenset[str]  # names that it holds; of no meaning when it holds all
    is_global: bool
    is_active: bool
    is_filled: bool  # being put up already, though not yet active
    reads: int
    writes: int


@dataclass(slots=True, frozen=True)
class Table:
    resource: Resource
    number: int
    name: str
    arn: str
    key: Key
    names: frozenset[str]  # of the key's attributes
    hash: str
    hash_type: str
    range: str | None
    range_type: str
    indexes: tuple[Index, ...]
    on_demand: bool
    reads: int
    writes: int
    has_local: bool
    ttl: str | None  # the attribute that says when an item expires
    is_followed: bool  # its changes go into a journal: see history.py

    def index(self, name: str) -> Index | None:
        return next((index for index in self.indexes if index.name == name), None)


def find(call: Call, name_or_arn: str) -> Table:
    """The table for work on its items; ResourceNotFoundException while it is being made, and when there is none."""
    known: Table | None = call.memory.get((call.account, call.region, name_or_arn))
    if known is None:
        known = compiled(locate(call, name_or_arn))
        call.memory[call.account, call.region, name_or_arn] = known
    call.subject = known
    if known.resource.body["ReadyAt"] > call.now:
        raise errors.ResourceNotFoundException("Requested resource not found")
    return known


def locate(call: Call, name_or_arn: str, message: str = "Requested resource not found") -> Resource:
    """The table's document, by name or ARN."""
    name = name_of(call, name_or_arn)
    found = call.resources("table").find(name) if name else None
    if found is None:
        raise errors.ResourceNotFoundException(message)
    return found


def name_of(call: Call, name_or_arn: str) -> str:
    """A table's name; "" for the ARN of one in another account or region.

    ValidationException for what begins as an ARN and is none of a table, but of its index or stream, say. That this is
    the answer: recorded from AWS (extenddb, pull request 200); its wording is that of the operations on tags.
    """
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    found = TABLE_ARN.fullmatch(name_or_arn)
    if found is None:
        raise refuse(f"Invalid TableArn: Invalid ResourceArn provided as input {name_or_arn}")
    region, account, name = found.groups()
    return name if (region, account) == (call.region, call.account) else ""


def missing(name: str) -> ServiceError:
    error: ServiceError = errors.ResourceNotFoundException(f"Requested resource not found: Table: {name} not found")
    return error


def forget(call: Call, table: Resource) -> None:
    """Whatever is known of the table is to be read anew, now and if this write is taken back."""

    def drop() -> None:
        for key in [key for key in call.memory if key[:2] == (call.account, call.region)]:
            known = call.memory[key]
            if isinstance(known, Table) and known.name == table.name:
                del call.memory[key]

    drop()
    call.undo(drop)


def save(call: Call, table: Resource, **changes: Any) -> Resource:
    """Write the table's document; a value of None takes the member out."""
    saved = call.resources("table").update(table, **changes)
    forget(call, saved)
    return saved


def compiled(table: Resource) -> Table:
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    key = key_of(table["KeySchema"], types)
    throughput = table.get("ProvisionedThroughput", {})
    hash, hash_type = key.hashes[0]
    sort, sort_type = key.ranges[0] if key.ranges else (None, "")
    indexes = [_index(table, one, types, key, is_global=False) for one in table.get("LocalSecondaryIndexes", [])]
    indexes += [_index(table, one, types, key, is_global=True) for one in table.get("GlobalSecondaryIndexes", [])]
    return Table(
        table,
        table["Number"],
        table.name,
        table.arn,
        key,
        frozenset(name for name, _ in key.attributes),
        hash,
        hash_type,
        sort,
        sort_type,
        tuple(indexes),
        table["BillingMode"] == ON_DEMAND,
        throughput.get("ReadCapacityUnits", 0),
        throughput.get("WriteCapacityUnits", 0),
        bool(table.get("LocalSecondaryIndexes")),
        table.get("TimeToLive"),
        bool(table.get("IsFollowed")),
    )


def key_of(schema: list[dict[str, str]], types: dict[str, str]) -> Key:
    by_kind: dict[str, list[tuple[str, str]]] = {HASH: [], RANGE: []}
    for element in schema:
        by_kind[element["KeyType"]].append((element["AttributeName"], types[element["AttributeName"]]))
    return Key(tuple(by_kind[HASH]), tuple(by_kind[RANGE]))


def _index(table: Resource, index: dict[str, Any], types: dict[str, str], key: Key, is_global: bool) -> Index:
    own = key_of(index["KeySchema"], types)
    projection = index["Projection"]
    names = {name for name, _ in (*key.attributes, *own.attributes)}
    throughput = index.get("ProvisionedThroughput", {})
    status = index.get("IndexStatus", "ACTIVE")
    return Index(
        index["Number"],
        index["IndexName"],
        f"{table.arn}/index/{index['IndexName']}",
        own,
        projection["ProjectionType"],
        frozenset(names.union(projection.get("NonKeyAttributes", ()))),
        is_global,
        status in ("ACTIVE", "UPDATING"),
        status != "DELETING",
        throughput.get("ReadCapacityUnits", 0),
        throughput.get("WriteCapacityUnits", 0),
    )
