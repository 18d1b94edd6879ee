"""Update expressions at work: every operand is what it was before the update, then the actions are done."""

from __future__ import annotations

from typing import Any

import orjson

from .. import numbers
from ..service import Invalid, refuse
from .evaluation import at
from .nodes import Action, Arithmetic, Function, Operand, Path, Value

Item = dict[str, Any]
BAD_PATH = "The document path provided in the update expression is invalid for update"
BAD_TYPE = "An operand in the update expression has an incorrect data type"
ABSENT = "The provided expression refers to an attribute that does not exist in the item"
SETS = ("SS", "NS", "BS")


class _Removed:
    """Stands in a list for a member that is removed when all actions are done, so that places stay."""


REMOVED = _Removed()


def apply(actions: tuple[Action, ...], item: Item) -> None:
    """Change the item, which is the caller's own. ValidationException where an action does not fit it."""
    values = [_value(action.value, item) if action.kind == "SET" else None for action in actions]
    lists: dict[int, tuple[list[Any], dict[int, Any]]] = {}  # lists with members removed, or set beyond their ends
    for action, value in zip(actions, values, strict=True):
        if action.kind == "SET":
            assert value is not None
            _set(action.path, value, item, lists)
        elif action.kind == "REMOVE":
            _remove(action.path, item, lists)
        else:
            assert isinstance(action.value, Value)
            (_add if action.kind == "ADD" else _delete)(action.path, action.value.value, item, lists)
    for members, beyond in lists.values():
        members[:] = [member for member in members if member is not REMOVED]
        members.extend(beyond[place] for place in sorted(beyond))


def _value(operand: Operand | Arithmetic | None, item: Item) -> Item:
    if isinstance(operand, Arithmetic):
        left, right = _value(operand.left, item), _value(operand.right, item)
        if "N" not in left or "N" not in right:
            raise refuse(BAD_TYPE)
        try:
            return {"N": numbers.add(left["N"], right["N"], 1 if operand.operator == "+" else -1)}
        except Invalid as mistake:
            raise refuse(str(mistake)) from None
    if isinstance(operand, Path):
        found = at(operand, item)
        if found is None:
            raise refuse(ABSENT)
        return _own(found)
    if isinstance(operand, Value):
        value: Item = operand.value
        return value
    assert isinstance(operand, Function)
    first, second = operand.arguments
    if operand.name == "if_not_exists":
        assert isinstance(first, Path)
        found = at(first, item)
        return _value(second, item) if found is None else _own(found)
    left, right = _value(first, item), _value(second, item)
    if "L" not in left or "L" not in right:
        raise refuse(BAD_TYPE)
    return {"L": left["L"] + right["L"]}


def _own(value: Item) -> Item:
    """A copy of what lies in the item: other actions may change that in place."""
    if "L" in value or "M" in value:
        copied: Item = orjson.loads(orjson.dumps(value))
        return copied
    return dict(value)


Lists = dict[int, tuple[list[Any], dict[int, Any]]]


def _parent(path: Path, item: Item) -> Item:
    """The map or list that the path's last part is in, as {"M": ...} or {"L": ...}."""
    if len(path.parts) == 1:
        return {"M": item}
    found = _at_unless_removed(Path(path.parts[:-1]), item)
    if found is None or ("L" if isinstance(path.parts[-1], int) else "M") not in found:
        raise refuse(BAD_PATH)
    return found


def _at_unless_removed(path: Path, item: Item) -> Item | None:
    try:
        found = at(path, item)
    except AttributeError:  # on the way lies a removed member
        return None
    return None if found is REMOVED else found


def _set(path: Path, value: Item, item: Item, lists: Lists) -> None:
    parent, last = _parent(path, item), path.parts[-1]
    if isinstance(last, str):
        parent["M"][last] = value
        return
    members = parent["L"]
    if last < len(members):
        members[last] = value
    else:
        lists.setdefault(id(members), (members, {}))[1][last] = value


def _remove(path: Path, item: Item, lists: Lists) -> None:
    parent, last = _parent(path, item), path.parts[-1]
    if isinstance(last, str):
        parent["M"].pop(last, None)
    elif last < len(parent["L"]):
        parent["L"][last] = REMOVED
        lists.setdefault(id(parent["L"]), (parent["L"], {}))


def _add(path: Path, value: Item, item: Item, lists: Lists) -> None:
    """A number is added to what is there, or to nothing; a set is united with it."""
    _parent(path, item)
    found = _at_unless_removed(path, item)
    if found is None:
        _set(path, value, item, lists)
        return
    kind = next(iter(value))
    if kind not in found:
        raise refuse(BAD_TYPE)
    _set(path, added(found, value, kind), item, lists)


def added(found: Item, value: Item, kind: str) -> Item:
    if kind == "N":
        try:
            return {"N": numbers.add(found["N"], value["N"])}
        except Invalid as mistake:
            raise refuse(str(mistake)) from None
    if kind == "L":  # AttributeUpdates only
        return {"L": found["L"] + value["L"]}
    present = set(found[kind])
    return {kind: found[kind] + [member for member in value[kind] if member not in present]}


def _delete(path: Path, value: Item, item: Item, lists: Lists) -> None:
    """Members are taken out of a set; an empty one goes."""
    _parent(path, item)
    found = _at_unless_removed(path, item)
    if found is None:
        return
    kind = next(iter(value))
    if kind not in found:
        raise refuse(BAD_TYPE)
    gone = set(value[kind])
    left = [member for member in found[kind] if member not in gone]
    if left:
        _set(path, {kind: left}, item, lists)
    else:
        _remove(path, item, lists)
