"""What PartiQL says against values: of literals where in them the mistake lies, of operands that have no order.

Wording: paritysuite/dynamodb-conformance, tests/tier3/error-messages, recorded in October 2026.
"""

from __future__ import annotations

from typing import Any

from ..attribute_values import value_size
from ..expressions.nodes import Operand, Value
from ..service import Invalid

ORDERING = ("<", "<=", ">", ">=", "BETWEEN")
ORDERED = ("S", "N", "B")


def judge(value: dict[str, Any], place: str) -> None:
    """Make a literal normal in place, or say where in it the mistake lies. Raises Invalid."""
    if "M" in value:
        for name, inner in value["M"].items():
            judge(inner, f"{place}.{name}")
    elif "L" in value:
        for at, inner in enumerate(value["L"]):
            judge(inner, f"{place}[{at}]")
    else:
        try:
            value_size(value)
        except Invalid as mistake:
            raise Invalid(f"{mistake} under {place}" if "N" in value else mistake.older) from None


def ordered(operator: str, *operands: Operand) -> tuple[Operand, ...]:
    """The operands of a comparison; values whose type has no order are refused by all but = and <>."""
    if operator in ORDERING:
        for operand in operands:
            kind = next(iter(operand.value)) if isinstance(operand, Value) else "S"
            if kind not in ORDERED:
                raise Invalid(
                    "Incorrect operand type for operator or function; "
                    f"operator or function: {operator}, operand type: {kind}"
                )
    return operands
