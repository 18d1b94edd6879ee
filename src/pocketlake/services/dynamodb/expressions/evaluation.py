"""What a bound condition says of an item.

A path that leads nowhere has no value; what compares with it is false, except for <>. Numbers compare as numbers, texts
by their UTF-8 bytes, binary values by their bytes; values of different types never compare.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..attribute_values import binary, is_equal
from .nodes import And, Between, Comparison, Condition, Function, In, Not, Operand, Or, Path, Value

Item = dict[str, Any]
Found = dict[str, Any] | None


def holds(node: Condition, item: Item) -> bool:
    """Whether the item meets the condition."""
    if isinstance(node, Comparison):
        return compare(node.operator, value_of(node.left, item), value_of(node.right, item))
    if isinstance(node, Function):
        return _function(node, item)
    if isinstance(node, And):
        return holds(node.left, item) and holds(node.right, item)
    if isinstance(node, Or):
        return holds(node.left, item) or holds(node.right, item)
    if isinstance(node, Not):
        return not holds(node.condition, item)
    if isinstance(node, Between):
        found = value_of(node.operand, item)
        return compare(">=", found, value_of(node.low, item)) and compare("<=", found, value_of(node.high, item))
    assert isinstance(node, In)
    found = value_of(node.operand, item)
    return found is not None and any(compare("=", found, value_of(option, item)) for option in node.options)


def value_of(operand: Operand, item: Item) -> Found:
    if isinstance(operand, Path):
        return at(operand, item)
    if isinstance(operand, Value):
        found: Found = operand.value
        return found
    assert operand.name == "size"
    return _size(value_of(operand.arguments[0], item))


def at(path: Path, item: Item) -> Found:
    """The value where the path leads."""
    parts = path.parts
    found: Found = item.get(parts[0])  # type: ignore[arg-type]
    for part in parts[1:]:
        if found is None:
            return None
        if isinstance(part, int):
            members = found.get("L")
            found = members[part] if members is not None and part < len(members) else None
        else:
            content = found.get("M")
            found = content.get(part) if content is not None else None
    return found


def _size(value: Found) -> Found:
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind == "S":
        return {"N": str(len(content.encode()))}
    if kind == "B":
        return {"N": str(len(binary(content)))}
    return {"N": str(len(content))} if kind in ("SS", "NS", "BS", "L", "M") else None


def compare(operator: str, left: Found, right: Found) -> bool:
    if left is None or right is None:
        return operator == "<>"
    if operator == "=":
        return is_equal(left, right)
    if operator == "<>":
        return not is_equal(left, right)
    ((kind, content),) = left.items()
    against = right.get(kind)
    if against is None or kind not in ("S", "N", "B"):
        return False
    one, other = ordered(kind, content), ordered(kind, against)
    if operator == "<":
        return one < other
    if operator == "<=":
        return one <= other
    return one > other if operator == ">" else one >= other


def ordered(kind: str, content: str) -> Any:
    """What of a text, number or binary value sorts."""
    if kind == "N":
        return Decimal(content)
    return content.encode() if kind == "S" else binary(content)


def _function(node: Function, item: Item) -> bool:
    found = value_of(node.arguments[0], item)
    if node.name == "attribute_exists":
        return found is not None
    if node.name == "attribute_not_exists":
        return found is None
    operand = value_of(node.arguments[1], item)
    if found is None or operand is None:
        return False
    if node.name == "attribute_type":
        return operand.get("S") in found
    if node.name == "begins_with":
        return begins_with(found, operand)
    assert node.name == "contains"
    return contains(found, operand)


def begins_with(value: Item, prefix: Item) -> bool:
    if "S" in value:
        return "S" in prefix and bool(value["S"].startswith(prefix["S"]))
    return "B" in value and "B" in prefix and binary(value["B"]).startswith(binary(prefix["B"]))


def contains(value: Item, part: Item) -> bool:
    """A text within a text, bytes within bytes, a member of a set or list."""
    ((kind, content),) = value.items()
    if kind == "L":
        return any(is_equal(member, part) for member in content)
    if kind == "S":
        return "S" in part and part["S"] in content
    if kind == "B":
        return "B" in part and binary(part["B"]) in binary(content)
    return kind in ("SS", "NS", "BS") and part.get(kind[0]) in content
