"""Resource policies of streams and consumers: checked and stored. The one authorisation step will enforce them."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call

from . import addresses, quotas
from .service import errors, kinesis

VERSIONS = ("2012-10-17", "2008-10-17")


@kinesis.operation
def put_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Replaces the policy there was."""
    kind, resource = addresses.find_tagged(call, request["ResourceARN"])
    _check(request["Policy"], resource.arn)
    kind.update(resource, Policy=request["Policy"])
    return {}


@kinesis.operation
def get_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The policy as it was put; `{}` when there is none."""
    _, resource = addresses.find_tagged(call, request["ResourceARN"])
    return {"Policy": resource.get("Policy", "{}")}


@kinesis.operation
def delete_resource_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    kind, resource = addresses.find_tagged(call, request["ResourceARN"])
    if "Policy" not in resource.body:
        raise errors.ResourceNotFoundException(f"No resource policy found for resource ARN {resource.arn}.")
    kind.update(resource, Policy=None)
    return {}


def _check(text: str, arn: str) -> None:
    """The form of a resource policy: each statement names principal, effect, kinesis actions and this resource."""
    if len(text.encode()) > quotas.POLICY_BYTES.value:
        raise errors.LimitExceededException(f"The policy is larger than {int(quotas.POLICY_BYTES.value)} bytes.")
    try:
        policy = orjson.loads(text)
    except ValueError:
        raise errors.InvalidArgumentException("The policy is not valid JSON.") from None
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not statements or not isinstance(statements, list) or policy.get("Version", VERSIONS[1]) not in VERSIONS:
        raise errors.InvalidArgumentException("The policy needs a Version of 2012-10-17 and a Statement.")
    for statement in statements:
        _check_statement(statement, arn)


def _check_statement(statement: Any, arn: str) -> None:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise errors.InvalidArgumentException("Each statement of the policy needs the Effect Allow or Deny.")
    for one_of in (("Principal", "NotPrincipal"), ("Action", "NotAction")):
        if not any(member in statement for member in one_of):
            raise errors.InvalidArgumentException(f"A statement of the policy is without {one_of[0]}.")
    for action in _listed(statement.get("Action", [])):
        if action != "*" and not str(action).lower().startswith("kinesis:"):
            raise errors.InvalidArgumentException(f"The policy's action {action} is not one of Kinesis.")
    resources = _listed(statement.get("Resource", []))
    if not resources or any(str(resource) not in ("*", arn) and "*" not in str(resource) for resource in resources):
        raise errors.InvalidArgumentException(f"The policy's Resource must be {arn}.")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
