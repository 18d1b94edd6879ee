"""The messages of CloudWatch Logs' subscription records, without the envelope around them.

Source: developer guide, "Message extraction after decompression of CloudWatch Logs".
"""

from __future__ import annotations

import orjson

from pocketlake.kernel.call import Call

from . import failures
from .batches import Batch, Failed
from .service import errors

DATA, CONTROL = "DATA_MESSAGE", "CONTROL_MESSAGE"


def validate(call: Call, parameters: dict[str, str]) -> None:
    if parameters.get("DataMessageExtraction", "").lower() not in ("true", "false"):
        raise errors.InvalidArgumentException("DataMessageExtraction has to be one of true, false")


def run(batch: Batch, parameters: dict[str, str]) -> tuple[Batch, list[Failed]]:
    """Each record's messages, one a line. Control messages, by which CloudWatch Logs tries a destination, go."""
    if parameters["DataMessageExtraction"].lower() == "false":
        return batch, []
    kept, data, failed = [], [], []
    for index, record in enumerate(batch.data):
        try:
            messages = _messages(record)
        except (ValueError, KeyError, TypeError, AttributeError):
            message = "The record is not a CloudWatch Logs subscription record."
            code = "CloudWatchLogProcessing.MalformedData"
            failed.append(Failed(batch.origin(index), failures.PROCESSING, code, message, raw=batch.raw(index)))
            continue
        if messages:
            kept.append(index)
            data.append("".join(f"{message}\n" for message in messages).encode())
    return batch.select(kept, data), failed


def _messages(record: bytes) -> list[str]:
    document = orjson.loads(record)
    if document["messageType"] == CONTROL:
        return []
    return [event["message"] for event in document["logEvents"]]
