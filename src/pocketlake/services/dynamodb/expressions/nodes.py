"""What expressions are made of. The same nodes before and after names and values are put in (see bindings.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, frozen=True)
class Path:
    """A document path: names, and places in lists. Before binding a name may be a placeholder, `#n`."""

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        """As AWS's messages show it."""
        return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in self.parts)}]"


@dataclass(slots=True, frozen=True)
class Value:
    """A placeholder, and the attribute value that it stands for once it is bound."""

    name: str
    value: Any = None


@dataclass(slots=True, frozen=True)
class Function:
    name: str
    arguments: tuple[Operand, ...]


@dataclass(slots=True, frozen=True)
class Comparison:
    operator: str  # = <> < <= > >=
    left: Operand
    right: Operand


@dataclass(slots=True, frozen=True)
class Between:
    operand: Operand
    low: Operand
    high: Operand


@dataclass(slots=True, frozen=True)
class In:
    operand: Operand
    options: tuple[Operand, ...]


@dataclass(slots=True, frozen=True)
class Not:
    condition: Condition


@dataclass(slots=True, frozen=True)
class And:
    left: Condition
    right: Condition


@dataclass(slots=True, frozen=True)
class Or:
    left: Condition
    right: Condition


@dataclass(slots=True, frozen=True)
class Arithmetic:
    operator: str  # + or -
    left: Operand
    right: Operand


@dataclass(slots=True, frozen=True)
class Action:
    """One clause of an update: SET path = value, REMOVE path, ADD path value, DELETE path value."""

    kind: str
    path: Path
    value: Operand | Arithmetic | None = None


Operand = Path | Value | Function
Condition = Comparison | Between | In | Not | And | Or | Function
Node = Operand | Condition
