"""Several records in one: JSON documents one after the other, or what stands between delimiters.

Source: developer guide, "Apply dynamic partitioning to aggregated data".
"""

from __future__ import annotations

import base64
import binascii
import json

import orjson

from pocketlake.kernel.call import Call

from . import failures
from .batches import Batch, Failed
from .service import errors

SUB_RECORD_TYPES = ("JSON", "DELIMITED")
SPACE = " \t\r\n"


def validate(call: Call, parameters: dict[str, str]) -> None:
    kind = parameters.get("SubRecordType")
    if kind not in SUB_RECORD_TYPES:
        raise errors.InvalidArgumentException(f"SubRecordType has to be one of {', '.join(SUB_RECORD_TYPES)}")
    if kind == "DELIMITED":
        if not parameters.get("Delimiter"):
            raise errors.InvalidArgumentException("Delimiter should be present for DELIMITED")
        try:
            base64.b64decode(parameters["Delimiter"], validate=True)
        except binascii.Error:
            raise errors.InvalidArgumentException("Delimiter should be base64 encoded") from None


def run(batch: Batch, parameters: dict[str, str]) -> tuple[Batch, list[Failed]]:
    delimiter = b""
    if parameters["SubRecordType"] == "DELIMITED":
        delimiter = base64.b64decode(parameters["Delimiter"])
    kept: list[int] = []
    data: list[bytes] = []
    failed: list[Failed] = []
    for index, record in enumerate(batch.data):
        try:
            parts = [part for part in record.split(delimiter) if part] if delimiter else documents(record)
        except (ValueError, RecursionError):
            failed.append(
                Failed(
                    batch.origin(index),
                    failures.PROCESSING,
                    "DynamicPartitioning.RecordDeAggregationFailed",
                    "Non JSON record provided",
                    raw=batch.raw(index),
                )
            )
            continue
        kept += [index] * len(parts)
        data += parts
    return batch.select(kept, data), failed


def documents(record: bytes) -> list[bytes]:
    """The JSON objects of a record, each as its own bytes; ValueError when there is anything else in it."""
    lines = [line for line in record.splitlines() if line.strip()]
    try:
        found = [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError:
        return _consecutive(record)
    _expect_objects(found)
    return lines


def _consecutive(record: bytes) -> list[bytes]:
    """Documents that stand on one line, or span several."""
    text, at, parts = record.decode(), 0, []
    decoder = json.JSONDecoder()
    while at < len(text):
        if text[at] in SPACE:
            at += 1
            continue
        document, end = decoder.raw_decode(text, at)
        _expect_objects([document])
        parts.append(text[at:end].encode())
        at = end
    return parts


def _expect_objects(found: list[object]) -> None:
    if not all(isinstance(document, dict) for document in found):
        raise ValueError("a JSON document that is no object")


def append_delimiter(batch: Batch, parameters: dict[str, str]) -> tuple[Batch, list[Failed]]:
    """Each record ends with the delimiter, a new line if none is given. Infrastructure code writes it as `\\\\n`."""
    delimiter = parameters.get("Delimiter", "\\n").encode().decode("unicode_escape").encode("latin-1")
    return batch.select(range(len(batch)), [record + delimiter for record in batch.data]), []
