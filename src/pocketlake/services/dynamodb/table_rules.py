"""What a table may look like: key schemas, attribute definitions, indexes, throughput. Wording: recorded by dynalite
(validations/createTable.js) and by moto's tests that ran against AWS."""

from __future__ import annotations

from typing import Any

from . import quotas
from .schemas import ALL, HASH, INCLUDE, KEYS_ONLY, ON_DEMAND, RANGE
from .service import Invalid

BAD = "One or more parameter values were invalid: "
Schema = list[dict[str, str]]
UNITS = ("ReadCapacityUnits", "WriteCapacityUnits")
OUT_OF_BOUNDS = int(quotas.UNITS_BOUND.value)


def check_table(request: dict[str, Any]) -> None:
    """A CreateTable request. Raises Invalid."""
    mode = request.get("BillingMode", "PROVISIONED")
    check_throughput(mode, request.get("ProvisionedThroughput"))
    definitions = [one["AttributeName"] for one in request.get("AttributeDefinitions", [])]
    schema = request.get("KeySchema")
    if schema is None:
        raise Invalid(f"{BAD}Missing KeySchema")
    keys = names(schema)
    check_count(schema)
    local, general = request.get("LocalSecondaryIndexes"), request.get("GlobalSecondaryIndexes")
    if len(keys) > len(definitions):
        raise Invalid("Invalid KeySchema: Some index key attribute have no definition")
    check_defined(keys, definitions)
    check_schema(schema)
    if local is None and general is None and len(keys) != len(definitions):
        raise Invalid(
            f"{BAD}Number of attributes in KeySchema does not exactly match "
            "number of attributes defined in AttributeDefinitions"
        )
    seen: set[str] = set()
    if local is not None:
        check_local(local, schema, definitions, seen)
    if general is not None:
        check_global(general, definitions, mode, seen)
    check_used(request)


def check_used(request: dict[str, Any]) -> None:
    """Every attribute that is defined must be in some key."""
    definitions = {one["AttributeName"] for one in request["AttributeDefinitions"]}
    indexes = request.get("LocalSecondaryIndexes", []) + request.get("GlobalSecondaryIndexes", [])
    used = {name for schema in (request["KeySchema"], *(one["KeySchema"] for one in indexes)) for name in names(schema)}
    if definitions - used:
        raise Invalid(
            f"{BAD}Some AttributeDefinitions are not used. AttributeDefinitions: "
            f"[{', '.join(sorted(definitions))}], keys used: [{', '.join(sorted(used))}]"
        )


def names(schema: Schema) -> list[str]:
    return [element["AttributeName"] for element in schema]


def check_defined(keys: list[str], definitions: list[str]) -> None:
    if not set(keys) <= set(definitions):
        raise Invalid(
            f"{BAD}Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(keys)}], AttributeDefinitions: [{', '.join(sorted(definitions))}]"
        )


def check_count(schema: Schema) -> None:
    """The model allows more for global indexes' sake."""
    if len(schema) > 2:
        shown = ", ".join(
            f"KeySchemaElement(attributeName={one['AttributeName']}, keyType={one['KeyType']})" for one in schema
        )
        raise Invalid(
            f"1 validation error detected: Value '[{shown}]' at 'keySchema' failed to satisfy constraint: "
            "Member must have length less than or equal to 2"
        )


def check_schema(schema: Schema, most: int = 1) -> None:
    """Partition keys first, then sort keys; `most` of each."""
    kinds = [element["KeyType"] for element in schema]
    if len(schema) == 2 and schema[0]["AttributeName"] == schema[1]["AttributeName"]:
        raise Invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if kinds[0] != HASH:
        raise Invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if most == 1 and len(kinds) > 1 and kinds[1] != RANGE:
        raise Invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if kinds != sorted(kinds) or kinds.count(HASH) > most or kinds.count(RANGE) > most:
        raise Invalid(f"{BAD}KeySchema may have up to {most} HASH keys, followed by up to {most} RANGE keys")


def check_throughput(mode: str, throughput: dict[str, int] | None) -> None:
    if mode == ON_DEMAND:
        if throughput is not None:
            raise Invalid(
                f"{BAD}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        return
    if throughput is None:
        raise Invalid(
            f"{BAD}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    check_bounds(throughput)


def check_bounds(throughput: dict[str, int]) -> None:
    for unit in UNITS:
        if throughput[unit] > OUT_OF_BOUNDS:
            raise Invalid(f"Given value {throughput[unit]} for {unit} is out of bounds")


def check_local(indexes: list[dict[str, Any]], table: Schema, definitions: list[str], seen: set[str]) -> None:
    """[DDB-007, DDB-011, DDB-548, DDB-549]"""
    if not indexes:
        raise Invalid(f"{BAD}List of LocalSecondaryIndexes is empty")
    if len(table) != 2:
        raise Invalid(
            f"{BAD}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    for index in indexes:
        name, schema = index["IndexName"], index["KeySchema"]
        check_defined(names(schema), definitions)
        check_schema(schema)
        if len(schema) != 2:
            raise Invalid(f"{BAD}Index KeySchema does not have a range key for index: {name}")
        if schema[0]["AttributeName"] != table[0]["AttributeName"]:
            raise Invalid(
                f"{BAD}Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. "
                f"index hash key: {schema[0]['AttributeName']}, table hash key: {table[0]['AttributeName']}"
            )
        check_projection(index)
        check_unseen(name, seen)
    if len(indexes) > quotas.LOCAL_INDEXES.value:
        raise Invalid(
            f"{BAD}Number of LocalSecondaryIndexes exceeds per-table limit of {int(quotas.LOCAL_INDEXES.value)}"
        )


def check_global(indexes: list[dict[str, Any]], definitions: list[str], mode: str, seen: set[str]) -> None:
    """[DDB-010, DDB-552, DDB-555]"""
    if not indexes:
        raise Invalid(f"{BAD}List of GlobalSecondaryIndexes is empty")
    for index in indexes:
        check_defined(names(index["KeySchema"]), definitions)
        check_global_index(index, mode)
        check_unseen(index["IndexName"], seen)
    if len(indexes) > quotas.GLOBAL_INDEXES.value:
        raise Invalid(
            f"{BAD}GlobalSecondaryIndex count exceeds the per-table limit of {int(quotas.GLOBAL_INDEXES.value)}"
        )


def check_global_index(index: dict[str, Any], mode: str) -> None:
    name, throughput = index["IndexName"], index.get("ProvisionedThroughput")
    many = len(index["KeySchema"]) > 2
    check_schema(index["KeySchema"], int(quotas.INDEX_KEY_ATTRIBUTES.value) if many else 1)
    check_projection(index)
    if mode == ON_DEMAND and throughput is not None:
        raise Invalid(
            f"{BAD}ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        )
    if mode != ON_DEMAND:
        if throughput is None:
            raise Invalid(f"{BAD}ProvisionedThroughput is not specified for index: {name}")
        check_bounds(throughput)


def check_projection(index: dict[str, Any]) -> None:
    projection = index["Projection"]
    kind, attributes = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind not in (ALL, KEYS_ONLY, INCLUDE):
        raise Invalid(f"{BAD}Unknown ProjectionType: {kind or 'null'}")
    if attributes is not None and kind != INCLUDE:
        raise Invalid(f"{BAD}ProjectionType is {kind}, but NonKeyAttributes is specified")
    if attributes is None and kind == INCLUDE:
        raise Invalid(f"{BAD}ProjectionType is {kind}, but NonKeyAttributes is not specified")


def check_unseen(name: str, seen: set[str]) -> None:
    if name in seen:
        raise Invalid(f"{BAD}Duplicate index name: {name}")
    seen.add(name)
