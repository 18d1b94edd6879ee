"""Metadata extraction: a jq query over each record gives the partition keys.

Firehose runs jq 1.6; here it is the libjq of the `jq` package. Source: developer guide, "Understand partitioning keys".
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from pocketlake.kernel.call import Call

from . import failures
from .batches import Batch, Failed
from .service import errors

ENGINE = "JQ-1.6"
EXTRACTION_FAILED = "DynamicPartitioning.MetadataExtractionFailed"
KEY = re.compile(r'\s*(?:"([^"]*)"|\$?([A-Za-z_][A-Za-z0-9_]*))\s*(?::|$)')
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\](),]|[^"{}\[\](),]+')


def validate(call: Call, parameters: dict[str, str]) -> None:
    import jq

    if parameters.get("JsonParsingEngine") != ENGINE:
        raise errors.InvalidArgumentException(f"MetaDataExtraction JSON Parsing Engine has to be one of {ENGINE}")
    if not parameters.get("MetadataExtractionQuery"):
        raise errors.InvalidArgumentException("MetadataExtractionQuery should be present for MetadataExtraction")
    try:
        jq.compile(parameters["MetadataExtractionQuery"])
    except ValueError as error:
        raise errors.InvalidArgumentException(f"MetaDataExtraction JQ Query is not valid: {error}") from None


def check_keys(parameters: dict[str, str], wanted: set[str]) -> None:
    """The keys of the query and of the prefix must be the same."""
    extracted = query_keys(parameters["MetadataExtractionQuery"])
    if extracted is None:
        return
    if extracted - wanted:
        raise errors.InvalidArgumentException(
            "MetaDataExtraction JQ Query can't contain keys that are not present in the S3 Prefix expression"
        )
    if wanted - extracted:
        raise errors.InvalidArgumentException(
            "S3 Prefix expression can't contain keys that are not present in the MetaDataExtraction JQ Query"
        )


def query_keys(query: str) -> set[str] | None:
    """The keys of a query that constructs one object, as `{a: .x, "b": .y.z}` does; None when it is something else."""
    text = query.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return None
    keys, depth, entry = set(), 0, ""
    for token in [*TOKENS.findall(text[1:-1]), ","]:
        depth += (token in ("{", "[", "(")) - (token in ("}", "]", ")"))
        if depth < 0:
            return None
        if token == "," and depth == 0:
            if entry.strip():
                found = KEY.match(entry)
                if found is None:
                    return None
                keys.add(found[1] if found[1] is not None else found[2])
            entry = ""
        else:
            entry += token
    return keys


def run(batch: Batch, parameters: dict[str, str]) -> tuple[Batch, list[Failed]]:
    """Runs in a thread: a compiled program keeps a state a thread."""
    import jq

    program = jq.compile(parameters["MetadataExtractionQuery"])
    kept, found, failed = [], [], []
    for index, record in enumerate(batch.data):
        try:
            keys = _extract(program, record)
        except ValueError as error:
            failed.append(
                Failed(batch.origin(index), failures.PROCESSING, EXTRACTION_FAILED, str(error), raw=batch.raw(index))
            )
        else:
            kept.append(index)
            found.append(keys)
    batch = batch.select(kept) if failed else batch.select(range(len(batch)))
    batch.query_keys = found
    return batch, failed


def _extract(program: Any, record: bytes) -> dict[str, str]:
    """The record's keys; ValueError says why there are none, in Firehose's words where they are known."""
    try:
        text = record.decode()
        orjson.loads(record)
    except ValueError:
        raise ValueError("Non JSON record provided") from None
    results = program.input_text(text).all()
    if len(results) != 1 or not isinstance(results[0], dict):
        raise ValueError("MetadataExtractionQuery must give one JSON object for each record")
    return {name: key_text(value) for name, value in results[0].items()}


def key_text(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    if not text:
        raise ValueError("partitionKeys values must not be null or empty")
    return text
