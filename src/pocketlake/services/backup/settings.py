"""Settings of a region and of the account."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501

from . import contents
from .service import backup, refuse

REGION, GLOBAL = "region-settings", "global-settings"
EVERYWHERE = "us-east-1"  # where the account's settings lie
GLOBAL_NAMES = ("isCrossAccountBackupEnabled", "isMpaEnabled", "isDelegatedAdministratorEnabled")


def opted_in(call: Call) -> dict[str, bool]:
    """The types that selections by tag and wildcard take in."""
    found = call.resources(REGION).find("")
    known: dict[str, bool] = dict.fromkeys(contents.supported(), True)
    return known if found is None else {**known, **found["OptIn"]}


@backup.operation
def describe_region_settings(call: Call, _: dict[str, Any]) -> dict[str, Any]:
    """AWS Backup manages all that it backs up here: DynamoDB with its advanced features."""
    managed = dict.fromkeys(contents.supported(), True)
    return {"ResourceTypeOptInPreference": opted_in(call), "ResourceTypeManagementPreference": managed}


@backup.operation
def update_region_settings(call: Call, request: dict[str, Any]) -> None:
    asked = request.get("ResourceTypeOptInPreference", {})
    managed = request.get("ResourceTypeManagementPreference", {})
    for name in (*asked, *managed):
        if name not in contents.TYPES:
            raise NotImplemented501(f"backup of {name}")
    if not all(managed.values()):
        raise NotImplemented501("backup without the advanced features of DynamoDB backup")
    found = call.resources(REGION).find("")
    if found is None:
        call.resources(REGION).create("", {"OptIn": asked})
    else:
        call.resources(REGION).update(found, OptIn={**found["OptIn"], **asked})


@backup.operation
def describe_global_settings(call: Call, _: dict[str, Any]) -> dict[str, Any]:
    found = call.as_(region=EVERYWHERE).resources(GLOBAL).find("")
    if found is None:
        return {"GlobalSettings": dict.fromkeys(GLOBAL_NAMES, "false")}
    return {
        "GlobalSettings": {**dict.fromkeys(GLOBAL_NAMES, "false"), **found["Settings"]},
        "LastUpdateTime": found["UpdatedAt"],
    }


@backup.operation
def update_global_settings(call: Call, request: dict[str, Any]) -> None:
    asked = request.get("GlobalSettings", {})
    for name, value in asked.items():
        if name not in GLOBAL_NAMES or value not in ("true", "false"):
            raise refuse(f"Invalid global setting {name}: {value}")
    kept = call.as_(region=EVERYWHERE).resources(GLOBAL)
    found = kept.find("")
    if found is None:
        kept.create("", {"Settings": asked, "UpdatedAt": call.now})
    else:
        kept.update(found, Settings={**found["Settings"], **asked}, UpdatedAt=call.now)


@backup.operation
def get_supported_resource_types(call: Call, _: dict[str, Any]) -> dict[str, Any]:
    return {"ResourceTypes": contents.supported()}
