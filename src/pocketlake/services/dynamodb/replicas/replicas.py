"""Replicas of a table in other regions: made and filled, described, kept alike, deleted.

A table and its replicas are a global table of version 2019.11.21, with eventual consistency. Each is a table of its
region, whose document names the others under `Replicas`: their status and what they override. How writes travel
between them: replication.py.
Source: API Reference, UpdateTable; wording and order of refusals: recorded from AWS (ack-api-quirks, DynamoDB).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .. import copying, history, quotas, schemas, tables
from ..backups import backups
from ..backups.restores import NEVER
from ..changes import Image
from ..service import dynamodb
from ..streams import streams
from . import replication, rules
from .replication import ACTIVE
from .rules import CREATE, DELETE

VERSION = "2019.11.21"
CREATING = "CREATING"
OVERRIDES = ("ProvisionedThroughputOverride", "OnDemandThroughputOverride", "GlobalSecondaryIndexes")
SHARED = (  # what UpdateTable changes in all replicas
    "AttributeDefinitions",
    "BillingMode",
    "ProvisionedThroughput",
    "OnDemandThroughput",
    "WarmThroughput",
    "TableClass",
    "GlobalSecondaryIndexUpdates",
)


def others(call: Call, table: Resource) -> Iterator[tuple[Call, Resource]]:
    """The other replicas, each with a call in its region."""
    for region in table.get("Replicas", {}):
        there = call.as_(region=region)
        replica = there.resources("table").find(table.name)
        assert replica is not None, f"{table.name} has no replica in {region}"
        yield there, replica


def set_replica(call: Call, table: Resource, region: str, **changes: Any) -> Resource:
    """Write what a table's document says of the replica in `region`; None takes a member out."""
    current = call.resources("table").find(table.name)
    assert current is not None
    known = current.get("Replicas", {})
    entry = {name: value for name, value in {**known.get(region, {}), **changes}.items() if value is not None}
    return schemas.save(call, current, Replicas={**known, region: entry})


# UpdateTable


def update(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """ReplicaUpdates; its answer shows what was there before."""
    actions = rules.actions(call, request)
    table = tables.existing(call, request["TableName"])
    if is_changing(table):
        raise rules.in_use()
    tables.check_active(call, table)
    for kind, asked in actions:
        if kind == CREATE:
            table = _create(call, table, asked)
        elif kind == DELETE:
            table = _delete(call, table, asked["RegionName"])
        else:
            table = _override(call, table, asked)
    shown = tables.describe(call, table)
    return {"TableDescription": {**shown, "TableStatus": "UPDATING"}}


def _create(call: Call, table: Resource, asked: dict[str, Any]) -> Resource:
    """A table in another region, CREATING until it holds what this one holds at this moment."""
    region = asked["RegionName"]
    there = call.as_(region=region)
    rules.check_creatable(call, there, table)
    if "StreamView" not in table.body:
        table = streams.begin(call, table, {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    members = [(call, table), *others(call, table)]
    for member, one in members[1:]:
        replication.send_all(member, one, call.region)
    overrides = {name: asked[name] for name in OVERRIDES if name in asked}
    replica = _make(there, table, asked)
    _align([*members, (there, replica)])
    for member, one in members:
        since = replication.follow(member, one, region)
        set_replica(member, one, region, Status=CREATING, **overrides)
        set_replica(there, replica, member.region, Status=ACTIVE)
        if member is call:
            at = since
    current = tables.existing(call, table.name)
    table = schemas.save(call, current, SourceOf={**current.get("SourceOf", {}), region: call.now})
    call.alarms.set(fill_replica, f"{table.name}/{region}/{at}/", call.now)
    return table


def _align(members: list[tuple[Call, Resource]]) -> None:
    """What any replica writes from now on is later than what any has written: the new one knows no times of that."""
    mark = max(history.next_sequence(call, table["Number"]) for call, table in members)
    for call, table in members:
        history.pass_by(call, table["Number"], mark)


def _make(there: Call, table: Resource, asked: dict[str, Any]) -> Resource:
    settings = rules.overridden(backups.settings_of(table), asked)
    arn = there.arn(f"table/{table.name}")
    body = tables.new_body(there, settings, arn)
    body |= {"ReadyAt": NEVER, "Replicas": {}}
    if "TimeToLive" in table.body:
        body["TimeToLive"] = table["TimeToLive"]
    replica = there.resources("table").create(table.name, body, arn=arn)
    schemas.forget(there, replica)
    return replica


@dynamodb.alarm
def fill_replica(call: Call, key: str) -> None:
    """`key`: table/region/change/position. Copies the table as of that change, some items in each turn."""
    name, region, at, position = key.split("/")
    table = call.resources("table").find(name)
    there = call.as_(region=region)
    replica = there.resources("table").find(name)
    assert table is not None
    assert replica is not None, f"the replica of {name} in {region} went while it was being filled"
    compiled = schemas.compiled(replica)
    rows, following = copying.page(call, {"Owner": table["Number"], "At": int(at)}, position)
    for hash, sort, size, body in rows:
        replication.put(there, compiled, hash, sort, None, Image(None, size, body), "")
    if following:
        call.alarms.set(fill_replica, f"{name}/{region}/{at}/{following}", call.now)
    else:
        _activate(there, replica, table)


def _activate(there: Call, replica: Resource, source: Resource) -> None:
    """The replica holds what its source held; the others send it what they wrote since, and it sends to them."""
    replica = schemas.save(there, replica, ReadyAt=there.now)
    replica = streams.begin(there, replica, {"StreamEnabled": True, "StreamViewType": source["StreamView"]})
    for member, one in others(there, replica):
        replication.follow(there, replica, member.region)
        replication.begin(there, replica, member.region)
        set_replica(member, one, there.region, Status=ACTIVE)
        replication.begin(member, one, there.region)


def _delete(call: Call, table: Resource, region: str) -> Resource:
    """The other region's table goes, once it has sent what was written to it."""
    rules.check_member(table, region)
    there = call.as_(region=region)
    tables.delete_table(there, {"TableName": table.name})
    return tables.existing(call, table.name)


def leave(call: Call, table: Resource) -> None:
    """The table is being deleted: the others get what they lack of it, and know it no more."""
    if not table.get("Replicas"):
        return
    if is_changing(table):
        raise rules.in_use()
    rules.check_no_source(call, table)
    members = list(others(call, table))
    for member, one in members:
        replication.send_all(call, table, member.region)
        replication.send_all(member, one, call.region)
        replication.end(call, table, member.region)
        replication.end(member, one, call.region)
        _forget(member, one, call.region)
    replication.end_all(call, table)


def _forget(call: Call, table: Resource, region: str) -> None:
    current = tables.existing(call, table.name)
    left = {name: one for name, one in current["Replicas"].items() if name != region}
    sources = {name: at for name, at in current.get("SourceOf", {}).items() if name != region}
    schemas.save(call, current, Replicas=left or None, SourceOf=sources or None)
    if not left:
        replication.end_all(call, table)


def _override(call: Call, table: Resource, asked: dict[str, Any]) -> Resource:
    """The replica's own table, of this region as well, has what it overrides; all documents say so."""
    region = asked["RegionName"]
    rules.check_update(call, table, asked)
    there = call.as_(region=region)
    replica = tables.existing(there, table.name)
    settings = rules.overridden(replica.body, asked)
    kept = ("TableClass", "ProvisionedThroughput", "OnDemandThroughput")
    changed: dict[str, Any] = {name: settings[name] for name in kept if name in settings}
    if "GlobalSecondaryIndexes" in asked:
        changed["GlobalSecondaryIndexes"] = settings["GlobalSecondaryIndexes"]
    replica = schemas.save(there, replica, **changed)
    overrides = {name: asked[name] for name in OVERRIDES if name in asked}
    for member, one in others(there, replica):
        set_replica(member, one, region, **overrides)
    return tables.existing(call, table.name)


def share(call: Call, table: Resource, request: dict[str, Any]) -> None:
    """What UpdateTable changed here changes in all replicas; protection, streams and tags are each one's own."""
    from .. import table_updates

    shared = {member: request[member] for member in SHARED if member in request}
    for there, replica in others(call, table) if shared else ():
        asked = {**shared, **_units(shared, table["Replicas"][there.region])}
        units = asked.get("ProvisionedThroughput")
        if units is not None and units.items() <= replica.get("ProvisionedThroughput", {}).items():
            del asked["ProvisionedThroughput"]
        if asked:
            table_updates.change_table(there, {"TableName": table.name, **asked})


def _units(shared: dict[str, Any], replica: dict[str, Any]) -> dict[str, Any]:
    """The throughput that is shared, with the reads that a replica was given for itself."""
    if "ProvisionedThroughput" not in shared:
        return {}
    return {
        "ProvisionedThroughput": {**shared["ProvisionedThroughput"], **replica.get("ProvisionedThroughputOverride", {})}
    }


# What a table says


def described(table: Resource) -> dict[str, Any]:
    """Nothing of a table that has no replicas. A replica does not list itself."""
    if not table.get("Replicas"):
        return {}
    return {
        "GlobalTableVersion": VERSION,
        "Replicas": [_describe(table, region, one) for region, one in table["Replicas"].items()],
        "GlobalTableSettingsReplicationMode": "ENABLED_WITH_OVERRIDES",
    }


def _describe(table: Resource, region: str, replica: dict[str, Any]) -> dict[str, Any]:
    shown = {"RegionName": region, "ReplicaStatus": replica["Status"]}
    shown |= {name: replica[name] for name in OVERRIDES[:2] if name in replica}
    overridden = {one["IndexName"]: one for one in replica.get("GlobalSecondaryIndexes", [])}
    indexes = [{"IndexName": one["IndexName"]} for one in table.get("GlobalSecondaryIndexes", [])]
    if indexes:
        shown["GlobalSecondaryIndexes"] = [overridden.get(one["IndexName"], one) for one in indexes]
    return shown


def is_changing(table: Resource) -> bool:
    return any(one["Status"] != ACTIVE for one in table.get("Replicas", {}).values())


def expires_later(call: Call, table: Resource) -> float:
    """Seconds by which this replica lets items expire later than the first region's, which then has deleted them."""
    leads = call.region < min(table.get("Replicas", {}), default="~")
    return 0.0 if leads else 4 * quotas.REPLICATION_LAG.value
