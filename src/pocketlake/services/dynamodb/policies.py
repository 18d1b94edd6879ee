"""Resource policies of tables and streams: stored with their revision, not yet enforced."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call

from . import quotas
from .schemas import missing
from .service import errors, operation, refuse

NONE = "NO_POLICY"
MISSING = "Resource-based policy not found for the provided ResourceArn: "


def store_policy(call: Call, arn: str, text: str) -> str:
    """Its revision. ValidationException for what is no JSON, or too long."""
    if len(text.encode()) > quotas.POLICY_BYTES.value:
        raise refuse("Resource-based policy size has exceeded the maximum allowed size")
    try:
        document = orjson.loads(text)
    except ValueError:
        raise refuse("Resource-based policy document is not valid JSON") from None
    if not isinstance(document, dict):
        raise refuse("Resource-based policy document is not valid")
    policies = call.resources("policy")
    found = policies.find(arn)
    revision = str(max(int(call.now * 1000), int(found["RevisionId"]) + 1 if found else 0))  # they rise
    if found is None:
        policies.create(arn, {"Policy": text, "RevisionId": revision})
    elif orjson.loads(found["Policy"]) == document:
        return str(found["RevisionId"])
    else:
        policies.update(found, Policy=text, RevisionId=revision)
    return revision


def drop(call: Call, arn: str) -> None:
    if (found := call.resources("policy").find(arn)) is not None:
        call.resources("policy").delete(found)


def _check_resource(call: Call, arn: str) -> None:
    table, _, label = arn.partition("/stream/")
    if label and call.resources("stream").by_arn(arn) is None:
        name = table.rpartition("/")[2]
        raise errors.ResourceNotFoundException(
            f"Requested resource not found: Stream: {label} not found for Table: {name}"
        )
    if not label and call.resources("table").by_arn(arn) is None:
        raise missing(arn.rpartition("/")[2])


def _check_revision(call: Call, arn: str, expected: str | None) -> None:
    """Wording: moto's tests that ran against AWS."""
    found = call.resources("policy").find(arn)
    current = found["RevisionId"] if found else NONE
    if expected in (None, current):
        return
    table = arn.rpartition("/")[2]
    message = f"Requested update for policy with revision id {expected}, but no policy is associated to {table}."
    if found and expected == NONE:
        message = (
            f"Requested policy update expecting none to be present for table {table}, "
            f"but a policy exists with revision id {current}."
        )
    elif found:
        message = (
            f"Requested update for policy with revision id {expected}, "
            f"but the policy associated to target table {table} has revision id {current}."
        )
    raise errors.PolicyNotFoundException(f"{MISSING}{message}")


@operation
def put_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ResourceArn"]
    _check_resource(call, arn)
    _check_revision(call, arn, request.get("ExpectedRevisionId"))
    return {"RevisionId": store_policy(call, arn, request["Policy"])}


@operation
def get_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ResourceArn"]
    _check_resource(call, arn)
    found = call.resources("policy").find(arn)
    if found is None:
        raise errors.PolicyNotFoundException(f"{MISSING}{arn}")
    return {"Policy": found["Policy"], "RevisionId": found["RevisionId"]}


@operation
def delete_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Deleting what is not there succeeds, without a revision."""
    arn = request["ResourceArn"]
    _check_resource(call, arn)
    _check_revision(call, arn, request.get("ExpectedRevisionId"))
    found = call.resources("policy").find(arn)
    if found is None:
        return {}
    call.resources("policy").delete(found)
    return {"RevisionId": found["RevisionId"]}
