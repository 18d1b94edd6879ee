"""Names, ARNs and pages: what requests of the control plane share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from pocketlake.kernel.arn import parse
from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken

from . import quotas
from .service import errors, invalid

NAME = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
NODE_TYPES = re.compile(
    r"dax\.(?:t2\.(?:small|medium)|t3\.(?:small|medium)|r3\.(?:2x|4x|8x|x)?large|r4\.(?:2x|4x|8x|16x|x)?large"
    r"|r5\.(?:2x|4x|8x|12x|16x|24x|x)?large|r7i\.(?:2x|4x|8x|12x|16x|24x|x)?large)"
)
WINDOW = re.compile(r"(?:(?:sun|mon|tue|wed|thu|fri|sat):(?:[01]\d|2[0-3]):[0-5]\d-?){2}")
BAD_NAME = (
    "Cluster ID specified is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII "
    "letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
)
BAD_GROUP = BAD_NAME.replace("Cluster ID", "{} name")
COLONS = (
    "Second colon partition not found",
    "Third colon vendor not found",
    "Fourth colon (region/namespace delimiter) not found",
    "Fifth colon (namespace/relative-id delimiter) not found",
)

Result = TypeVar("Result")


def cluster_name(given: str) -> str:
    """As it is stored: in lower case."""
    if not NAME.fullmatch(given):
        raise invalid(BAD_NAME)
    if len(given) > quotas.NAME.value:
        raise invalid(f"Cluster ID must be no longer than {int(quotas.NAME.value)} characters.")
    return given.lower()


def group_name(given: str, what: str) -> str:
    """Of a parameter or subnet group; default.dax1.0 is one that nobody else can have."""
    if not NAME.fullmatch(given) or len(given) > quotas.GROUP_NAME.value:
        raise invalid(BAD_GROUP.format(what))
    return given.lower()


def role_arn(given: str) -> str:
    """Wording: moto's tests (test_dax.py), as the AWS SDK for Java reads ARNs."""
    if not given.startswith("arn:"):
        raise invalid(f"ARNs must start with 'arn:': {given}")
    for colons, message in enumerate(COLONS, 2):
        if given.count(":") < colons:
            raise invalid(f"{message}: {given}")
    if not parse(given).resource.startswith("role/"):
        raise invalid(f"The specified IAM role ARN is not valid: {given}")
    return given


def node_type(given: str) -> str:
    if not NODE_TYPES.fullmatch(given):
        raise invalid(f"Invalid node type: {given}")
    return given


def window(given: str) -> str:
    if not WINDOW.fullmatch(given.lower()) or given.count("-") != 1:
        raise invalid(f"Invalid preferred maintenance window: {given}. It is given as ddd:hh24:mi-ddd:hh24:mi.")
    return given.lower()


def of_arn(call: Call, given: str) -> str:
    """A cluster's name, from it or from its ARN."""
    if not given.startswith("arn:"):
        return given.lower()
    prefix = call.arn("cache/")
    if not given.startswith(prefix):
        raise errors.InvalidARNFault("The Amazon Resource Name (ARN) supplied in the request is not valid.")
    return given.removeprefix(prefix)


def page(call: Call, request: dict[str, Any], what: str, found: Sequence[Result]) -> tuple[list[Result], str | None]:
    """What of `found` is to be shown now, and a token for what is left."""
    size = request.get("MaxResults")
    if size is None:
        size = int(quotas.PAGE.value)
    elif not quotas.SMALL_PAGE.value <= size <= quotas.PAGE.value:
        raise invalid("The value for MaxResults must be between 20 and 100.")
    start = 0
    if request.get("NextToken"):
        try:
            kind, start = call.pages.open(request["NextToken"])
        except (InvalidToken, ValueError, TypeError):
            kind = ""
        if kind != what:
            raise invalid("The NextToken is not valid.")
    end = start + size
    return list(found[start:end]), call.pages.seal([what, end]) if end < len(found) else None


def paged(name: str, found: list[dict[str, Any]], token: str | None) -> dict[str, Any]:
    return {name: found, "NextToken": token} if token else {name: found}
