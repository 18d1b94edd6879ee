"""In the worker: the view over a scan's files, by format."""

from __future__ import annotations

import bz2
import gzip
import json
import os
from collections.abc import Callable
from typing import Any

from .results import _field as row_field
from .scan import ScanPlan
from .types import split_top

SAMPLE_LINES = 2000  # looked at to learn in which case a JSON file writes its keys


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def view(connection: Any, scan: ScanPlan) -> int:
    """Make the scan's view; the bytes read while doing so that the engine's own count does not see."""
    counted = 0
    if scan.rows is not None:
        body = _given(scan)
    elif not scan.files:
        body = _empty(scan)
    elif scan.format == "orc":
        body, counted = _orc(connection, scan)
    else:
        body = READERS[scan.format](connection, scan)
    connection.execute(f"CREATE TEMP VIEW {quote(scan.handle)} AS {body}")
    return counted


def _empty(scan: ScanPlan) -> str:
    columns = [f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in scan.columns + scan.partitions]
    return f"SELECT {', '.join(columns) or '1 AS __none'} WHERE false"


def _given(scan: ScanPlan) -> str:
    if not scan.rows:
        return _empty(scan)
    rows = ["(" + ", ".join("NULL" if item is None else text(item) for item in row) + ")" for row in scan.rows]
    names = [quote(f"c{number}") for number in range(len(scan.columns))]
    columns = [
        f"CAST({alias} AS {kind}) AS {quote(name)}" for alias, (name, kind) in zip(names, scan.columns, strict=True)
    ]
    return f"SELECT {', '.join(columns)} FROM (VALUES {', '.join(rows)}) AS t({', '.join(names)})"


def _files(scan: ScanPlan) -> str:
    return "[" + ", ".join(text(path) for path in scan.files) + "]"


def _hive(scan: ScanPlan) -> str:
    """The option by which partition values come from the path, as text: they are cast like any other text."""
    if not scan.partitions:
        return ", hive_partitioning = false"
    kinds = ", ".join(
        f"{text(name)}: {kind if kind in ('VARCHAR', 'INTEGER', 'BIGINT', 'DATE') else 'VARCHAR'}"
        for name, kind in scan.partitions
    )
    return f", hive_partitioning = true, hive_types = {{{kinds}}}"


def _partition_columns(scan: ScanPlan) -> list[str]:
    return [f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind in scan.partitions]


def _parquet(connection: Any, scan: ScanPlan) -> str:
    """By name, whatever its case in the file; a column that the files lack is NULL."""
    many = ", union_by_name = true" if len(scan.files) > 1 else ""
    source = f"read_parquet({_files(scan)}{many}{_hive(scan)})"
    have = {
        name.lower(): (name, kind)
        for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    }
    columns = []
    for name, kind in scan.columns:
        found, given = have.get(name, ("", ""))
        if not found:
            columns.append(f"CAST(NULL AS {kind}) AS {quote(name)}")
        elif given == kind:
            columns.append(f"{quote(found)} AS {quote(name)}")
        else:
            columns.append(f"CAST({quote(found)} AS {kind}) AS {quote(name)}")
    columns += _partition_columns(scan)
    return f"SELECT {', '.join(columns) or '1 AS __none'} FROM {source}"


def _delimited(connection: Any, scan: ScanPlan) -> str:
    """LazySimpleSerDe: no quotes, \\N is null, too many fields are dropped and missing ones are null."""
    options = scan.options
    delimiter = options.get("field.delim", options.get("serialization.format", "\x01"))
    delimiter = "\x01" if delimiter == "1" else delimiter
    null = options.get("serialization.null.format", "\\N")
    skip = int(options.get("skip.header.line.count", "0") or 0)
    source = _csv(scan, delimiter, "", options.get("escape.delim", ""), null, skip)
    columns = [_lazy(name, kind, options) for name, kind in scan.columns]
    return f"SELECT {', '.join(columns + _partition_columns(scan))} FROM {source}"


def _lazy(name: str, kind: str, options: dict[str, str]) -> str:
    """A field's text as its type: collections by their own delimiters, a value that does not fit is null."""
    column = quote(name)
    items, keys = (
        options.get("collection.delim", options.get("colelction.delim", "\x02")),
        options.get("mapkey.delim", "\x03"),
    )
    if kind == "VARCHAR":
        return column
    if kind == "BLOB":
        return f"from_base64({column}) AS {column}"
    if kind.endswith("[]"):
        return f"TRY_CAST(string_split({column}, {text(items)}) AS {kind}) AS {column}"
    if kind.startswith("MAP("):
        key, value = split_top(kind[4:-1])
        left = f"CAST(split_part(p, {text(keys)}, 1) AS {key})"
        right = f"TRY_CAST(split_part(p, {text(keys)}, 2) AS {value})"
        pairs = f"string_split({column}, {text(items)}), lambda p: {{'key': {left}, 'value': {right}}}"
        return f"map_from_entries(list_transform({pairs})) AS {column}"
    if kind.startswith("STRUCT("):
        parts = []
        for number, part in enumerate(split_top(kind[7:-1]), 1):
            inner, inside = row_field(part)
            parts.append(f"{text(inner)}: TRY_CAST(split_part({column}, {text(items)}, {number}) AS {inside})")
        return f"CASE WHEN {column} IS NOT NULL THEN {{{', '.join(parts)}}} END AS {column}"
    return f"TRY_CAST(trim({column}) AS {kind}) AS {column}" if kind != "BOOLEAN" else _boolean(column)


def _boolean(column: str) -> str:
    return f"CASE lower({column}) WHEN 'true' THEN true WHEN 'false' THEN false END AS {column}"


def _csv(scan: ScanPlan, delimiter: str, mark: str, escape: str, null: str | None, skip: int) -> str:
    columns = ", ".join(f"{text(name)}: 'VARCHAR'" for name, _ in scan.columns)
    nulls = f", nullstr = {text(null)}" if null is not None else ", nullstr = '\x00\x00'"
    return (
        f"read_csv({_files(scan)}, auto_detect = false, header = false, skip = {skip}, columns = {{{columns}}},"
        f" delim = {text(delimiter)}, quote = {text(mark)}, escape = {text(escape)}{nulls}, null_padding = true,"
        f" strict_mode = false, max_line_size = 33554432{_hive(scan)})"
    )


def _open_csv(connection: Any, scan: ScanPlan) -> str:
    """OpenCSVSerde: quoted fields; a column that is not text is read from its text, dates as days since 1970."""
    options = scan.options
    mark, separator = options.get("quoteChar", '"'), options.get("separatorChar", ",")
    skip = int(options.get("skip.header.line.count", "0") or 0)
    escape = options.get("escapeChar", '"')
    source = _csv(scan, separator, mark, mark if escape == "\\" else escape, None, skip)
    columns = []
    for name, kind in scan.columns:
        column = quote(name)
        if kind == "VARCHAR":
            columns.append(f"coalesce({column}, '') AS {column}")
        elif kind == "DATE":
            columns.append(
                f"coalesce(DATE '1970-01-01' + TRY_CAST({column} AS INTEGER), TRY_CAST({column} AS DATE)) AS {column}"
            )
        elif kind == "TIMESTAMP":
            columns.append(
                f"coalesce(epoch_ms(TRY_CAST({column} AS BIGINT)), TRY_CAST({column} AS TIMESTAMP)) AS {column}"
            )
        else:
            columns.append(f"TRY_CAST(nullif({column}, '') AS {kind}) AS {column}")
    return f"SELECT {', '.join(columns + _partition_columns(scan))} FROM {source}"


def _json(connection: Any, scan: ScanPlan) -> str:
    """JSON lines. Hive's keys have no case, DuckDB's have: the file's own spelling is looked up first."""
    spelled = _spellings(scan)
    source_columns, columns = [], []
    wanted_names = {name: scan.options.get(f"mapping.{name}", name) for name, _ in scan.columns}
    if any(len(spelled.get(wanted.lower(), ())) > 1 for wanted in wanted_names.values()):
        return _mixed_json(scan, wanted_names, spelled)
    for name, kind in scan.columns:
        wanted = wanted_names[name]
        names = sorted(spelled.get(wanted.lower(), {wanted}))
        read = (
            "VARCHAR"
            if kind in ("TIMESTAMP", "DATE")
            else "JSON"
            if kind.startswith(("STRUCT", "MAP")) or kind.endswith("]")
            else kind
        )
        source_columns += [f"{text(spelling)}: {text(read)}" for spelling in names]
        columns.append(f"{_from_json(quote(names[0]), kind, read)} AS {quote(name)}")
    listed = f"columns = {{{', '.join(source_columns)}}}" if source_columns else "columns = {'__none': 'VARCHAR'}"
    ignore = "true" if scan.options.get("ignore.malformed.json", "false").lower() == "true" else "false"
    source = (
        f"read_json({_files(scan)}, format = 'newline_delimited', {listed}, ignore_errors = {ignore},"
        f" maximum_object_size = 33554432{_hive(scan)})"
    )
    return f"SELECT {', '.join(columns + _partition_columns(scan)) or '1 AS __none'} FROM {source}"


def _mixed_json(scan: ScanPlan, wanted: dict[str, str], spelled: dict[str, set[str]]) -> str:
    """One key in several spellings: each line is read whole, and every spelling looked up in it."""
    columns = []
    for name, kind in scan.columns:
        names = sorted(spelled.get(wanted[name].lower(), {wanted[name]}))
        paths = [text('$."' + spelling.replace('"', "") + '"') for spelling in names]
        nested = kind.startswith(("STRUCT", "MAP")) or kind.endswith("]")
        get = "json_extract" if nested else "json_extract_string"
        found = ", ".join(f"{get}(json, {path})" for path in paths)
        read = "JSON" if nested else "VARCHAR"
        value = _from_json(f"coalesce({found})", kind, read)
        columns.append(
            f"{value if nested or kind in ('TIMESTAMP', 'DATE') else f'CAST({value} AS {kind})'} AS {quote(name)}"
        )
    source = f"read_json_objects({_files(scan)}, format = 'newline_delimited'{_hive(scan)})"
    return f"SELECT {', '.join(columns + _partition_columns(scan)) or '1 AS __none'} FROM {source}"


def _from_json(value: str, kind: str, read: str) -> str:
    if read == "JSON":
        return f"CAST({value} AS {kind})"
    if kind == "TIMESTAMP":
        return f"coalesce(TRY_CAST({value} AS TIMESTAMP), epoch_ms(TRY_CAST({value} AS BIGINT)))"
    return f"TRY_CAST({value} AS DATE)" if kind == "DATE" else value


def _spellings(scan: ScanPlan) -> dict[str, set[str]]:
    """Every spelling of a key, by its lower case, in the first lines of the first and the last file."""
    found: dict[str, set[str]] = {}
    for path in {scan.files[0], scan.files[-1]}:
        with _opened(path) as lines:
            for number, line in enumerate(lines):
                if number >= SAMPLE_LINES:
                    break
                try:
                    document = json.loads(line)
                except ValueError:
                    continue
                for key in document if isinstance(document, dict) else ():
                    found.setdefault(key.lower(), set()).add(key)
    return found


def _opened(path: str) -> Any:
    if path.endswith(".gz"):
        return gzip.open(path, "rb")
    return open(path, "rb") if not path.endswith(".zst") else _nothing(path)


def _nothing(path: str) -> Any:
    return open(os.devnull, "rb")


def _orc(connection: Any, scan: ScanPlan) -> tuple[str, int]:
    """ORC goes through Arrow, only the stripes' columns that are asked for; the bytes are counted at the file."""
    import pyarrow as pa
    from pyarrow import orc

    tables, counted = [], 0
    for path in scan.files:
        with open(path, "rb") as raw:
            file = Counted(raw)
            reader = orc.ORCFile(pa.PythonFile(file, mode="r"))
            names = {name.lower(): name for name in reader.schema.names}
            table = reader.read(columns=[names[name] for name, _ in scan.columns if name in names])
            counted += file.bytes_read
        table = table.rename_columns([name.lower() for name in table.column_names])
        values = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
        for name, _ in scan.partitions:
            table = table.append_column(name, pa.array([values[name]] * len(table), pa.string()))
        tables.append(table)
    whole = pa.concat_tables(tables, promote_options="default")
    connection.register(f"{scan.handle}__orc", whole)
    columns = [
        f"CAST({quote(name) if name in whole.column_names else 'NULL'} AS {kind}) AS {quote(name)}"
        for name, kind in scan.columns + scan.partitions
    ]
    return f"SELECT {', '.join(columns) or '1 AS __none'} FROM {quote(scan.handle + '__orc')}", counted


class Counted:
    """A file that knows how many bytes it handed out."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.bytes_read = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        self.bytes_read += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self.closed = True


def unpack(scan: ScanPlan) -> int:
    """bzip2 is unknown to the engine: such files are unpacked beside themselves. The packed bytes are what was read."""
    counted = 0
    for number, path in enumerate(scan.files):
        if path.endswith(".bz2"):
            counted += os.path.getsize(path)
            plain = path.removesuffix(".bz2")
            with bz2.open(path, "rb") as packed, open(plain, "wb") as target:
                while piece := packed.read(1 << 20):
                    target.write(piece)
            scan.files[number] = plain
    return counted


READERS: dict[str, Callable[[Any, ScanPlan], str]] = {
    "parquet": _parquet,
    "text": _delimited,
    "opencsv": _open_csv,
    "json": _json,
}
