"""Parameter groups: how long items and results of queries stay in a cluster's caches."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import events, identifiers, quotas
from .service import dax, errors, invalid

DEFAULT = "default.dax1.0"
KIND = "parameter-group"
TTL = str(int(quotas.TTL_MILLIS.value))
# Source: AWS CLI's examples, dax describe-parameters.
DESCRIPTIONS = {
    "query-ttl-millis": "Duration in milliseconds for queries to remain cached",
    "record-ttl-millis": "Duration in milliseconds for records to remain valid in cache (Default: 0 = infinite)",
}
LONGEST = 2**63 - 1


def millis(call: Call, group: str, parameter: str) -> int:
    """A parameter's value now: changes count at once, for what is in the cache too (ChangeType IMMEDIATE)."""
    found = None if group == DEFAULT else call.resources(KIND).find(group)
    return int(found["Parameters"].get(parameter, TTL)) if found else int(TTL)


def find(call: Call, given: str) -> Resource:
    """ParameterGroupNotFoundFault."""
    name = given.lower()
    if name == DEFAULT:
        return Resource(
            "", DEFAULT, "", {"Description": "Default parameter group for DAX 1.0", "Parameters": {}}, {}, 0
        )
    found = call.resources(KIND).find(name)
    if found is None:
        raise errors.ParameterGroupNotFoundFault(f"Parameter group {given} not found.")
    return found


def _shown(group: Resource) -> dict[str, Any]:
    return {"ParameterGroupName": group.name, "Description": group["Description"]}


@dax.operation
def create_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    name = identifiers.group_name(request["ParameterGroupName"], "Parameter group")
    if call.limits_on and call.resources(KIND).count() >= quotas.PARAMETER_GROUPS.value:
        raise errors.ParameterGroupQuotaExceededFault(
            "You have attempted to exceed the maximum number of parameter groups."
        )
    try:
        group = call.resources(KIND).create(name, {"Description": request.get("Description", ""), "Parameters": {}})
    except AlreadyExists:
        raise errors.ParameterGroupAlreadyExistsFault(f"Parameter group {name} already exists.") from None
    events.record(call, name, "PARAMETER_GROUP", f"Created parameter group {name}.")
    return {"ParameterGroup": _shown(group)}


@dax.operation
def update_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = find(call, request["ParameterGroupName"])
    if group.name == DEFAULT:
        raise errors.InvalidParameterGroupStateFault(f"The default parameter group {DEFAULT} cannot be modified.")
    given = request["ParameterNameValues"]
    if len(given) > quotas.PARAMETERS.value:
        raise invalid(f"No more than {int(quotas.PARAMETERS.value)} parameters can be modified at once.")
    changed = {}
    for one in given:
        name, value = one.get("ParameterName", ""), one.get("ParameterValue", "")
        if name not in DESCRIPTIONS:
            raise invalid(f"Parameter {name} is not a valid parameter name.")
        if not value.isascii() or not value.isdigit() or int(value) > LONGEST:
            raise invalid(f"Value {value} is not valid for parameter {name}. Allowed values: 0-")
        changed[name] = str(int(value))
    group = call.resources(KIND).update(group, Parameters={**group["Parameters"], **changed})
    events.record(call, group.name, "PARAMETER_GROUP", f"Updated parameter group {group.name}.")
    return {"ParameterGroup": _shown(group)}


@dax.operation
def delete_parameter_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = find(call, request["ParameterGroupName"])
    used = any(cluster["ParameterGroupName"] == group.name for cluster in call.resources("cluster").list())
    if group.name == DEFAULT or used:
        why = "is a default group" if group.name == DEFAULT else "is associated with one or more clusters"
        raise errors.InvalidParameterGroupStateFault(f"Parameter group {group.name} {why} and cannot be deleted.")
    call.resources(KIND).delete(group)
    events.record(call, group.name, "PARAMETER_GROUP", f"Deleted parameter group {group.name}.")
    return {"DeletionMessage": f"Parameter group {group.name} has been deleted."}


@dax.operation
def describe_parameter_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    names = request.get("ParameterGroupNames")
    if names:
        found = [find(call, name) for name in names]
    else:
        found = [find(call, DEFAULT), *call.resources(KIND).list()]
    shown, token = identifiers.page(call, request, KIND, found)
    return identifiers.paged("ParameterGroups", list(map(_shown, shown)), token)


@dax.operation
def describe_parameters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[DAX-506]"""
    group = find(call, request["ParameterGroupName"])
    return _parameters(call, request, group["Parameters"], request.get("Source"))


@dax.operation
def describe_default_parameters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _parameters(call, request, {}, None)


def _parameters(call: Call, request: dict[str, Any], given: dict[str, str], source: str | None) -> dict[str, Any]:
    found = [
        {
            "ParameterName": name,
            "ParameterType": "DEFAULT",
            "ParameterValue": given.get(name, TTL),
            "NodeTypeSpecificValues": [],
            "Description": description,
            "Source": "user",
            "DataType": "integer",
            "AllowedValues": "0-",
            "IsModifiable": "TRUE",
            "ChangeType": "IMMEDIATE",
        }
        for name, description in DESCRIPTIONS.items()
        if source in (None, "user")
    ]
    shown, token = identifiers.page(call, request, "parameters", found)
    return identifiers.paged("Parameters", shown, token)
