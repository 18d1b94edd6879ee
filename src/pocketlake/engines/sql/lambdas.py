"""Functions that take lambdas: a lambda cannot be handed to a macro, so each call is rewritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .nodes import number


def _names(function: Any) -> list[str]:
    return [part.name for part in function.expressions]


def _substituted(function: Any, values: list[Any]) -> Any:
    """The lambda's body with its parameters replaced."""
    from sqlglot import exp

    places = dict(zip(_names(function), values, strict=False))
    body = function.this.copy()
    holder = exp.Paren(this=body)
    for node in list(holder.find_all(exp.Identifier, exp.Column)):
        name = node.name
        if name not in places or (isinstance(node, exp.Column) and node.table):
            continue
        target = node.parent if isinstance(node, exp.Identifier) and isinstance(node.parent, exp.Column) else node
        if isinstance(target, exp.Column) and target.table:
            continue
        if target.parent is not None:
            target.replace(places[name].copy())
    return holder


def _lambda(name: str, body: Any) -> Any:
    from sqlglot import exp

    return exp.Lambda(this=body, expressions=[exp.to_identifier(name)])


def _call(name: str, *arguments: Any) -> Any:
    from sqlglot import exp

    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _field(name: str, item: str | int) -> Any:
    from sqlglot import exp

    literal = exp.Literal.number(item) if isinstance(item, int) else exp.Literal.string(item)
    return _call("struct_extract", exp.to_identifier(name), literal)


def _match(aggregate: str, empty: str) -> Callable[[Any], Any]:
    def rewrite(node: Any) -> Any:
        array, test = node.expressions
        checked = _call("list_transform", array, test)
        return _call("coalesce", _call("list_aggregate", checked, _text(aggregate)), _plain(empty, array))

    return rewrite


def _plain(word: str, array: Any) -> Any:
    """What an empty array answers; a NULL array stays NULL."""
    from sqlglot import exp

    return exp.Case(
        ifs=[
            exp.If(
                this=exp.EQ(this=_call("len", array), expression=exp.Literal.number(0)),
                true=exp.Boolean(this=word == "true"),
            )
        ]
    )


def _text(value: str) -> Any:
    from sqlglot import exp

    return exp.Literal.string(value)


def none_match(node: Any) -> Any:
    from sqlglot import exp

    return exp.Not(this=exp.Paren(this=_match("bool_or", "false")(node)))


def reduce(node: Any) -> Any:
    """reduce(array, start, (state, item) -> ..., state -> ...)."""
    folded = _call("list_reduce", node.this, node.args["merge"], node.args["initial"])
    finish = node.args.get("finish")
    return folded if finish is None else _substituted(finish, [folded])


def zip_with(node: Any) -> Any:
    left, right, function = node.expressions
    body = _substituted(function, [_field("__z", 1), _field("__z", 2)])
    return _call("list_transform", _call("list_zip", left, right), _lambda("__z", body))


def map_filter(node: Any) -> Any:
    values, function = node.expressions
    body = _substituted(function, [_field("__e", "key"), _field("__e", "value")])
    return _call("map_from_entries", _call("list_filter", _call("map_entries", values), _lambda("__e", body)))


def map_zip_with(node: Any) -> Any:
    """Over the keys of both maps; where one lacks a key its value is NULL."""
    left, right, function = node.expressions
    key = _identifier("__k")
    found = [_call("list_extract", _call("map_extract", side, key), number(1)) for side in (left, right)]
    body = _substituted(function, [key, *found])
    keys = _call("__union", _call("map_keys", left), _call("map_keys", right))
    entries = _call("list_transform", keys, _lambda("__k", _call("__entry", key, body)))
    return _call("map_from_entries", entries)


def _identifier(name: str) -> Any:
    from sqlglot import exp

    return exp.to_identifier(name)


def _entries(keys: bool) -> Callable[[Any], Any]:
    def rewrite(node: Any) -> Any:
        values, function = node.expressions
        body = _substituted(function, [_field("__e", "key"), _field("__e", "value")])
        pair = (body, _field("__e", "value")) if keys else (_field("__e", "key"), body)
        return _call(
            "map_from_entries",
            _call("list_transform", _call("map_entries", values), _lambda("__e", _call("__entry", *pair))),
        )

    return rewrite


NAMED: dict[str, Callable[[Any], Any]] = {
    "any_match": _match("bool_or", "false"),
    "all_match": _match("bool_and", "true"),
    "none_match": none_match,
    "zip_with": zip_with,
    "map_filter": map_filter,
    "map_zip_with": map_zip_with,
    "transform_values": _entries(False),
    "transform_keys": _entries(True),
    "zip": lambda node: _call("list_zip", *node.expressions),
}
