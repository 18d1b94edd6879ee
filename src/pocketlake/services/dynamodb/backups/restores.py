"""Restores: a new table from a backup, or from another table as it was at a moment.

The new table is CREATING while its items are copied, some in each turn; its indexes are written with them.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.arn import parse
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource, Resources

from .. import backfill, copying, history, journal, quotas, schemas, table_rules, tables
from ..changes import Image
from ..schemas import ON_DEMAND
from ..service import Invalid, dynamodb, errors, operation
from ..table_rules import BAD
from . import backups, continuous_backups
from .backups import INDEXES

READER = "restore:"
NEVER = 253_402_300_799.0  # the last second of the year 9999: a table that is not ready yet
OVERRIDES = {
    "LocalSecondaryIndexOverride": "LocalSecondaryIndexes",
    "GlobalSecondaryIndexOverride": "GlobalSecondaryIndexes",
}


def under_way(call: Call) -> Resources:
    """Restores into tables of this account and region, by the new table's name."""
    return call.resources("restore")


@operation
def restore_table_from_backup(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """With the settings that the table had at the backup; it may have been in another region."""
    name, arn = request["TargetTableName"], request["BackupArn"]
    _check_target(call, request)
    there = _in_region_of(call, arn)
    backup = backups.find(there, arn)
    if backup["Status"] == backups.CREATING:
        raise errors.BackupInUseException(backups.IN_USE)
    summary = {
        "SourceBackupArn": arn,
        "SourceTableArn": backup["Source"]["TableArn"],
        "RestoreDateTime": backup.created,
    }
    asked = _overridden(backup["Settings"], request)
    journal.put_follower(call.db, backup["Number"], _reader(call, name), (0, None, None))
    return _begin(call, name, asked, summary, {"From": {"Owner": backup["Number"]}, "Region": there.region})


@operation
def restore_table_to_point_in_time(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """With the settings that the table has now.  [DDB-559, DDB-560, DDB-562, DDB-563]"""
    name = request["TargetTableName"]
    source_name = request.get("SourceTableArn") or request.get("SourceTableName")
    if source_name is None:
        raise Invalid(f"{BAD}SourceTableArn or SourceTableName must be specified")
    _check_target(call, request)
    there = _in_region_of(call, source_name)
    source = backups.source_table(there, source_name)
    moment, at = _moment(there, source, request)
    summary = {"SourceTableArn": source.arn, "RestoreDateTime": moment}
    asked = _overridden(backups.settings_of(source), request)
    history.follow(there, source, _reader(call, name))
    history.advance(there, source["Number"], _reader(call, name), at)
    return _begin(call, name, asked, summary, {"From": {"Owner": source["Number"], "At": at}, "Region": there.region})


def _reader(call: Call, name: str) -> str:
    """As what a restore follows its source: the source's rows and journal stay for it."""
    return f"{READER}{call.region}:{name}"


def _in_region_of(call: Call, name_or_arn: str) -> Call:
    try:
        region = parse(name_or_arn).region
    except ValueError:  # a name; what is no ARN is not found here
        return call
    if region == call.region:
        return call
    elsewhere = call.as_(region=region)
    elsewhere.request = call.request
    return elsewhere


def _check_target(call: Call, request: dict[str, Any]) -> None:
    """TableAlreadyExistsException; TableInUseException while it is being made; LimitExceededException."""
    name = request["TargetTableName"]
    if request.get("VectorIndexOverride"):
        raise NotImplemented501("dynamodb VectorIndexOverride")
    tables.check_built({"SSESpecification": request.get("SSESpecificationOverride", {})})
    found = call.resources("table").find(name)
    if found is not None and tables.status(call, found) == "CREATING":
        raise errors.TableInUseException(f"Table is being created: {name}")
    if found is not None:
        raise errors.TableAlreadyExistsException(f"Table already exists: {name}")
    tables.check_room(call)
    if call.limits_on and under_way(call).count() >= quotas.RESTORES.value:
        raise errors.LimitExceededException(
            f"Subscriber limit exceeded: There is a limit of {int(quotas.RESTORES.value)} concurrent restores"
        )


def _moment(call: Call, source: Resource, request: dict[str, Any]) -> tuple[float, int]:
    """What RestoreDateTime or UseLatestRestorableTime name, and the last change that is part of it."""
    recovery = source.get("Recovery")
    if recovery is None:
        raise errors.PointInTimeRecoveryUnavailableException(
            f"Point in time recovery is not enabled for table '{source.name}'"
        )
    latest, is_latest = continuous_backups.latest(call, recovery), request.get("UseLatestRestorableTime", False)
    if is_latest == ("RestoreDateTime" in request):
        raise Invalid(f"{BAD}Exactly one of RestoreDateTime and UseLatestRestorableTime must be specified")
    asked = latest if is_latest else float(request["RestoreDateTime"])
    earliest = continuous_backups.earliest(call, recovery)
    if not int(earliest) <= asked <= latest:
        raise errors.InvalidRestoreTimeException(
            "An invalid restore time was specified. RestoreDateTime must be between EarliestRestorableDateTime and "
            "LatestRestorableDateTime."
        )
    since, *_ = history.followers(call, source["Number"])[continuous_backups.FOLLOWER]
    return asked, max(history.sequence_at(max(asked, earliest)), since)


def _overridden(settings: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """A CreateTable request: the source's settings, as the restore changes them. Raises Invalid."""
    asked = dict(settings)
    for member, kind in OVERRIDES.items():
        if member in request:
            asked[kind] = _matching(request[member], settings.get(kind, []), kind)
    asked["BillingMode"] = mode = request.get("BillingModeOverride", settings["BillingMode"])
    if mode == ON_DEMAND:
        asked.pop("ProvisionedThroughput", None)
        if settings["BillingMode"] != ON_DEMAND and "GlobalSecondaryIndexOverride" not in request:
            asked["GlobalSecondaryIndexes"] = _on_demand(settings.get("GlobalSecondaryIndexes", []))
    else:
        asked.pop("OnDemandThroughput", None)
    for member in ("ProvisionedThroughput", "OnDemandThroughput"):
        if f"{member}Override" in request:
            asked[member] = request[f"{member}Override"]
    for kind in INDEXES:
        if not asked.get(kind):
            asked.pop(kind, None)
    used = {element["AttributeName"] for schema in _schemas(asked) for element in schema}
    asked["AttributeDefinitions"] = [one for one in asked["AttributeDefinitions"] if one["AttributeName"] in used]
    table_rules.check_table(asked)
    return asked


def _matching(given: list[dict[str, Any]], present: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Indexes can be left out, but none is added or changed."""
    by_name = {index["IndexName"]: index for index in present}
    for index in given:
        known = by_name.get(index["IndexName"])
        if known is None or any(known[member] != index[member] for member in ("KeySchema", "Projection")):
            raise Invalid(f"{BAD}{kind} of the source table have no index {index['IndexName']} that matches")
    return given


def _on_demand(indexes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in index.items() if name != "ProvisionedThroughput"} for index in indexes]


def _schemas(asked: dict[str, Any]) -> list[list[dict[str, str]]]:
    return [asked["KeySchema"], *(index["KeySchema"] for kind in INDEXES for index in asked.get(kind, []))]


def _begin(
    call: Call, name: str, asked: dict[str, Any], summary: dict[str, Any], source: dict[str, Any]
) -> dict[str, Any]:
    """The table, CREATING and empty, and the alarm that fills it."""
    arn = call.arn(f"table/{name}")
    body = tables.new_body(call, asked, arn)
    body["ReadyAt"] = NEVER
    body["RestoreSummary"] = {**summary, "RestoreInProgress": True}
    table = call.resources("table").create(name, body, arn=arn)
    schemas.forget(call, table)
    under_way(call).create(name, source)
    call.alarms.set(fill_restored, f"{name}/", call.now)
    return {"TableDescription": tables.describe(call, table)}


@dynamodb.alarm
def fill_restored(call: Call, key: str) -> None:
    """`key`: table/position."""
    name, position = key.split("/")
    table, restore = call.resources("table").find(name), under_way(call).find(name)
    assert table is not None
    assert restore is not None, f"{name} is not being restored"
    compiled = schemas.compiled(table)
    rows, following = copying.page(call, restore["From"], position)
    copying.put(call, compiled.number, rows)
    if compiled.indexes:
        for hash, sort, size, body in rows:
            backfill.fill(call, compiled, hash, sort, Image(None, size, body))
    if following:
        call.alarms.set(fill_restored, f"{name}/{following}", call.now)
    else:
        _end(call, table, restore)


def _end(call: Call, table: Resource, restore: Resource) -> None:
    under_way(call).delete(restore)
    history.release(call.as_(region=restore["Region"]), restore["From"]["Owner"], _reader(call, table.name))
    summary = {**table["RestoreSummary"], "RestoreInProgress": False}
    schemas.save(call, table, ReadyAt=call.now, RestoreSummary=summary)
    call.notify(topic(table.arn))


def topic(arn: str) -> str:
    """What `call.watches` wait for: that a table has been restored."""
    return f"dynamodb-restore/{arn}"


def reads(call: Call, backup: Resource) -> bool:
    """Whether a restore reads the backup, in whatever region."""
    return any(name.startswith(READER) for name in history.followers(call, backup["Number"]))
