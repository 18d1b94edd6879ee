"""Bucket policies as documents: their form, whom they admit, and whether they are public. Pure rules."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.services.s3 import quotas
from pocketlake.services.s3.service import errors


def check(text: str, bucket: str) -> dict[str, Any]:
    """The policy, parsed, if S3 would store it for this bucket."""
    if len(text.encode()) > quotas.BUCKET_POLICY.value:
        raise errors.PolicyTooLarge("Policy document exceeds the maximum allowed size")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise errors.MalformedPolicy("Policies must be valid JSON and the first byte must be '{'") from None
    if not isinstance(document, dict):
        raise errors.MalformedPolicy("Policies must be valid JSON and the first byte must be '{'")
    if document.get("Version", "2008-10-17") not in ("2008-10-17", "2012-10-17"):
        raise errors.MalformedPolicy("The policy must contain a valid version string")
    if not statements(document):
        raise errors.MalformedPolicy("Missing required field Statement")
    for statement in statements(document):
        _check_statement(statement, bucket)
    return document


def statements(document: dict[str, Any]) -> list[Any]:
    found = document.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _check_statement(statement: Any, bucket: str) -> None:
    if not isinstance(statement, dict):
        raise errors.MalformedPolicy("Policy has invalid statement")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise errors.MalformedPolicy("Missing required field Effect" if "Effect" not in statement else "Invalid effect")
    for field in ("Principal", "Action", "Resource"):
        if field not in statement and f"Not{field}" not in statement:
            raise errors.MalformedPolicy(f"Missing required field {field}")
    for action in listed(statement.get("Action", statement.get("NotAction"))):
        if not isinstance(action, str) or not (action == "*" or action.lower().startswith("s3")):
            raise errors.MalformedPolicy("Policy has invalid action")
    arn = f"arn:aws:s3:::{bucket}"
    for resource in listed(statement.get("Resource", statement.get("NotResource"))):
        inside = isinstance(resource, str) and (resource in (arn, "*", arn + "*") or resource.startswith(arn + "/"))
        if not inside:
            raise errors.MalformedPolicy("Policy has invalid resource")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_public(document: dict[str, Any]) -> bool:
    """Whether it allows something to everyone. A condition is taken for one that narrows who.

    Source: S3 User Guide, "The meaning of public".
    """
    return any(
        statement["Effect"] == "Allow" and "*" in principals(statement) and not statement.get("Condition")
        for statement in statements(document)
    )


def principals(statement: dict[str, Any]) -> set[str]:
    """The AWS principals it names: accounts, ARNs, or "*"."""
    named = statement.get("Principal")
    if isinstance(named, dict):
        named = named.get("AWS", [])
    return {name for name in listed(named) if isinstance(name, str)}


def admits(text: str | None, account: str) -> bool:
    """Whether an Allow names this account, someone of it, or everyone."""
    if text is None:
        return False
    return any(
        statement["Effect"] == "Allow" and any(name == "*" or account in name for name in principals(statement))
        for statement in statements(orjson.loads(text))
    )
