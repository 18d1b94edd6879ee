"""What a model demands of a request: required members, lengths, ranges, patterns, enums.

Two halves. `compile_check` makes a predicate that the hot path runs: closures over plain values, None where there is
nothing to check, so that whole subtrees cost nothing. Only when it says no, `violations` walks model and value again
and words what is wrong as AWS's Coral framework does:

    2 validation errors detected: Value '[]' at 'records' failed to satisfy constraint: Member must have length greater
    than or equal to 1; Value '' at 'streamName' failed to satisfy constraint: Member must satisfy regular ...

Sources: the recorded answers in mhart/kinesalite test/putRecords.js, test/splitShard.js (order: pattern before length,
members of lists as 'records.1.member.data', blobs as 'java.nio.HeapByteBuffer[pos=0 lim=n cap=n]', at most ten errors)
and validations/index.js ("Member must satisfy constraint: [...]" for lists of scalars, "Map keys must satisfy ...");
postmates/cernan pull 210 ('records.97.member.data'); Cognito's "Value at 'password'" for sensitive members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pocketlake.gateway.protocol.patterns import matcher
from pocketlake.gateway.protocol.shapes import Member, Shape

Check = Callable[[Any], Any]
MOST_ERRORS = 10
LONGEST_SHOWN = 4_096  # characters of a refused value that its message repeats
LONGEST_MATCHED = 65_536  # characters; longer text is judged by its length alone, whatever the pattern
SIZED = frozenset({"string", "blob", "list", "map"})
NUMBERS = frozenset({"integer", "long", "float", "double"})
# DynamoDB's newer reads show no value where a size or a number is wrong, and name the member as the model does.
# Source: paritysuite/dynamodb-conformance, tests/tier3/error-messages/batchGetItem.test.ts and query.test.ts.
TERSE = frozenset({"BatchGetItemInput", "GetItemInput", "QueryInput"})
# AWS prints an enum in the order of a hash table. Those of DynamoDB, as mhart/dynalite's tests and
# paritysuite/dynamodb-conformance (tests/tier3/error-messages) recorded them, and what moto's tests met at AWS; others
# keep the model's order.
PRINTED = {
    frozenset(order): order
    for order in (
        ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
        ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
        ("B", "N", "S"),
        ("OR", "AND"),
        ("SIZE", "NONE"),
        ("PredictiveScaling", "StepScaling", "TargetTrackingScaling"),
    )
}


class Checks:
    """Compiles the checks of one service's shapes; `unjudged` structures, enums and patterns are the service's own."""

    def __init__(self, unjudged: frozenset[str] = frozenset()) -> None:
        self.unjudged = unjudged
        self._structures: dict[str, Check | None] = {}
        self._is_terse = False

    def compile(self, member: Member) -> Check | None:
        shape = member.shape
        if shape.type == "structure":
            return self.structure(shape)
        own = self._leaf(member)
        if shape.type == "list":
            return _all_of(own, self._list(shape))
        if shape.type == "map":
            return _all_of(own, self._map(shape))
        return own

    def structure(self, shape: Shape) -> Check | None:
        if shape.name in self.unjudged:
            return None
        if shape.name in self._structures:
            return self._structures[shape.name]
        cell: list[Check] = []
        # A shape that holds itself meets this indirection.
        self._structures[shape.name] = lambda value: cell[0](value)
        checks = []
        for name, member in shape.members.items():
            if member.shape.eventstream or member.streaming:
                continue
            check = self.compile(member)
            if check is not None:
                checks.append((name, check))
        made = _structure_check(frozenset(_demanded(shape)), tuple(checks))
        cell.append(made or _true)
        self._structures[shape.name] = made
        return made

    def _leaf(self, member: Member) -> Check | None:
        kind = member.shape.type
        low, high = member.trait("min"), member.trait("max")
        size = None
        if kind in SIZED and (low or high is not None):
            size = _sized(low or 0, high)
        elif kind in NUMBERS and (low is not None or high is not None):
            size = _between(low, high)
        if kind != "string" or member.shape.name in self.unjudged:
            return size
        if member.trait("enum"):
            return frozenset(member.trait("enum")).__contains__
        pattern = member.trait("pattern")
        return _all_of(size, _matching(pattern) if pattern else None)

    def _list(self, shape: Shape) -> Check | None:
        each = self.compile(shape.member)
        if shape.raw.get("sparse"):
            return each and (lambda items: all(item is None or each(item) for item in items))
        if each is None:
            return lambda items: None not in items

        def check(items: list[Any]) -> bool:
            for item in items:  # noqa: SIM110  (a generator costs twice the time)
                if item is None or not each(item):
                    return False
            return True

        return check

    def _map(self, shape: Shape) -> Check | None:
        key, value = self.compile(shape.key), self.compile(shape.value)
        if key is None and value is None:
            return None

        def check(items: dict[str, Any]) -> bool:
            if key is not None and not all(map(key, items)):
                return False
            return value is None or all(item is None or value(item) for item in items.values())

        return check

    def violations(self, shape: Shape, value: dict[str, Any]) -> str:
        """The message for a request that the compiled check refused."""
        found: list[str] = []
        self._is_terse = shape.name in TERSE
        for text in self._structure_violations(shape, value, ""):
            found.append(text)
            if len(found) == MOST_ERRORS:
                break
        plural = "error" if len(found) == 1 else "errors"
        return f"{len(found)} validation {plural} detected: {'; '.join(found)}"

    def _structure_violations(self, shape: Shape, value: dict[str, Any], path: str) -> Iterator[str]:
        demanded = _demanded(shape)
        for name, member in shape.members.items():
            item = value.get(name)
            here = path + lower_first(name)
            if item is None:
                if name in demanded:
                    yield f"Value null at '{here}' failed to satisfy constraint: Member must not be null"
            elif not (member.shape.eventstream or member.streaming):
                yield from self._member_violations(member, item, here)

    def _member_violations(self, member: Member, value: Any, path: str) -> Iterator[str]:
        shape = member.shape
        if shape.type == "structure":
            yield from self._structure_violations(shape, value, path + ".")
            return
        shown = "Value" if member.trait("sensitive") else f"Value '{_java(value, shape)[:LONGEST_SHOWN]}'"
        for constraint in self._constraints(member, value):
            if self._is_terse and shape.type != "string" and constraint.startswith("Member must have"):
                yield f"Value at '{_as_modelled(path)}' failed to satisfy constraint: {constraint}"
            else:
                yield f"{shown} at '{path}' failed to satisfy constraint: {constraint}"
        if shape.type == "list":
            yield from self._items_violations(shape.member, list(enumerate(value, 1)), path, shown, "Member")
        elif shape.type == "map":
            yield from self._items_violations(shape.key, [(key, key) for key in value], path, shown, "Map keys")
            yield from self._items_violations(shape.value, list(value.items()), path, shown, "Map value")

    def _items_violations(
        self, member: Member, items: list[tuple[Any, Any]], path: str, shown: str, what: str
    ) -> Iterator[str]:
        """Scalars are reported on their list or map as a whole, structures one by one."""
        if member.shape.type in ("structure", "list", "map"):
            for key, item in items:
                if item is not None:
                    yield from self._member_violations(member, item, f"{path}.{key}.member")
        elif any(item is not None and list(self._constraints(member, item)) for _, item in items):
            constraints = ", ".join(self._described(member))
            yield f"{shown} at '{path}' failed to satisfy constraint: {what} must satisfy constraint: [{constraints}]"
        if what == "Member" and any(item is None for _, item in items):
            yield f"{shown} at '{path}' failed to satisfy constraint: Member must not be null"

    def _constraints(self, member: Member, value: Any) -> Iterator[str]:
        """The constraints of this member's own that the value breaks."""
        kind = member.shape.type
        low, high = member.trait("min"), member.trait("max")
        if kind == "string" and member.shape.name not in self.unjudged:
            enum, pattern = member.trait("enum"), member.trait("pattern")
            if enum and value not in enum:
                yield _enum_text(enum)
            if enum:
                return
            if pattern and not _matching(pattern)(value):
                yield f"Member must satisfy regular expression pattern: {pattern}"
        measure, unit = (len(value), "length") if kind in SIZED else (value, "value")
        if kind in SIZED or kind in NUMBERS:
            if high is not None and measure > high:
                yield f"Member must have {unit} less than or equal to {high}"
            if low is not None and measure < low:
                yield f"Member must have {unit} greater than or equal to {low}"

    def _described(self, member: Member) -> Iterator[str]:
        unit = "length" if member.shape.type in SIZED else "value"
        if member.trait("enum"):
            yield _enum_text(member.trait("enum"))
            return
        if member.trait("max") is not None:
            yield f"Member must have {unit} less than or equal to {member.trait('max')}"
        if member.trait("min") is not None:
            yield f"Member must have {unit} greater than or equal to {member.trait('min')}"
        if member.trait("pattern"):
            yield f"Member must satisfy regular expression pattern: {member.trait('pattern')}"


def lower_first(name: str) -> str:
    """`StreamName` -> `streamName`, `KMSKeyArn` -> `kMSKeyArn`: Coral lowers the first letter only."""
    return name[:1].lower() + name[1:]


def _demanded(shape: Shape) -> list[str]:
    """Members that must be there. Streams are not values: an absent one is an empty one."""
    return [
        name
        for name in shape.required
        if name in shape.members and not shape.members[name].streaming and not shape.members[name].shape.eventstream
    ]


def _structure_check(required: frozenset[str], checks: tuple[tuple[str, Check], ...]) -> Check | None:
    if not required and not checks:
        return None
    if not checks:
        return lambda value: required <= value.keys()

    def check(value: dict[str, Any]) -> bool:
        if not required <= value.keys():
            return False
        for name, fits in checks:  # noqa: SIM110  (a generator costs twice the time)
            if name in value and not fits(value[name]):
                return False
        return True

    return check


def _true(_: Any) -> bool:
    return True


def _all_of(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second
    return lambda value: first(value) and second(value)


def _sized(low: int, high: int | None) -> Check:
    if high is None:
        return lambda value: len(value) >= low
    return lambda value: low <= len(value) <= high


def _between(low: float | None, high: float | None) -> Check:
    return lambda value: (low is None or value >= low) and (high is None or value <= high)


def _matching(pattern: str) -> Check:
    """Compiled at first use: translating Java's classes takes its time, and most patterns are never met."""
    cell: list[Any] = []

    def check(value: str) -> Any:
        if not cell:
            cell.append(matcher(pattern))
        test = cell[0]
        return test is None or len(value) > LONGEST_MATCHED or test(value)

    return check


def _as_modelled(path: str) -> str:
    """requestItems.table.member.keys -> RequestItems.table.member.Keys"""
    head, within, rest = path.rpartition(".member.")
    return f"{upper_first(head)}{within}{upper_first(rest)}" if within else upper_first(path)


def upper_first(name: str) -> str:
    return name[:1].upper() + name[1:]


def _enum_text(enum: list[str]) -> str:
    return f"Member must satisfy enum value set: [{', '.join(PRINTED.get(frozenset(enum), enum))}]"


def _java(value: Any, shape: Shape) -> str:
    """A value as Java prints it."""
    if value is None:
        return "null"
    if shape.type == "blob":
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if shape.type == "list":
        return f"[{', '.join(_java(item, shape.member.shape) for item in value)}]"
    if shape.type == "map":
        return f"{{{', '.join(f'{key}={_java(item, shape.value.shape)}' for key, item in value.items())}}}"
    if shape.type == "structure":
        shown = (f"{lower_first(name)}={_java(item, shape.members[name].shape)}" for name, item in value.items())
        return f"{shape.name}({', '.join(shown)})"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
