"""JSON files: lines, concatenated documents, or one array; and the types of what is in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from pocketlake.engines.formats import schemas
from pocketlake.engines.formats.hive_types import Array, Field, HiveType, Primitive, Struct

MAX_DOCUMENTS = 10_000
INT = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class JsonFinding:
    """`documents` were read of the sample, which is `read` characters long."""

    columns: schemas.Columns
    documents: int


def find(text: str, is_whole: bool) -> JsonFinding | None:
    """The schema of the documents at the beginning of the text; None when it is no JSON.

    A file that is one array is a table with the single column `array`, as Glue makes it of such files.
    """
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start == "{":
        documents = _documents(text, is_whole)
        if not documents:
            return None
        columns = schemas.merge_columns(_shapes(documents))
        lowered = tuple(Field(column.name.lower(), schemas.settle(column.type)) for column in columns)
        return JsonFinding(lowered, len(documents))
    if start == "[":
        items = _array(text, is_whole)
        return (
            None if items is None else JsonFinding((Field("array", schemas.settle(_type(items) or schemas.STRING)),), 1)
        )
    return None


def _documents(text: str, is_whole: bool) -> list[dict[str, Any]]:
    lines = [line for line in text.splitlines() if line.strip()][: MAX_DOCUMENTS + 1]
    if not is_whole and len(lines) <= MAX_DOCUMENTS:
        lines = lines[:-1]
    try:
        found = [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError:
        found = []
    if not found:
        found = _concatenated(text, is_whole)
    return found if all(isinstance(document, dict) for document in found) else []


def _concatenated(text: str, is_whole: bool) -> list[Any]:
    """Documents one after the other; an error at a sample's end is where the sample was cut."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at = 0
    text = text.strip("\ufeff \t\r\n")
    while at < len(text) and len(found) < MAX_DOCUMENTS:
        try:
            document, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return [] if is_whole else found
        found.append(document)
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
    return found


def _array(text: str, is_whole: bool) -> list[Any] | None:
    if is_whole:
        try:
            whole = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        return whole if isinstance(whole, list) else None
    items: list[Any] = []
    decoder = json.JSONDecoder()
    at = text.index("[") + 1
    while len(items) < MAX_DOCUMENTS:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            item, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        items.append(item)
    return items or None


def _shapes(documents: list[dict[str, Any]]) -> Iterator[list[Field]]:
    """The fields of each kind of document once: most documents of a file look like one before."""
    seen: set[tuple[Any, ...]] = set()
    for document in documents:
        shape = (*document, *map(_kind, document.values()))
        if shape not in seen:
            seen.add(shape)
            yield _fields(document)


def _kind(value: Any) -> Any:
    """Equal for values of the same Hive type."""
    kind = type(value)
    if kind is int:
        return "int" if value in INT else "bigint"
    return _type(value) if kind is dict or kind is list else kind


def _fields(document: dict[str, Any]) -> list[Field]:
    return [Field(name, _type(value)) for name, value in document.items()]  # type: ignore[arg-type]


def _type(value: Any) -> HiveType | None:
    """int or bigint by the value, double, boolean, string, struct, array; None for null."""
    match value:
        case None:
            return None
        case bool():
            return Primitive("boolean")
        case int():
            return Primitive("int" if value in INT else "bigint")
        case float():
            return Primitive("double")
        case dict():
            return Struct(schemas.merge_columns([_fields(value)])) if value else schemas.STRING
        case list():
            kind: HiveType | None = None
            for item in value:
                kind = schemas.merge_types(kind, _type(item))
            return Array(kind or schemas.UNKNOWN)
    return Primitive("string")
