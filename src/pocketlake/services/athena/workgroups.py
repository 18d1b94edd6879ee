"""Workgroups: who runs queries together, with which settings and limits."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import store
from .service import athena, errors, opened, page

PRIMARY = "primary"
PAGE = 50
ENGINE = "Athena engine version 3"
CUTOFF_MINIMUM = 10_000_000
DEFAULTS: dict[str, Any] = {
    "EnforceWorkGroupConfiguration": True,
    "EnableMinimumEncryptionConfiguration": False,
    "PublishCloudWatchMetricsEnabled": False,
    "RequesterPaysEnabled": False,
}


def find(call: Call, name: str) -> Resource:
    """The workgroup; `primary` is in every account from the start."""
    group = call.resources("workgroup").find(name)
    if group is not None:
        return group
    if name == PRIMARY:
        configuration = {**DEFAULTS, "EnforceWorkGroupConfiguration": False, "ResultConfiguration": {}}
        return _create(call, name, configuration, "", {})
    raise errors.InvalidRequestException("WorkGroup is not found.", AthenaErrorCode="INVALID_INPUT")


def enabled(call: Call, name: str) -> Resource:
    group = find(call, name)
    if group["State"] != "ENABLED":
        raise errors.InvalidRequestException(f"WorkGroup {name} is disabled.")
    return group


def _create(call: Call, name: str, configuration: dict[str, Any], description: str, tags: dict[str, str]) -> Resource:
    version = engine_version(configuration.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO"))
    body = {
        "State": "ENABLED",
        "Description": description,
        "Configuration": {**DEFAULTS, **configuration, "EngineVersion": version},
    }
    return call.resources("workgroup").create(name, body, arn=call.arn(f"workgroup/{name}"), tags=tags)


def engine_version(selected: str) -> dict[str, str]:
    """[ATH-529]"""
    if selected.startswith("PySpark"):
        raise NotImplemented501("Athena workgroups with the PySpark engine")
    if selected not in ("AUTO", ENGINE):
        raise errors.InvalidRequestException(f"Invalid engine version: {selected}")
    return {"SelectedEngineVersion": selected, "EffectiveEngineVersion": ENGINE}


def _check(configuration: dict[str, Any]) -> None:
    cutoff = configuration.get("BytesScannedCutoffPerQuery")
    if cutoff is not None and cutoff < CUTOFF_MINIMUM:
        raise errors.InvalidRequestException(
            f"BytesScannedCutoffPerQuery must be at least {CUTOFF_MINIMUM} bytes, but is {cutoff}."
        )
    for name in ("ResultConfiguration", "ResultConfigurationUpdates"):
        location = configuration.get(name, {}).get("OutputLocation")
        if location and not location.startswith("s3://"):
            raise errors.InvalidRequestException("OutputLocation is not a valid S3 path.")


def describe(group: Resource) -> dict[str, Any]:
    return {
        "Name": group.name,
        "State": group["State"],
        "Configuration": group["Configuration"],
        # A workgroup without one has no Description here, and an empty one in ListWorkGroups.
        **({"Description": group["Description"]} if group["Description"] else {}),
        "CreationTime": group.created,
    }


@athena.operation
def create_work_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a workgroup. Its settings override the caller's unless told otherwise.  [ATH-011, ATH-012]"""
    configuration = request.get("Configuration", {})
    _check(configuration)
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    if request["Name"] == PRIMARY:
        find(call, PRIMARY)
    try:
        _create(call, request["Name"], configuration, request.get("Description", ""), tags)
    except AlreadyExists:
        raise errors.InvalidRequestException("WorkGroup is already created", AthenaErrorCode="INVALID_INPUT") from None
    return {}


@athena.operation
def get_work_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"WorkGroup": describe(find(call, request["WorkGroup"]))}


@athena.operation
def list_work_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    find(call, PRIMARY)
    after = opened(call, request, "workgroups").get("after", "")
    found, token = page(
        call, request, "workgroups", call.resources("workgroup").list(after=after, limit=PAGE + 1), PAGE
    )
    summaries = [
        {
            "Name": group.name,
            "State": group["State"],
            "Description": group["Description"],
            "CreationTime": group.created,
            "EngineVersion": group["Configuration"]["EngineVersion"],
        }
        for group in found
    ]
    return {"WorkGroups": summaries, **token}


@athena.operation
def update_work_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Change a workgroup's settings; what is not named stays as it is."""
    group = find(call, request["WorkGroup"])
    updates = request.get("ConfigurationUpdates", {})
    _check(updates)
    configuration = dict(group["Configuration"])
    result = dict(configuration.get("ResultConfiguration", {}))
    for name, value in updates.get("ResultConfigurationUpdates", {}).items():
        if name.startswith("Remove"):
            if value:
                result.pop(name.removeprefix("Remove"), None)
        else:
            result[name] = value
    configuration["ResultConfiguration"] = result
    if updates.get("RemoveBytesScannedCutoffPerQuery"):
        configuration.pop("BytesScannedCutoffPerQuery", None)
    for name, value in updates.items():
        if name == "EngineVersion":
            configuration[name] = engine_version(value.get("SelectedEngineVersion", "AUTO"))
        elif name != "ResultConfigurationUpdates" and not name.startswith("Remove"):
            configuration[name] = value
    changes = {"Configuration": configuration}
    for name in ("Description", "State"):
        if name in request:
            changes[name] = request[name]
    call.resources("workgroup").update(group, **changes)
    return {}


@athena.operation
def delete_work_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    name = request["WorkGroup"]
    if name == PRIMARY:
        raise errors.InvalidRequestException("The primary WorkGroup cannot be deleted.")
    group = find(call, name)
    kept = [*call.resources("namedquery").list(), *call.resources("prepared").list(parent=name)]
    kept = [item for item in kept if item.parent == name or item.get("WorkGroup") == name]
    if not request.get("RecursiveDeleteOption") and (kept or store.newest(call, name, None, 1)):
        raise errors.InvalidRequestException(f"WorkGroup {name} is not empty")
    for item in kept:
        call.resources("prepared" if item.parent == name else "namedquery").delete(item)
    store.delete_workgroup(call, name)
    call.resources("workgroup").delete(group)
    return {}


@athena.operation
def list_engine_versions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "EngineVersions": [
            {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE},
            {"SelectedEngineVersion": ENGINE, "EffectiveEngineVersion": ENGINE},
        ]
    }
