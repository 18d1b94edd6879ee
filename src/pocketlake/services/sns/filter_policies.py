"""Filter policies: what they may be, checked when they are set.

Source: SNS developer guide, "Subscription filter policies", "Filter policy constraints".
"""

from __future__ import annotations

import ipaddress
from typing import Any

import orjson

from . import quotas
from .service import invalid

SIMPLE = ("equals-ignore-case", "prefix", "suffix", "wildcard")
RESERVED = {*SIMPLE, "anything-but", "cidr", "exists", "numeric"}
BUT = ("equals-ignore-case", "prefix", "suffix", "wildcard")
OPERATORS = ("<", "<=", "=", ">", ">=")
OR = "$or"
TOO_COMPLEX = "FilterPolicy: Filter policy is too complex"


class Malformed(Exception):
    """Why a policy is refused."""


def check(text: str, scope: str, prefix: str) -> None:
    """InvalidParameter, its message begun with `prefix` ("Attributes Reason: " within Subscribe)."""
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise invalid(f"{prefix}FilterPolicy: failed to parse JSON.") from None
    if not isinstance(policy, dict):
        raise invalid(f"{prefix}FilterPolicy: failed to parse JSON.")
    if len(text.encode()) > quotas.FILTER_BYTES.value:
        raise invalid(f"{prefix}FilterPolicy: Filter policy is too big")
    try:
        _check_policy(policy, scope)
    except Malformed as reason:
        raise invalid(f"{prefix}{reason}") from None


def _check_policy(policy: dict[str, Any], scope: str) -> None:
    if len(policy) > quotas.FILTER_KEYS.value:
        raise Malformed("FilterPolicy: Filter policy can not have more than 5 keys")
    rules: list[Any] = []
    combinations = _combinations(policy, 1, 1, scope, rules)
    if combinations > quotas.FILTER_COMBINATIONS.value:
        raise Malformed(TOO_COMPLEX)
    for rule in rules:
        _check_rule(rule)


def _combinations(policy: dict[str, Any], depth: int, so_far: int, scope: str, rules: list[Any]) -> int:
    """Values times depth of each key, multiplied; alternatives of `$or` add up. All patterns go into `rules`."""
    if depth > 1 and scope == "MessageAttributes":
        raise Malformed("Filter policy scope MessageAttributes does not support nested filter policy")
    if depth > quotas.FILTER_COMBINATIONS.value:  # each value so deep counts for more than there may be
        raise Malformed(TOO_COMPLEX)
    for key, value in policy.items():
        if isinstance(value, dict):
            so_far = _combinations(value, depth + 1, so_far, scope, rules)
        elif not isinstance(value, list):
            raise Malformed(f'FilterPolicy: "{key}" must be an object or an array')
        elif not value:
            raise Malformed("FilterPolicy: Empty arrays are not allowed")
        elif is_or(key, value):
            so_far = sum(_combinations(each, depth, so_far, scope, rules) for each in value)
        else:
            rules += value
            so_far *= len(value) * depth
    return so_far


def is_or(key: str, value: Any) -> bool:
    """`$or` is the operator only above two or more objects without operators; otherwise it is a key like any other.

    Source: SNS developer guide, "AND/OR logic".
    """
    if key != OR or not isinstance(value, list) or len(value) < 2:
        return False
    return all(isinstance(each, dict) and RESERVED.isdisjoint(each) for each in value)


def _check_rule(rule: Any) -> None:
    if rule is None or isinstance(rule, str | bool | int | float):
        return
    if not isinstance(rule, dict):
        raise Malformed("FilterPolicy: Match value must be String, number, true, false, or null")
    if len(rule) != 1:
        raise Malformed("FilterPolicy: Only one key allowed in match expression")
    ((operator, value),) = rule.items()
    if operator in SIMPLE:
        _check_text(operator, value)
    elif operator == "anything-but":
        _check_anything_but(value)
    elif operator == "exists":
        if not isinstance(value, bool):
            raise Malformed("FilterPolicy: exists match pattern must be either true or false.")
    elif operator == "numeric":
        _check_numeric(value)
    elif operator == "cidr":
        _check_cidr(value)
    else:
        raise Malformed(f"FilterPolicy: Unrecognized match type {operator}")


def _check_text(operator: str, value: Any) -> None:
    if not isinstance(value, str):
        raise Malformed(f"FilterPolicy: {operator} match pattern must be a string")
    if operator == "wildcard" and "**" in value:
        raise Malformed("FilterPolicy: Consecutive wildcard characters are not allowed")


def _check_anything_but(value: Any) -> None:
    if isinstance(value, list):
        if not value:
            raise Malformed("FilterPolicy: Empty arrays are not allowed")
        if not all(each is None or isinstance(each, str | bool | int | float) for each in value):
            raise Malformed("FilterPolicy: Match value must be String, number, true, false, or null")
    elif isinstance(value, dict):
        if len(value) != 1:
            raise Malformed("FilterPolicy: Only one key allowed in match expression")
        ((operator, pattern),) = value.items()
        if operator not in BUT:
            raise Malformed(f"FilterPolicy: Unsupported anything-but pattern: {operator}")
        for each in pattern if isinstance(pattern, list) else [pattern]:
            _check_text(operator, each)


def _check_cidr(value: Any) -> None:
    if not isinstance(value, str):
        raise Malformed("FilterPolicy: prefix match pattern must be a string")  # AWS's own slip
    address, slash, mask = value.partition("/")
    if not slash or "/" in mask:
        raise Malformed("FilterPolicy: Malformed CIDR, one '/' required")
    if not (mask.isascii() and mask.isdigit()):
        raise Malformed("FilterPolicy: Malformed CIDR, mask bits must be an integer")
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise Malformed(f"FilterPolicy: Nonstandard IP address: {address}") from None


def _check_numeric(value: Any) -> None:
    """`["<", 5]`, or a range: `[">=", 0, "<", 5]`."""
    if not isinstance(value, list) or not value:
        raise Malformed("FilterPolicy: Invalid member in numeric match: ]")
    operator = value[0]
    if not isinstance(operator, str):
        raise Malformed(f"FilterPolicy: Invalid member in numeric match: {operator}")
    if operator not in OPERATORS:
        raise Malformed(f"FilterPolicy: Unrecognized numeric range operator: {operator}")
    bottom = _numeric(operator, value, 1)
    if len(value) == 2:
        return
    if operator not in (">", ">="):
        raise Malformed("FilterPolicy: Too many elements in numeric expression")
    second = value[2]
    if not isinstance(second, str):
        raise Malformed(f"FilterPolicy: Bad value in numeric range: {second}")
    if second not in ("<", "<="):
        raise Malformed(f"FilterPolicy: Bad numeric range operator: {second}")
    if _numeric(second, value, 3) <= bottom:
        raise Malformed("FilterPolicy: Bottom must be less than top")
    if len(value) > 4:
        raise Malformed("FilterPolicy: Too many terms in numeric range expression")


def _numeric(operator: str, value: list[Any], index: int) -> float:
    number = value[index] if index < len(value) else None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise Malformed(f"FilterPolicy: Value of {'equals' if operator == '=' else operator} must be numeric")
    return number
