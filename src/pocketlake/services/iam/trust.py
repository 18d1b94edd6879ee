"""Trust policies: who may assume a role."""

from __future__ import annotations

import re
from typing import Any

from .documents import SYNTAX, check_action, check_ids, check_legacy, listed, malformed, parse, statements_of

# IAM User Guide, "Actions, resources, and condition keys for AWS STS".
ACTIONS = frozenset(
    (
        "sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:tagsession",
        "sts:setsourceidentity", "sts:setcontext", "sts:assumeroot", "sts:*", "sts:assumerole*", "*",
    )
)  # fmt: skip

# What "AWS" may name: an account, everyone, an ARN of IAM or STS, or an entity's unique ID.
AWS_PRINCIPAL = re.compile(
    r"\*|\d{12}|(?:AROA|AIDA)[A-Z0-9]{12,}"
    r"|arn:aws[a-z-]*:iam::\d{12}:(?:root|user/[!-~]+|role/[!-~]+)"
    r"|arn:aws[a-z-]*:sts::\d{12}:(?:assumed-role/[^/\s]+/[^/\s]+|federated-user/[^\s]+|self)"
)
SERVICE_PRINCIPAL = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal)")
SPELLINGS = {"AWS": "AWS", "Service": "SERVICE", "Federated": "FEDERATED"}


def trust_policy(document: str) -> None:
    """Check a role's trust policy: it names principals and STS actions, never resources.

    Principals are held to their form. AWS also refuses users and roles that do not exist; here their accounts may be
    ones that nobody has used yet. Raises MalformedPolicyDocument.
    """
    statements = list(statements_of(parse(document)))
    for statement in statements:
        check_legacy(statement)
        for prohibited in ("Resource", "NotResource"):
            if prohibited in statement:
                raise malformed(f"Has prohibited field {prohibited}.")
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise malformed("Missing required field Principal")
        if not any(listed(statement, "Action", "NotAction")):
            raise malformed("Missing required field Action")
        for action in listed(statement, "Action", "NotAction"):
            check_action(action)
            if action.lower() not in ACTIONS:
                raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")
        _check_principals(statement.get("Principal", statement.get("NotPrincipal")))
    check_ids(statements)


def _check_principals(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal:
        raise malformed("AssumeRolepolicy contained an invalid principal: " + repr(principal).replace("'", '"') + ".")
    for kind, names in principal.items():
        if kind not in SPELLINGS:
            raise malformed(f'Invalid principal in policy: "{kind}":"{_first(names)}"')
        for name in [names] if isinstance(names, str) else names if isinstance(names, list) else [None]:
            if not isinstance(name, str):
                raise malformed(SYNTAX)
            if not _is_principal(kind, name):
                raise malformed(f'Invalid principal in policy: "{SPELLINGS[kind]}":"{name}"')


def _is_principal(kind: str, name: str) -> bool:
    if kind == "AWS":
        return AWS_PRINCIPAL.fullmatch(name) is not None
    if kind == "Service":
        return SERVICE_PRINCIPAL.fullmatch(name) is not None
    return bool(name)


def _first(names: Any) -> Any:
    return names[0] if isinstance(names, list) and names else names
