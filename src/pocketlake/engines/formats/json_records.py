"""JSON records to an Arrow table by a Hive schema: the OpenX and the Hive deserialiser of Firehose.

The fast half reads the whole batch with pyarrow's JSON reader, which makes no Python object per record. It needs to be
told the exact keys and kinds of values ahead, so a few records are looked at first (json_wire). When the batch does not
fit what they promised it is cut into pieces; only the pieces that still do not fit go record by record (json_values),
which says which records fail and why. So one bad record costs its neighbours nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pocketlake.engines.formats import hive_types, json_timestamps, json_values, json_wire

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 1000  # records that go one by one when a batch is refused
BLOCK_BYTES = 1 << 20
NULL_DOCUMENT = re.compile(rb"}\s*null")

Column = tuple[str, str | hive_types.HiveType]


@dataclass(frozen=True, slots=True)
class JsonOptions:
    """`deserialiser` openx takes the first three options, hive the last ("millis" and Joda patterns)."""

    deserialiser: Literal["openx", "hive"] = "openx"
    case_insensitive: bool = True
    column_to_json_key: dict[str, str] = field(default_factory=dict)
    dots_to_underscores: bool = False
    timestamp_formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """`index` of the record in the batch, with Firehose's error code (DataFormatConversion...) and a message."""

    index: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Converted:
    table: pa.Table
    failures: list[Failure]


@dataclass(frozen=True, slots=True)
class _Plan:
    columns: dict[str, hive_types.HiveType]
    keys: json_values.Keys
    timestamp: json_timestamps.Parser
    options: JsonOptions
    schema: pa.Schema
    exact_decimals: bool


def convert(
    records: Sequence[bytes] | pa.LargeBinaryArray, columns: Iterable[Column], options: JsonOptions | None = None
) -> Converted:
    """The records that fit as rows of one table, in order; the others as failures.

    A record holds one JSON object, or several one after the other (then all of them become rows, or none). Timestamps
    are microseconds without zone. Raises HiveTypeError for a schema that cannot be read.
    """
    import pyarrow as pa

    plan = _plan(columns, options or JsonOptions())
    failures: list[Failure] = []
    tables: list[pa.Table] = []
    array = records if isinstance(records, pa.LargeBinaryArray) else pa.array(records, pa.large_binary())
    _convert_range(plan, array, 0, tables, failures)
    table = pa.concat_tables(tables) if tables else plan.schema.empty_table()
    return Converted(table, failures)


def _plan(columns: Iterable[Column], options: JsonOptions) -> _Plan:
    trees = {name: hive_types.parse(kind) if isinstance(kind, str) else kind for name, kind in columns}
    if options.deserialiser == "hive":
        keys = json_values.Keys(fold=True, dots=False, mapping={})
        timestamp = json_timestamps.hive(options.timestamp_formats)
    else:
        keys = json_values.Keys(options.case_insensitive, options.dots_to_underscores, options.column_to_json_key)
        timestamp = json_timestamps.openx
    exact = any("decimal" in str(tree) for tree in trees.values())
    return _Plan(trees, keys, timestamp, options, hive_types.arrow_schema(trees.items()), exact)


def _convert_range(
    plan: _Plan, records: pa.LargeBinaryArray, start: int, tables: list[pa.Table], failures: list[Failure]
) -> None:
    """Append the table and the failures of `records`, of which the first has the index `start`."""
    import pyarrow as pa

    if not len(records):
        return
    try:
        tables.append(_read_at_once(plan, records))
        return
    except (json_wire.Unfit, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # Not an error of anyone's yet: the exact reading below decides.
        pass
    if len(records) <= PIECE:
        tables.append(_read_one_by_one(plan, records.to_pylist(), start, failures))
        return
    for offset in range(0, len(records), PIECE):
        _convert_range(plan, records.slice(offset, PIECE), start + offset, tables, failures)


def _read_at_once(plan: _Plan, records: pa.LargeBinaryArray) -> pa.Table:
    """The whole batch by columns; raises when anything in it is not as the samples promised."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import json

    texts = records.view(pa.large_string())
    texts.validate(full=True)  # pyarrow's JSON reader does not look whether strings are UTF-8
    body, is_by_lines = _lines(texts)
    samples = json_wire.sample(texts)
    spelling = json_wire.Spelling(plan.keys)
    hive = plan.options.deserialiser == "hive"
    wires = json_wire.columns_of(plan.columns, samples, spelling, plan.timestamp, hive)
    table = json.read_json(
        pa.BufferReader(body),
        json.ReadOptions(block_size=max(BLOCK_BYTES, 2 * pc.max(pc.binary_length(texts)).as_py())),
        json.ParseOptions(
            explicit_schema=pa.schema([(wire.key, wire.type) for wire in wires]),
            newlines_in_values=not is_by_lines,
            unexpected_field_behavior="ignore",
        ),
    )
    rows = len(records)
    if table.num_rows != rows and (table.num_rows < rows or NULL_DOCUMENT.search(body)):
        raise json_wire.Unfit("records and rows differ")
    spelling.verify(body, {wire.key for wire in wires if table.column(wire.key).null_count == 0})
    arrays = [wire.finish(_one_chunk(table.column(wire.key))) for wire in wires]
    return pa.Table.from_arrays(arrays, schema=plan.schema)


def _lines(texts: pa.LargeStringArray) -> tuple[pa.Buffer, bool]:
    """(all records with new lines between them, whether there are no others).

    Producers mostly end their records with a new line: then nothing needs to be trimmed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    separator, newlines = "", len(texts)
    if not pc.all(pc.and_(pc.starts_with(texts, "{"), pc.ends_with(texts, "}\n"))).as_py():
        separator, newlines = "\n", 0
        texts = pc.ascii_trim_whitespace(texts)
        if not pc.all(pc.and_(pc.starts_with(texts, "{"), pc.ends_with(texts, "}"))).as_py():
            raise json_wire.Unfit("a record is no JSON object")
    whole = pa.LargeListArray.from_arrays(pa.array([0, len(texts)], pa.int64()), texts)
    body = pc.binary_join(whole, pa.scalar(separator, pa.large_string()))[0].as_buffer()
    return body, pc.sum(pc.count_substring(texts, "\n")).as_py() == newlines


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _read_one_by_one(plan: _Plan, records: list[bytes], start: int, failures: list[Failure]) -> pa.Table:
    import pyarrow as pa

    converters = {name: json_values.converter(tree, plan.keys, plan.timestamp) for name, tree in plan.columns.items()}
    wanted = {name: plan.keys.wanted(name) for name in plan.columns}
    rows: list[list[Any]] = []
    for index, record in enumerate(records, start):
        try:
            found = json_values.documents(record.strip(), plan.exact_decimals)
            rows += [json_values.row(document, converters, wanted, plan.keys) for document in found]
        except json_values.BadRecord as error:
            failures.append(Failure(index, error.code, error.message))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(converters)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, plan.schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=plan.schema)
