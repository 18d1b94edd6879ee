"""Filter policies: compiled once, asked for each message.

A compiled policy is a list of alternatives (`$or` multiplies them out), each a list of (dotted path, patterns): all
paths of one alternative must hold, any pattern of a path. Source: SNS developer guide, "Subscription filter policies".
"""

from __future__ import annotations

import ipaddress
import math
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from .filter_policies import is_or

Alternative = list[tuple[str, list[Any]]]


class Compiled(NamedTuple):
    """`paths` are those that are asked for, `ways` all that lead there."""

    alternatives: list[Alternative]
    paths: frozenset[str]
    ways: frozenset[str]


@lru_cache(maxsize=10_000)
def compiled(text: str) -> Compiled:
    alternatives = _alternatives(orjson.loads(text), "", [[]])
    paths = frozenset(path for alternative in alternatives for path, _ in alternative)
    steps = (path.split(".") for path in paths)
    return Compiled(alternatives, paths, frozenset(".".join(each[:end]) for each in steps for end in range(len(each))))


def _alternatives(policy: dict[str, Any], above: str, begun: list[Alternative]) -> list[Alternative]:
    for key, value in policy.items():
        path = f"{above}.{key}" if above else key
        if is_or(key, value):
            begun = [one for each in value for one in _alternatives(each, above, begun)]
        elif isinstance(value, dict):
            begun = _alternatives(value, path, begun)
        else:
            begun = [[*one, (path, value)] for one in begun]
    return begun


# Asked


def passes_attributes(text: str, attributes: dict[str, dict[str, Any]]) -> bool:
    """Whether a message with these attributes goes to the subscription."""
    values = {name: found for name, value in attributes.items() if (found := _values(value)) is not None}
    return _passes(compiled(text), values)


def _passes(policy: Compiled, values: dict[str, list[Any]]) -> bool:
    return any(
        all(_any(values.get(path), patterns) for path, patterns in alternative) for alternative in policy.alternatives
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
    document = _object(body)
    if document is None:
        return False
    policy = compiled(text)
    return _passes(policy, _leaves(document, policy))


def is_object(body: str) -> bool:
    """Whether a policy on message bodies can look at this one."""
    return _object(body) is not None


@lru_cache(maxsize=2)
def _object(body: str) -> dict[str, Any] | None:
    """The JSON object of a body, read once for all subscriptions that get it."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _leaves(document: dict[str, Any], policy: Compiled) -> dict[str, list[Any]]:
    """Leaves at the paths that are asked for; the elements of a list lie at the list's own path."""
    leaves: dict[str, list[Any]] = {}
    left: list[tuple[str, Any]] = [("", document)]
    while left:
        path, node = left.pop()
        if isinstance(node, list):
            left += [(path, each) for each in node]
        elif isinstance(node, dict):
            below = [(f"{path}.{key}" if path else key, value) for key, value in node.items()]
            left += [each for each in below if each[0] in policy.paths or each[0] in policy.ways]
        elif path in policy.paths:
            leaves.setdefault(path, []).append(node)
    return leaves


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
