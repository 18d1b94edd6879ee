"""Filter policies: checked when they are set, compiled once, asked for each message.

A compiled policy is a list of alternatives (`$or` multiplies them out), each a list of (path, patterns): all paths of
one alternative must hold, any pattern of a path. Source: SNS developer guide, "Subscription filter policies".
"""

from __future__ import annotations

import ipaddress
import math
from functools import lru_cache
from typing import Any

import orjson

from . import quotas
from .service import invalid

Path = tuple[str, ...]
Alternative = list[tuple[Path, list[Any]]]
SIMPLE = ("equals-ignore-case", "prefix", "suffix", "wildcard")
BUT = ("equals-ignore-case", "prefix", "suffix", "wildcard")
OPERATORS = ("<", "<=", "=", ">", ">=")
OR = "$or"


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
        raise Malformed("FilterPolicy: Filter policy is too complex")
    for rule in rules:
        _check_rule(rule)


def _combinations(policy: dict[str, Any], depth: int, so_far: int, scope: str, rules: list[Any]) -> int:
    """Values times depth of each key, multiplied; alternatives of `$or` add up. All patterns go into `rules`."""
    if depth > 1 and scope == "MessageAttributes":
        raise Malformed("Filter policy scope MessageAttributes does not support nested filter policy")
    for key, value in policy.items():
        if isinstance(value, dict):
            so_far = _combinations(value, depth + 1, so_far, scope, rules)
        elif not isinstance(value, list):
            raise Malformed(f'FilterPolicy: "{key}" must be an object or an array')
        elif not value:
            raise Malformed("FilterPolicy: Empty arrays are not allowed")
        elif _is_or(key, value):
            so_far = sum(_combinations(each, depth, so_far, scope, rules) for each in value)
        else:
            rules += value
            so_far *= len(value) * depth
    return so_far


def _is_or(key: str, value: Any) -> bool:
    """`$or` is the operator only above two or more objects; otherwise it is a key like any other."""
    return key == OR and isinstance(value, list) and len(value) > 1 and all(isinstance(each, dict) for each in value)


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


# Compiled


@lru_cache(maxsize=10_000)
def compiled(text: str) -> list[Alternative]:
    return _alternatives(orjson.loads(text), (), [[]])


def _alternatives(policy: dict[str, Any], path: Path, begun: list[Alternative]) -> list[Alternative]:
    for key, value in policy.items():
        if _is_or(key, value):
            begun = [one for each in value for one in _alternatives(each, path, begun)]
        elif isinstance(value, dict):
            begun = _alternatives(value, (*path, key), begun)
        else:
            begun = [[*one, ((*path, key), value)] for one in begun]
    return begun


# Asked


def passes_attributes(text: str, attributes: dict[str, dict[str, Any]]) -> bool:
    """Whether a message with these attributes goes to the subscription."""
    values = {name: found for name, value in attributes.items() if (found := _values(value)) is not None}
    return any(
        all(_any(values.get(".".join(path)), patterns) for path, patterns in alternative)
        for alternative in compiled(text)
    )


def _values(attribute: dict[str, Any]) -> list[Any] | None:
    """What a policy compares: Binary is not looked at; String.Array is its elements."""
    kind, text = attribute["DataType"], attribute.get("StringValue")
    if text is None:
        return None
    if kind == "String.Array":
        try:
            elements = orjson.loads(text)
        except orjson.JSONDecodeError:
            return []
        return elements if isinstance(elements, list) else [elements]
    if kind.partition(".")[0] == "Number":
        number = _number(text)
        return [] if number is None else [number]
    return [text]


def passes_body(text: str, body: str) -> bool:
    """Whether a message with this body goes to the subscription; one that is no JSON object does not."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(document, dict):
        return False
    leaves: dict[str, list[Any]] = {}
    _gather(document, "", leaves)
    return any(
        all(_any(leaves.get(".".join(path)), patterns) for path, patterns in alternative)
        for alternative in compiled(text)
    )


def is_object(body: str) -> bool:
    """Whether a policy on message bodies can look at this one."""
    try:
        return isinstance(orjson.loads(body), dict)
    except orjson.JSONDecodeError:
        return False


def _gather(node: Any, path: str, leaves: dict[str, list[Any]]) -> None:
    """Leaves by dotted path; the elements of a list lie at the list's own path."""
    if isinstance(node, dict):
        for key, value in node.items():
            _gather(value, f"{path}.{key}" if path else key, leaves)
    elif isinstance(node, list):
        for each in node:
            _gather(each, path, leaves)
    else:
        leaves.setdefault(path, []).append(node)


def _any(values: list[Any] | None, patterns: list[Any]) -> bool:
    """Whether one of the values fits one of the patterns. None: there is no such key."""
    for pattern in patterns:
        if isinstance(pattern, dict) and "exists" in pattern:
            if pattern["exists"] == (values is not None):
                return True
        elif values is not None and any(fits(value, pattern) for value in values):
            return True
    return False


def fits(value: Any, pattern: Any) -> bool:
    """Whether one value fits one pattern other than `exists`."""
    if not isinstance(pattern, dict):
        return _equal(value, pattern)
    ((operator, wanted),) = pattern.items()
    if operator == "anything-but":
        return _is_anything_but(value, wanted)
    if operator == "numeric":
        number = None if isinstance(value, str) else _number(value)
        return number is not None and _in_range(number, wanted)
    return isinstance(value, str) and _fits_text(value, operator, wanted)


def _is_anything_but(value: Any, unwanted: Any) -> bool:
    if isinstance(unwanted, dict):
        ((operator, patterns),) = unwanted.items()
        patterns = patterns if isinstance(patterns, list) else [patterns]
        return not (isinstance(value, str) and any(_fits_text(value, operator, each) for each in patterns))
    return not any(_equal(value, each) for each in (unwanted if isinstance(unwanted, list) else [unwanted]))


def _fits_text(value: str, operator: str, pattern: str) -> bool:
    match operator:
        case "prefix":
            return value.startswith(pattern)
        case "suffix":
            return value.endswith(pattern)
        case "equals-ignore-case":
            return value.casefold() == pattern.casefold()
        case "wildcard":
            return _fits_wildcard(value, pattern)
        case _:
            return _is_within(value, pattern)


def _fits_wildcard(value: str, pattern: str) -> bool:
    """`*` stands for any characters; `\\*` and `\\\\` for themselves. The literal pieces must follow one another."""
    first, *pieces = wildcard_pieces(pattern)
    if not pieces:
        return value == first
    last = pieces.pop()
    if len(value) < len(first) + len(last) or not (value.startswith(first) and value.endswith(last)):
        return False
    at, end = len(first), len(value) - len(last)
    for piece in pieces:
        at = value.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return at <= end


@lru_cache(maxsize=10_000)
def wildcard_pieces(pattern: str) -> tuple[str, ...]:
    """The literal text between the wildcards."""
    pieces, index = [""], 0
    while index < len(pattern):
        character = pattern[index]
        if character == "\\" and pattern[index + 1 : index + 2] in ("*", "\\"):
            index += 1
            pieces[-1] += pattern[index]
        elif character == "*":
            pieces.append("")
        else:
            pieces[-1] += character
        index += 1
    return tuple(pieces)


def _is_within(value: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)
    except (ValueError, TypeError):
        return False


def _equal(value: Any, wanted: Any) -> bool:
    """true is not 1, and "1" not 1. Numbers are compared to five digits after the point."""
    if isinstance(value, bool) or isinstance(wanted, bool) or value is None or wanted is None:
        return value is wanted
    if isinstance(value, str) or isinstance(wanted, str):
        return type(value) is type(wanted) and bool(value == wanted)
    first, second = _number(value), _number(wanted)
    return first is not None and first == second


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = round(float(value), 5)
    except (ValueError, TypeError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _in_range(number: float, condition: list[Any]) -> bool:
    return all(
        _compare(number, operator, round(float(bound), 5))
        for operator, bound in zip(condition[::2], condition[1::2], strict=True)
    )


def _compare(number: float, operator: str, bound: float) -> bool:
    match operator:
        case "=":
            return number == bound
        case "<":
            return number < bound
        case "<=":
            return number <= bound
        case ">":
            return number > bound
        case _:
            return number >= bound
