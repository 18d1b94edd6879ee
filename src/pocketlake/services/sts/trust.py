"""Whom a role's trust policy admits. Pure rules over a document that IAM has checked."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import orjson

from pocketlake.kernel.access import Principal
from pocketlake.kernel.arn import PARTITION


def admits(document: str, action: str, caller: Principal) -> bool:
    """Whether some statement allows the caller this action, and none denies it.

    Naming an account leaves the choice to that account's own policies, which let everyone until they are enforced.
    Conditions are not judged yet: an Allow holds as if they were met, a Deny as if they were not.
    Source: IAM User Guide, "AWS JSON policy elements: Principal".
    """
    statements = orjson.loads(document)["Statement"]
    held = [
        statement
        for statement in ([statements] if isinstance(statements, dict) else statements)
        if _covers(statement, action) and _names(statement, caller)
    ]
    denied = any(one["Effect"] == "Deny" and not one.get("Condition") for one in held)
    return not denied and any(one["Effect"] == "Allow" for one in held)


def _covers(statement: dict[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not any(_matches(action, pattern) for pattern in _listed(statement["NotAction"]))
    return any(_matches(action, pattern) for pattern in _listed(statement.get("Action")))


def _matches(action: str, pattern: str) -> bool:
    return fnmatchcase(action.lower(), pattern.lower())


def _names(statement: dict[str, Any], caller: Principal) -> bool:
    if "NotPrincipal" in statement:
        return not _is_among(statement["NotPrincipal"], caller)
    return _is_among(statement.get("Principal"), caller)


def _is_among(named: Any, caller: Principal) -> bool:
    if named == "*":
        return True
    if not isinstance(named, dict):
        return False
    if caller.kind == "service":
        return caller.arn in _listed(named.get("Service"))
    return any(_is(caller, name) for name in _listed(named.get("AWS")))


def _is(caller: Principal, name: str) -> bool:
    """Whether this name stands for the caller: everyone, an account, or a user, role or session of it."""
    if name in ("*", caller.account, f"arn:{PARTITION}:iam::{caller.account}:root", caller.arn):
        return True
    if caller.kind != "assumed-role":
        return name == caller.user_id
    if name == caller.user_id.partition(":")[0]:
        return True
    # A session's ARN lacks the path of its role; names of roles are unique without it.
    stem = f"arn:{PARTITION}:iam::{caller.account}:role/"
    return name.startswith(stem) and name.rpartition("/")[2] == caller.arn.split("/")[1]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [one for one in value or () if isinstance(one, str)]
