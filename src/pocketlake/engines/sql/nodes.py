"""Small builders of tree nodes that the lowering shares."""

from __future__ import annotations

from typing import Any


def call(name: str, *arguments: Any) -> Any:
    from sqlglot import exp

    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def cast(value: Any, kind: str) -> Any:
    from sqlglot import exp

    return exp.Cast(this=value.copy(), to=exp.DataType.build(kind, dialect="duckdb"))


def is_type(node: Any, *names: str) -> bool:
    return node is not None and node.type is not None and node.type.this.name in names


def number(value: int) -> Any:
    from sqlglot import exp

    return exp.Literal.number(value)
