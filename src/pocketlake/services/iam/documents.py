"""Is this a policy? The grammar of policy documents, and AWS's words where one breaks it.

IAM names the first flaw it finds, and looks for them in the order of these functions: syntax, version, what only older
code still reads, resources, statement IDs, actions, and last what a statement must have.
Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from .service import errors

CURRENT, FIRST = "2012-10-17", "2008-10-17"
SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"

STATEMENT_MEMBERS = frozenset(
    ("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
)
EXCLUSIVE = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
LISTS = ("Action", "NotAction", "Resource", "NotResource")
SCALARS = (str, int, float, bool)

DATES = (
    "dateequals",
    "datenotequals",
    "datelessthan",
    "datelessthanequals",
    "dategreaterthan",
    "dategreaterthanequals",
)
OPERATOR = re.compile(
    r"(?:(?:forallvalues|foranyvalue):)?(?:(?P<base>"
    r"string(?:not)?equals(?:ignorecase)?|string(?:not)?like|numeric(?:not)?equals|numeric(?:less|greater)than(?:equals)?"
    r"|date(?:not)?equals|date(?:less|greater)than(?:equals)?|bool|binaryequals|(?:not)?ipaddress|arn(?:not)?(?:equals|like))"
    r"(?:ifexists)?|null)\Z",
    re.IGNORECASE,
)
VENDOR = re.compile(r"[a-zA-Z0-9.-]+\Z")
PARTITIONS = frozenset(
    ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "*")
)
IAM_PATHS = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
    "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
)  # fmt: skip
LATEST_EPOCH = 2**63
DATE = re.compile(
    r"(\d{1,9})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[Tt](?:(\d{1,2})(?::(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?)?)?"
    r"(?:[Zz]|[+-]\d\d(?::?\d\d)?)?\Z"
)

Statement = dict[str, Any]


def identity_policy(document: str) -> None:
    """Check a policy for users, groups and roles: it says what may be done with what, and names no principal.

    Raises MalformedPolicyDocument.
    """
    policy = parse(document)
    statements = list(statements_of(policy))
    if any("Principal" in statement or "NotPrincipal" in statement for statement in statements):
        raise malformed("Policy document should not specify a principal.")
    if policy.get("Version") != CURRENT:
        raise malformed("Policy document must be version 2012-10-17 or greater.")
    for statement in statements:
        check_legacy(statement)
    for statement in statements:
        for resource in listed(statement, "Resource", "NotResource"):
            _check_resource(resource)
    check_ids(statements)
    for statement in statements:
        for action in listed(statement, "Action", "NotAction"):
            check_action(action)
    _check_complete(statements)
    for statement in statements:
        for resource in listed(statement, "Resource", "NotResource"):
            _check_scope(resource)


def malformed(message: str) -> Exception:
    error: Exception = errors.MalformedPolicyDocumentException(message)
    return error


def parse(document: str) -> dict[str, Any]:
    """The document, if its form is right."""
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise malformed(SYNTAX) from None
    if not isinstance(policy, dict) or not policy.keys() <= {"Version", "Id", "Statement"}:
        raise malformed(SYNTAX)
    if policy.get("Version", FIRST) not in (CURRENT, FIRST) or not isinstance(policy.get("Id", ""), str):
        raise malformed(SYNTAX)
    statements = policy.get("Statement")
    if not statements or not isinstance(statements, list | dict):
        raise malformed(SYNTAX)
    for statement in statements_of(policy):
        _check_form(statement)
    return policy


def statements_of(policy: dict[str, Any]) -> Iterator[Statement]:
    """One statement needs no list."""
    statements = policy["Statement"]
    yield from [statements] if isinstance(statements, dict) else statements


def listed(statement: Statement, *names: str) -> Iterator[str]:
    """The values of these members; one value needs no list."""
    for name in names:
        value = statement.get(name, [])
        yield from [value] if isinstance(value, str) else [item for item in value if item is not None]


def _check_form(statement: Any) -> None:
    if not isinstance(statement, dict) or not statement.keys() <= STATEMENT_MEMBERS:
        raise malformed(SYNTAX)
    effect = statement.get("Effect")
    if not isinstance(effect, str) or effect.lower() not in ("allow", "deny"):
        raise malformed(SYNTAX)
    if not isinstance(statement.get("Sid", ""), str):
        raise malformed(SYNTAX)
    if any(one in statement and other in statement for one, other in EXCLUSIVE):
        raise malformed(SYNTAX)
    for name in LISTS:
        value = statement.get(name, [])
        if not isinstance(value, str) and not _strings(value):
            raise malformed(SYNTAX)
    _check_condition(statement.get("Condition", {}))


def _strings(value: Any) -> bool:
    """A list of strings; nulls between them are passed over, as IAM does."""
    return isinstance(value, list) and all(item is None or isinstance(item, str) for item in value)


def _check_condition(condition: Any) -> None:
    if not isinstance(condition, dict):
        raise malformed(SYNTAX)
    for operator, tests in condition.items():
        if not isinstance(tests, dict) or (tests and not OPERATOR.match(operator)):
            raise malformed(SYNTAX)
        for values in tests.values():
            for value in values if isinstance(values, list) else [values]:
                if not isinstance(value, SCALARS):
                    raise malformed(SYNTAX)


def check_legacy(statement: Statement) -> None:
    """Effects are spelt exactly, dates are dates."""
    if statement["Effect"] not in ("Allow", "Deny"):
        raise malformed(LEGACY)
    for operator, tests in statement.get("Condition", {}).items():
        found = OPERATOR.match(operator)
        if found is None or (found["base"] or "").lower() not in DATES:
            continue
        for values in tests.values():
            for value in values if isinstance(values, list) else [values]:
                if not _is_date(str(value)):
                    raise malformed(LEGACY)


def _is_date(text: str) -> bool:
    """ISO 8601 as W3C has it, read generously as IAM does, or seconds since 1970."""
    if re.fullmatch(r"-?\d+", text):
        return abs(int(text)) < LATEST_EPOCH
    found = DATE.match(text)
    if found is None:
        return False
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups())
    try:
        datetime(min(max(year or 1, 1), 9999), month or 1, day or 1, hour or 0, minute or 0, second or 0)
    except ValueError:
        return False
    return True


def _check_resource(resource: str) -> None:
    if resource == "*":
        return
    if ":" not in resource:
        raise malformed(f'Resource {resource} must be in ARN format or "*".')
    parts = resource.split(":", 6)
    if parts[1] not in PARTITIONS or parts[0] not in ("arn", "*"):
        rest = resource.split(":")[1:]
        full = ":".join(["arn", *rest, *["*"] * (5 - len(rest))])
        raise malformed(f'Partition "{parts[1]}" is not valid for resource "{full}".')
    if len(parts) < 3 or "*" in parts[2] or "?" in parts[2]:
        raise malformed("Resource vendor must be fully qualified and cannot contain regexes.")
    if not parts[2] or 3 < len(parts) < 6:  # of three parts the rest counts as wildcards
        raise malformed(LEGACY)


def _check_scope(resource: str) -> None:
    """IAM and S3 have no regions; IAM's resources are of known kinds."""
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return
    vendor, region, name = parts[2], parts[3], parts[5]
    if vendor == "iam":
        if region:
            raise malformed(f"IAM resource {resource} cannot contain region information.")
        if name and not name.startswith((*IAM_PATHS, "*")) and name != "root":
            paths = ", ".join(IAM_PATHS)
            raise malformed(f'IAM resource path must either be "*" or start with {paths}.')
    if vendor == "s3" and region and not name.startswith(("accesspoint", "job/", "storage-lens", "*")):
        raise malformed(f"Resource {resource} can not contain region information.")


def check_ids(statements: list[Statement]) -> None:
    ids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(ids) != len(set(ids)):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")


def check_action(action: str) -> None:
    if action == "*":
        return
    vendor, colon, name = action.partition(":")
    if not colon:
        raise malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if ":" in name:
        raise malformed("Actions/Condition can contain only one colon.")
    if not VENDOR.match(vendor):
        raise malformed(f"Vendor {vendor} is not valid")


def _check_complete(statements: list[Statement]) -> None:
    for statement in statements:
        if not any(listed(statement, "Action", "NotAction")):
            raise malformed("Policy statement must contain actions.")
    for statement in statements:
        if not any(True for _ in listed(statement, "Resource", "NotResource")):
            raise malformed("Policy statement must contain resources.")
