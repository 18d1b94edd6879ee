"""What DynamoDB's expressions mean, over plain dictionaries: conditions, updates and projections drawn at random.

An item is a dictionary of Python values: text, Decimal, bool, list, dict, and sets of text or of Decimal. A path is a
tuple: an attribute's name, and perhaps a member of its map or an index into its list.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import strategies as st

NAMES = ("a", "b", "g", "h")  # g and h are keys of indexes: g is text, h a number
MEMBERS = ("x", "xy", "y")
pack, unpack = TypeSerializer().serialize, TypeDeserializer().deserialize
Item = dict[str, Any]
Path = tuple[Any, ...]
Node = tuple[Any, ...]

numbers = st.integers(-20, 20).map(Decimal)
texts = st.sampled_from(["x", "xy", "y", "z"])
sets = st.one_of(st.sets(numbers, min_size=1, max_size=3), st.sets(texts, min_size=1, max_size=3))
lists = st.lists(numbers, max_size=3)
maps = st.dictionaries(st.sampled_from(MEMBERS), numbers, max_size=2)
values = st.one_of(numbers, texts, st.booleans(), lists, maps, sets)
items = st.fixed_dictionaries({}, optional={"a": values, "b": values, "g": texts, "h": numbers})
whole_names = st.tuples(st.sampled_from(NAMES))
members = st.tuples(st.sampled_from("ab"), st.sampled_from(MEMBERS))
elements = st.tuples(st.sampled_from("ab"), st.integers(0, 3))
paths = st.one_of(whole_names, whole_names, members, elements)
TYPES = {"S": str, "N": Decimal, "BOOL": bool, "L": list, "M": dict}


class Refused(Exception):
    """The item does not allow what is asked."""


def path_text(path: Path) -> str:
    name, *rest = path
    return f"#{name}" + "".join(f"[{step}]" if isinstance(step, int) else f".#{step}" for step in rest)


def named(request: dict[str, Any]) -> dict[str, str]:
    """The names that the request's expressions use."""
    texts = " ".join(str(value) for name, value in request.items() if name.endswith("Expression"))
    return {f"#{name}": name for name in re.findall(r"#(\w+)", texts)}


def found_at(item: Item, path: Path) -> Any:
    """None: there is nothing."""
    found: Any = item.get(path[0])
    for step in path[1:]:
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and step < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


# Conditions: built as pairs of text and meaning


def _same(left: Any, right: Any) -> bool:
    return left is not None and type(left) is type(right) and left == right


def _ordered(left: Any, right: Any, test: Any) -> bool:
    return type(left) is type(right) and isinstance(left, str | Decimal) and bool(test(left, right))


COMPARISONS: dict[str, Any] = {
    "=": _same,
    "<>": lambda left, right: not _same(left, right),
    "<": lambda left, right: _ordered(left, right, lambda one, other: one < other),
    "<=": lambda left, right: _ordered(left, right, lambda one, other: one <= other),
    ">": lambda left, right: _ordered(left, right, lambda one, other: one > other),
    ">=": lambda left, right: _ordered(left, right, lambda one, other: one >= other),
}


def conditions() -> st.SearchStrategy[Node]:
    plain = st.one_of(numbers, texts)
    leaves = st.one_of(
        st.tuples(st.sampled_from(sorted(COMPARISONS)), paths, st.one_of(plain, values)).filter(_is_comparable),
        st.tuples(st.just("pair"), st.sampled_from(["=", "<", ">="]), paths, paths).filter(lambda n: n[2] != n[3]),
        st.tuples(st.sampled_from(["attribute_exists", "attribute_not_exists"]), paths),
        st.tuples(st.just("attribute_type"), paths, st.sampled_from(sorted(TYPES))),
        st.tuples(st.just("begins_with"), paths, texts),
        st.tuples(st.just("contains"), paths, plain),
        st.tuples(st.just("size"), paths, st.integers(0, 3).map(Decimal)),
        st.tuples(st.just("in"), paths, st.lists(plain, min_size=1, max_size=3)),
        st.tuples(st.just("between"), paths, numbers, numbers),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.just("and"), inner, inner),
            st.tuples(st.just("or"), inner, inner),
            st.tuples(st.just("not"), inner),
        ),
        max_leaves=5,
    )


def _is_comparable(node: Node) -> bool:
    """Values that have no order are refused as operands of < and the like before the item is looked at."""
    return node[0] in ("=", "<>") or isinstance(node[2], str | Decimal)


def written(node: Node, given: dict[str, Any]) -> str:
    """The condition as an expression; its values go into `given`."""

    def value(content: Any) -> str:
        name = f":v{len(given)}"
        given[name] = pack(content)
        return name

    kind = node[0]
    if kind in ("and", "or"):
        return f"({written(node[1], given)}) {kind.upper()} ({written(node[2], given)})"
    if kind == "not":
        return f"NOT ({written(node[1], given)})"
    if kind == "pair":
        return f"{path_text(node[2])} {node[1]} {path_text(node[3])}"
    name = path_text(node[1])
    if kind in COMPARISONS:
        return f"{name} {kind} {value(node[2])}"
    if kind == "in":
        return f"{name} IN ({', '.join(map(value, node[2]))})"
    if kind == "between":
        return f"{name} BETWEEN {value(min(node[2:]))} AND {value(max(node[2:]))}"
    if kind == "size":
        return f"size({name}) >= {value(node[2])}"
    return f"{kind}({', '.join([name, *map(value, node[2:])])})"


def means(node: Node, item: Item) -> bool:
    kind = node[0]
    if kind == "and":
        return means(node[1], item) and means(node[2], item)
    if kind == "or":
        return means(node[1], item) or means(node[2], item)
    if kind == "not":
        return not means(node[1], item)
    if kind == "pair":
        return bool(COMPARISONS[node[1]](found_at(item, node[2]), found_at(item, node[3])))
    found = found_at(item, node[1])
    if kind in COMPARISONS:
        return bool(COMPARISONS[kind](found, node[2]))
    return bool(FUNCTIONS[kind](found, *node[2:]))


def _contains(found: Any, sought: Any) -> bool:
    if isinstance(found, str):
        return isinstance(sought, str) and sought in found
    return isinstance(found, list | set) and sought in found


FUNCTIONS: dict[str, Any] = {
    "attribute_exists": lambda found: found is not None,
    "attribute_not_exists": lambda found: found is None,
    "attribute_type": lambda found, kind: isinstance(found, TYPES[kind]),
    "begins_with": lambda found, start: isinstance(found, str) and found.startswith(start),
    "contains": _contains,
    "size": lambda found, least: isinstance(found, str | list | dict | set) and len(found) >= least,
    "in": lambda found, options: any(_same(found, option) for option in options),
    "between": lambda found, one, other: isinstance(found, Decimal) and min(one, other) <= found <= max(one, other),
}


# Updates: one action for each top-level name, so that none meets another

ACTIONS = st.one_of(
    st.tuples(st.just("set"), values),
    st.tuples(st.just("remove")),
    st.tuples(st.just("add"), st.one_of(numbers, sets)),
    st.tuples(st.just("delete"), sets),
    st.tuples(st.just("if_not_exists"), paths, values),
    st.tuples(st.sampled_from(["plus", "minus"]), paths, numbers),
    st.tuples(st.just("append"), paths, lists),
    st.tuples(st.just("set_within"), st.sampled_from(MEMBERS) | st.integers(0, 4), numbers),
    st.tuples(st.just("remove_within"), st.sampled_from(MEMBERS) | st.integers(0, 4)),
)
Asked = dict[str, tuple[Any, ...]]
updates: st.SearchStrategy[Asked] = st.dictionaries(st.sampled_from(NAMES), ACTIONS, min_size=1, max_size=3)


TEXTS = {
    "set": "SET {target} = {value}",
    "remove": "REMOVE {target}",
    "add": "ADD {target} {value}",
    "delete": "DELETE {target} {value}",
    "if_not_exists": "SET {target} = if_not_exists({operand}, {value})",
    "plus": "SET {target} = {operand} + {value}",
    "minus": "SET {target} = {operand} - {value}",
    "append": "SET {target} = list_append({operand}, {value})",
    "set_within": "SET {target} = {value}",
    "remove_within": "REMOVE {target}",
}


def update_text(asked: Asked, given: dict[str, Any]) -> str:
    """The update as an expression; its values go into `given`."""
    clauses: dict[str, list[str]] = {}
    for name, (kind, *operands) in asked.items():
        value = f":u{name}"
        if not kind.startswith("remove"):
            given[value] = pack(operands[-1])
        target = path_text((name, operands[0]) if kind.endswith("within") else (name,))
        operand = path_text(operands[0]) if kind in ("if_not_exists", "plus", "minus", "append") else ""
        clause, _, text = TEXTS[kind].format(target=target, operand=operand, value=value).partition(" ")
        clauses.setdefault(clause, []).append(text)
    return " ".join(f"{clause} {', '.join(found)}" for clause, found in clauses.items())


def updated(item: Item, asked: Asked) -> Item | None:
    """The item after the update; None when it is refused. Operands are read from the item as it was."""
    new = dict(item)
    try:
        for name, action in asked.items():
            left = _acted(item, name, action)
            if left is None:
                new.pop(name, None)
            else:
                new[name] = left
    except Refused:
        return None
    return new if _fits_indexes(new) else None


def _fits_indexes(item: Item) -> bool:
    return isinstance(item.get("g", ""), str) and isinstance(item.get("h", Decimal(0)), Decimal)


def is_refused_unseen(asked: Asked) -> bool:
    """Whether it is refused whatever the item is: by a value that does not fit an index's key, a path beneath one."""
    if any(kind.endswith("within") and name in ("g", "h") for name, (kind, *_) in asked.items()):
        return True
    return not _fits_indexes({name: operands[0] for name, (kind, *operands) in asked.items() if kind == "set"})


def _acted(item: Item, name: str, action: tuple[Any, ...]) -> Any:
    """What the attribute is afterwards; None: not there."""
    kind, *operands = action
    present = item.get(name)
    if kind == "set":
        return operands[0]
    if kind == "remove":
        return None
    if kind == "if_not_exists":
        found = found_at(item, operands[0])
        return operands[1] if found is None else found
    if kind in ("add", "delete"):
        return _gathered(present, kind, operands[0])
    if kind.endswith("within"):
        return _within(present, *operands)
    found = found_at(item, operands[0])
    if kind == "append":
        return found + operands[1] if isinstance(found, list) else _refuse()
    if not isinstance(found, Decimal):
        _refuse()
    return found + operands[1] if kind == "plus" else found - operands[1]


def _refuse() -> Any:
    raise Refused


def _gathered(present: Any, kind: str, given: Any) -> Any:
    """ADD and DELETE: of numbers and of sets of one kind."""
    if present is None:
        return given if kind == "add" else None
    if isinstance(given, Decimal):
        return present + given if isinstance(present, Decimal) else _refuse()
    if not isinstance(present, set) or type(next(iter(present))) is not type(next(iter(given))):
        _refuse()
    return (present | given) if kind == "add" else (present - given) or None


def _within(present: Any, step: Any, *value: Any) -> Any:
    """A member of a map, an element of a list: set, or with no value removed."""
    if not isinstance(present, list if isinstance(step, int) else dict):
        _refuse()
    if isinstance(present, dict):
        rest = {name: content for name, content in present.items() if name != step}
        return {**rest, step: value[0]} if value else rest
    if not value:
        return present[:step] + present[step + 1 :]
    return [*present[:step], value[0], *present[step + 1 :]]


def creates(asked: Asked) -> bool:
    """Whether the update makes an item where there was none."""
    return any(kind not in ("remove", "remove_within", "delete") for kind, *_ in asked.values())


# Projections

projections = st.lists(paths, min_size=1, max_size=4, unique_by=lambda path: path[0])


def projected(item: Item, wanted: list[Path]) -> Item:
    """The parts of the item that are there, in their places."""
    shown: Item = {}
    for name, *rest in wanted:
        found = found_at(item, (name, *rest))
        if found is not None:
            shown[name] = found if not rest else [found] if isinstance(rest[0], int) else {rest[0]: found}
    return shown
