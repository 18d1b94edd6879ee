"""UNNEST of Trino (several arrays, maps, arrays of rows, ordinality) as DuckDB's lateral sub-query."""

from __future__ import annotations

from typing import Any


def unnest_to_lateral(node: Any) -> None:
    """Replace an UNNEST in FROM by `LATERAL (SELECT unnest(a) AS x, unnest(b) AS y, ...) AS u`."""
    from sqlglot import exp

    if not isinstance(node.parent, exp.From | exp.Join | exp.Lateral):
        return
    alias = node.args.get("alias")
    names = [column.name for column in alias.args.get("columns") or []] if alias is not None else []
    offset = node.args.get("offset")
    values: list[Any] = []
    for item in node.expressions:
        values += _columns_of(item)
    longest = _longest(node.expressions)
    if offset:
        if isinstance(offset, exp.Expression):
            names.append(offset.name)
        values.append(
            exp.Anonymous(
                this="range",
                expressions=[exp.Literal.number(1), exp.Add(this=longest, expression=exp.Literal.number(1))],
            )
        )
    select = exp.Select()
    for number, value in enumerate(values):
        name = names[number] if number < len(names) else f"_col{number}"
        column = exp.Anonymous(this="unnest", expressions=[value])
        select = select.select(exp.alias_(column, name, quoted=True), copy=False)
    table = exp.TableAlias(
        this=alias.this.copy() if alias is not None and alias.this else exp.to_identifier("__unnest")
    )
    # DuckDB takes a sub-query in FROM as lateral when it refers to what stands left of it.
    node.replace(exp.Subquery(this=select, alias=table))


def _columns_of(item: Any) -> list[Any]:
    from sqlglot import exp

    kind = item.type
    if kind is not None and kind.this.name == "MAP":
        return [exp.Anonymous(this=name, expressions=[item.copy()]) for name in ("map_keys", "map_values")]
    inner = (
        kind.expressions[0] if kind is not None and kind.this.name in ("ARRAY", "LIST") and kind.expressions else None
    )
    if inner is not None and isinstance(inner, exp.DataType) and inner.this.name == "STRUCT":
        return [_field(item, number) for number in range(1, len(inner.expressions) + 1)]
    return [item.copy()]


def _field(item: Any, number: int) -> Any:
    from sqlglot import exp

    body = exp.Anonymous(this="struct_extract_at", expressions=[exp.to_identifier("__r"), exp.Literal.number(number)])
    return exp.Anonymous(
        this="list_transform", expressions=[item.copy(), exp.Lambda(this=body, expressions=[exp.to_identifier("__r")])]
    )


def _longest(items: list[Any]) -> Any:
    from sqlglot import exp

    lengths = [
        exp.Anonymous(
            this="cardinality" if item.type is not None and item.type.this.name == "MAP" else "len",
            expressions=[item.copy()],
        )
        for item in items
    ]
    return lengths[0] if len(lengths) == 1 else exp.Anonymous(this="greatest", expressions=lengths)
