"""What a crawl found, written to the catalog by the crawler's policies."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from pocketlake.engines.formats.infer import Finding
from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import crawl_layout, partitions, store, tables
from .crawl_layout import FoundTable

SERIALIZER = {"CrawlerSchemaSerializerVersion": "1.0", "CrawlerSchemaDeserializerVersion": "1.0"}
# Parameters that change with the data, not with the schema.
MEASURES = {"objectCount", "recordCount", "sizeKey", "averageRecordSize", "UPDATED_BY_CRAWLER"}
INDEX = "crawler_partition_index"


@dataclass(slots=True)
class Summary:
    """Names of what was added, updated and deleted."""

    tables: dict[str, list[str]] = field(default_factory=lambda: {"ADD": [], "UPDATE": [], "DELETE": []})
    partitions: Counter[str] = field(default_factory=Counter)

    def text(self, database: str) -> str:
        """As ListCrawls shows it."""
        table = {
            change: {"Details": {"names": names, "catalogDatabase": database}, "Count": len(names)}
            for change, names in self.tables.items()
            if names
        }
        partition = {change: {"Count": count} for change, count in self.partitions.items()}
        return orjson.dumps({"TABLE": table, "PARTITION": partition}).decode()


@dataclass(frozen=True, slots=True)
class Policies:
    """Of SchemaChangePolicy and Configuration."""

    update: str = "UPDATE_IN_DATABASE"
    delete: str = "DEPRECATE_IN_DATABASE"
    merges_new_columns: bool = False
    partitions_inherit: bool = False
    indexes_partitions: bool = True


def policies_of(crawler: dict[str, Any], configuration: dict[str, Any]) -> Policies:
    policy = crawler.get("SchemaChangePolicy", {})
    output = configuration.get("CrawlerOutput", {})
    return Policies(
        policy.get("UpdateBehavior", "UPDATE_IN_DATABASE"),
        policy.get("DeleteBehavior", "DEPRECATE_IN_DATABASE"),
        output.get("Tables", {}).get("AddOrUpdateBehavior") == "MergeNewColumns",
        output.get("Partitions", {}).get("AddOrUpdateBehavior") == "InheritFromTable",
        configuration.get("CreatePartitionIndex", True),
    )


class Writer:
    """Writes the tables of one crawl. All calls belong into one transaction."""

    def __init__(self, call: Call, crawler: dict[str, Any], policies: Policies) -> None:
        self.call = call
        self.crawler = crawler
        self.database = crawler["DatabaseName"].lower()
        self.policies = policies
        self.summary = Summary()
        self.seen: set[str] = set()

    def write(self, bucket: str, found: FoundTable) -> None:
        """Add the table or bring it up to date, and its partitions."""
        location = f"s3://{bucket}/{found.place}"
        name, existing = self._table(crawl_layout.table_name(bucket, found.place, self._prefix()), location)
        self.seen.add(name)
        given = self._input(name, location, found)
        if existing is None:
            self._create(given)
        else:
            self._update(existing, given)
        table = tables.find(self.call, self.database, name)
        if found.keys:
            self._partitions(table, bucket, found)

    def _prefix(self) -> str:
        return str(self.crawler.get("TablePrefix", "")).lower()

    def _table(self, name: str, location: str) -> tuple[str, Resource | None]:
        """The table at this location; when the name is another table's, the location's hash makes it unique."""
        for candidate in (name, f"{name}_{hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()}"):
            existing = self.call.resources("table").find(candidate, parent=self.database)
            if existing is None or _location(existing) == location.rstrip("/"):
                return candidate, existing
        return candidate, existing

    def _input(self, name: str, location: str, found: FoundTable) -> dict[str, Any]:
        parameters = {**found.finding.table_parameters(), **SERIALIZER, "UPDATED_BY_CRAWLER": self.crawler["Name"]}
        if found.keys and self.policies.indexes_partitions:
            parameters["partition_filtering.enabled"] = "true"
        return {
            "Name": name,
            "Owner": "owner",
            "Retention": 0,
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": descriptor(found.finding, location, parameters, found.keys),
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in found.keys],
            "Parameters": parameters,
        }

    def _create(self, given: dict[str, Any]) -> None:
        request: dict[str, Any] = {"DatabaseName": self.database, "TableInput": given}
        if given["PartitionKeys"] and self.policies.indexes_partitions:
            request["PartitionIndexes"] = [
                {"IndexName": INDEX, "Keys": [key["Name"] for key in given["PartitionKeys"]]}
            ]
        tables.create_table(self.call, request)
        self.summary.tables["ADD"].append(given["Name"])

    def _update(self, existing: Resource, given: dict[str, Any]) -> None:
        """By UpdateBehavior; new measures of an unchanged schema make no version."""
        if self.policies.update == "LOG":
            return
        before = tables.describe(self.call, existing)
        if self.policies.merges_new_columns or [k["Name"] for k in before["PartitionKeys"]] != [
            key["Name"] for key in given["PartitionKeys"]
        ]:
            given = _merged(before, given)
        given["Parameters"] = {**_kept_parameters(before), **given["Parameters"]}
        is_changed = _schema(before) != _schema(given)
        request = {"DatabaseName": self.database, "TableInput": given, "SkipArchive": not is_changed}
        tables.update_table(self.call, request)
        if is_changed:
            self.summary.tables["UPDATE"].append(given["Name"])

    def _partitions(self, table: Resource, bucket: str, found: FoundTable) -> None:
        if len(table["PartitionKeys"]) != len(found.keys):
            return
        known = set(store.partition_keys(self.call, table.parent, table.name, ""))
        for partition in found.partitions:
            key = store.partition_key(partition.values)
            location = f"s3://{bucket}/{partition.folder}"
            finding = partition.finding
            parameters = {**finding.table_parameters(), **SERIALIZER}
            storage = descriptor(finding, location, parameters, found.keys)
            if self.policies.partitions_inherit or self.policies.update == "LOG":
                storage["Columns"] = table["StorageDescriptor"]["Columns"]
            given = {"Values": list(partition.values), "StorageDescriptor": storage, "Parameters": parameters}
            if key not in known:
                partitions.add(self.call, table, given)
                self.summary.partitions["ADD"] += 1
            elif self.policies.update != "LOG":
                self._update_partition(table, key, given)
            known.discard(key)
        if self.policies.delete == "DELETE_FROM_DATABASE":
            for key in known:
                partitions.remove(self.call, table, orjson.loads(key))
                self.summary.partitions["DELETE"] += 1

    def _update_partition(self, table: Resource, key: str, given: dict[str, Any]) -> None:
        before = store.partition(self.call, table.parent, table.name, key) or {}
        if {name: before.get(name) for name in given} != given:
            partitions.replace(self.call, table, given["Values"], given)
            self.summary.partitions["UPDATE"] += 1

    def sweep(self, targets: list[str]) -> None:
        """Tables that this crawler made under its targets (s3://...) and did not find again, by DeleteBehavior."""
        for table in self.call.resources("table").list(parent=self.database):
            made_here = table.get("Parameters", {}).get("UPDATED_BY_CRAWLER") == self.crawler["Name"]
            location = _location(table)
            if table.name in self.seen or not made_here or not any(_is_under(location, target) for target in targets):
                continue
            if self.policies.delete == "DELETE_FROM_DATABASE":
                tables.delete(self.call, table)
                self.summary.tables["DELETE"].append(table.name)
            elif self.policies.delete == "DEPRECATE_IN_DATABASE":
                self._deprecate(table)

    def _deprecate(self, table: Resource) -> None:
        if "DEPRECATED_BY_CRAWLER" in table["Parameters"]:
            return
        parameters = {**table["Parameters"], "DEPRECATED_BY_CRAWLER": str(round(self.call.now * 1000))}
        request = {"DatabaseName": self.database, "TableInput": {**_as_input(table), "Parameters": parameters}}
        tables.update_table(self.call, request)
        self.summary.tables["UPDATE"].append(table.name)


def descriptor(
    finding: Finding, location: str, parameters: dict[str, str], keys: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A partition key shadows a column of its name: such columns are left out."""
    return {
        "Columns": [
            {"Name": column.name, "Type": str(column.type)} for column in finding.columns if column.name not in keys
        ],
        "Location": location,
        "InputFormat": finding.input_format,
        "OutputFormat": finding.output_format,
        "Compressed": finding.compression not in ("none",) and finding.classification in ("csv", "json"),
        "NumberOfBuckets": -1,
        "SerdeInfo": {"SerializationLibrary": finding.serde, "Parameters": dict(finding.serde_parameters)},
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": parameters,
        "StoredAsSubDirectories": False,
    }


def _location(table: Resource) -> str:
    return str(table.get("StorageDescriptor", {}).get("Location", "")).rstrip("/")


def _is_under(location: str, target: str) -> bool:
    return f"{location}/".startswith(f"{target.rstrip('/')}/")


def _as_input(table: Resource) -> dict[str, Any]:
    kept = (
        "Name",
        "Description",
        "Owner",
        "Retention",
        "StorageDescriptor",
        "PartitionKeys",
        "TableType",
        "Parameters",
    )
    return {name: table[name] for name in kept if name in table.body}


def _merged(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The known columns as they are, then the new ones; partition keys stay."""
    known = before["StorageDescriptor"]["Columns"]
    names = {column["Name"].lower() for column in [*known, *before["PartitionKeys"]]}
    fresh = [column for column in given["StorageDescriptor"]["Columns"] if column["Name"].lower() not in names]
    storage = {**given["StorageDescriptor"], "Columns": [*known, *fresh]}
    return {**given, "StorageDescriptor": storage, "PartitionKeys": before["PartitionKeys"]}


def _kept_parameters(before: dict[str, Any]) -> dict[str, str]:
    """What people set on a table stays; a table that is found again is no longer deprecated."""
    return {name: value for name, value in before.get("Parameters", {}).items() if name != "DEPRECATED_BY_CRAWLER"}


def _schema(table: dict[str, Any]) -> Any:
    storage = table["StorageDescriptor"]
    parameters = {name: value for name, value in table["Parameters"].items() if name not in MEASURES}
    return (
        [(column["Name"], column.get("Type")) for column in storage.get("Columns", [])],
        [(key["Name"], key.get("Type")) for key in table["PartitionKeys"]],
        storage.get("SerdeInfo"),
        storage.get("InputFormat"),
        parameters,
    )
