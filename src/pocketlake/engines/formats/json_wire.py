"""What pyarrow's JSON reader must be told before it reads a batch: the keys as the records spell them, and for each
value the Arrow type in which it comes over the wire, with the vectorised step from there to the Hive type.

Everything is guessed from a few records and must be proved by the whole batch: a value of another kind makes pyarrow
refuse, a key in another spelling is found by counting. `Unfit` sends the batch to the exact, slower way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from pocketlake.engines.formats import hive_types, json_timestamps
from pocketlake.engines.formats.json_values import Keys

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = 20
LOCAL_TEXT = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?$"
UTC_TEXT = LOCAL_TEXT.replace("$", "Z$")
INTEGERS = ("tinyint", "smallint", "int", "bigint")


class Unfit(Exception):
    """The batch is beyond the columnar reader."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A column or field: its key in the JSON, its Arrow type there, and the way from there to the Hive type."""

    key: str
    type: pa.DataType
    finish: Callable[[Any], Any]


class Spelling:
    """Finds the keys' spellings in the samples, and proves afterwards that no record spells one in another way."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.top: dict[str, str] = {}  # spelled -> folded, of columns
        self.nested: dict[str, str] = {}

    def of(self, wanted: str, samples: list[dict[str, Any]], top: bool) -> str:
        spellings = {key for sample in samples for key in sample if self.keys.name(key) == wanted}
        if len(spellings) > 1:
            raise Unfit(f"{wanted} is spelled in several ways")
        spelled = spellings.pop() if spellings else wanted
        if not spelled.isascii() or '"' in spelled or "\\" in spelled:
            raise Unfit("keys beyond plain ASCII are compared one by one")
        (self.top if top else self.nested)[spelled] = wanted
        return spelled

    def verify(self, buffer: pa.Buffer, complete: set[str]) -> None:
        """`complete` columns have a value in every row, so their key cannot hide under another spelling."""
        if not self.keys.fold and not self.keys.dots:
            return
        doubtful = {spelled: name for spelled, name in self.top.items() if spelled not in complete} | self.nested
        if not doubtful:
            return
        body = buffer.to_pybytes()
        folded = body.lower() if self.keys.fold else body
        for spelled, name in doubtful.items():
            alike = {name, spelled.lower() if self.keys.fold else spelled}
            if self.keys.dots:
                if name.count("_") > 1:
                    raise Unfit(f"{name} may be spelled in many ways")
                alike.add(name.replace("_", "."))
            if sum(folded.count(_quoted(text)) for text in alike) != body.count(_quoted(spelled)):
                raise Unfit(f"{name} is spelled in several ways")


def _quoted(name: str) -> bytes:
    return b'"' + name.encode() + b'"'


def sample(texts: pa.LargeStringArray) -> list[dict[str, Any]]:
    """Documents spread over the batch."""
    step = max(1, len(texts) // SAMPLES)
    try:
        documents = [orjson.loads(texts[at].as_py()) for at in range(0, len(texts), step)]
    except orjson.JSONDecodeError:
        raise Unfit("a sample does not parse alone") from None
    if not all(isinstance(document, dict) for document in documents):
        raise Unfit("a sample is no object")
    return documents


def columns_of(
    columns: dict[str, hive_types.HiveType],
    samples: list[dict[str, Any]],
    spelling: Spelling,
    timestamp: json_timestamps.Parser,
    hive: bool,
) -> list[Wire]:
    builder = _Builder(spelling, timestamp, hive)
    wires = [builder.field(spelling.keys.wanted(name), tree, samples, True) for name, tree in columns.items()]
    if len({wire.key for wire in wires}) != len(wires):
        raise Unfit("two columns read one key")
    return wires


class _Builder:
    def __init__(self, spelling: Spelling, timestamp: json_timestamps.Parser, hive: bool) -> None:
        self.spelling = spelling
        self.timestamp = timestamp
        self.hive = hive

    def field(self, wanted: str, tree: hive_types.HiveType, samples: list[dict[str, Any]], top: bool) -> Wire:
        key = self.spelling.of(wanted, samples, top)
        values = [value for document in samples if (value := document.get(key)) is not None]
        kind, finish = self.wire(tree, values)
        return Wire(key, kind, finish)

    def wire(self, tree: hive_types.HiveType, values: list[Any]) -> tuple[pa.DataType, Callable[[Any], Any]]:
        import pyarrow as pa

        target = hive_types.to_arrow(tree)
        match tree:
            case hive_types.Struct(fields):
                return self.struct(fields, values, target)
            case hive_types.Array(element):
                return self.array(element, values, target)
            case hive_types.Map():
                raise Unfit("pyarrow reads no maps")
            case hive_types.Primitive("timestamp"):
                return self.timestamps(values)
            case hive_types.Text(_, length):
                self.expect(values, str)
                return target, lambda array: _cut(array, length)
            case hive_types.Primitive("string"):
                self.expect(values, str)
                return target, _same
            case hive_types.Primitive("binary" | "date"):
                self.expect(values, str)
                return pa.string(), lambda array: array.cast(target)
            case hive_types.Primitive("boolean"):
                self.expect(values, bool)
                return target, _same
        return self.number(tree, values, target)

    def number(
        self, tree: hive_types.HiveType, values: list[Any], target: pa.DataType
    ) -> tuple[pa.DataType, Callable[[Any], Any]]:
        import pyarrow as pa

        kinds = {type(value) for value in values}
        if kinds == {str}:
            return pa.string(), lambda array: array.cast(target)
        if not kinds <= {int, float}:
            raise Unfit("mixed kinds of values")
        if isinstance(tree, hive_types.Primitive) and tree.name in INTEGERS:
            if float in kinds:
                return pa.float64(), lambda array: array.cast(target)
            return target, _same
        if isinstance(tree, hive_types.Decimal):
            return target, _checked
        return pa.float64(), lambda array: array.cast(target, safe=False)

    def timestamps(self, values: list[Any]) -> tuple[pa.DataType, Callable[[Any], Any]]:
        """Texts are parsed once for each distinct value: events share their seconds."""
        import pyarrow as pa

        kinds = {type(value) for value in values}
        if kinds <= {str}:
            return pa.string(), self.parse_distinct
        if kinds <= {int, float} and not self.hive:
            return pa.float64(), _epoch
        raise Unfit("timestamps of several kinds")

    def parse_distinct(self, array: Any) -> Any:
        import pyarrow as pa

        if self.timestamp is json_timestamps.openx and (cast := _cast_timestamps(array)) is not None:
            return cast
        distinct = array.dictionary_encode()
        try:
            parsed = [self.timestamp(text) for text in distinct.dictionary.to_pylist()]
        except (ValueError, OverflowError) as error:
            raise Unfit(str(error)) from None
        return pa.array(parsed, pa.int64()).take(distinct.indices).cast(pa.timestamp("us"))

    def struct(
        self, fields: tuple[hive_types.Field, ...], values: list[Any], target: pa.DataType
    ) -> tuple[pa.DataType, Callable[[Any], Any]]:
        import pyarrow as pa

        self.expect(values, dict)
        wires = [self.field(self.spelling.keys.name(field.name), field.type, values, False) for field in fields]

        def finish(array: Any) -> Any:
            parts = [wire.finish(array.field(at)) for at, wire in enumerate(wires)]
            return pa.StructArray.from_arrays(parts, fields=list(target), mask=array.is_null())

        return pa.struct([(wire.key, wire.type) for wire in wires]), finish

    def array(
        self, element: hive_types.HiveType, values: list[Any], target: pa.DataType
    ) -> tuple[pa.DataType, Callable[[Any], Any]]:
        import pyarrow as pa

        self.expect(values, list)
        kind, finish_item = self.wire(element, [item for value in values for item in value if item is not None])

        def finish(array: Any) -> Any:
            items = finish_item(array.values)
            return pa.ListArray.from_arrays(array.offsets, items, type=target, mask=array.is_null())

        return pa.list_(kind), finish

    def expect(self, values: list[Any], kind: type) -> None:
        if any(type(value) is not kind for value in values):
            raise Unfit(f"values that are no {kind.__name__}")


def _same(array: Any) -> Any:
    return array


def _checked(array: Any) -> Any:
    """pyarrow's JSON reader lets decimals pass that have too many digits."""
    array.validate(full=True)
    return array


def _cut(array: Any, length: int) -> Any:
    import pyarrow.compute as pc

    return pc.utf8_slice_codeunits(array, 0, length)


def _cast_timestamps(array: Any) -> Any:
    """Texts that are all of the one shape which pyarrow reads itself; None for any other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_utc = pc.any(pc.ends_with(array, "Z")).as_py()
    if not pc.all(pc.match_substring_regex(array, UTC_TEXT if is_utc else LOCAL_TEXT)).as_py():
        return None
    return (pc.utf8_rtrim(array, "Z") if is_utc else array).cast(pa.timestamp("us"))


def _epoch(array: Any) -> Any:
    """Seconds (with a fraction), or milliseconds when there are 13 digits before the point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    milliseconds = pc.greater_equal(pc.abs(array), 1e12)
    scaled = pc.multiply(array, pc.if_else(milliseconds, 1e3, 1e6))
    return pc.round(scaled).cast(pa.int64()).cast(pa.timestamp("us"))
