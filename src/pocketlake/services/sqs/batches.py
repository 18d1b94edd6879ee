"""Batches: up to ten entries with IDs of their own, each of which succeeds or fails alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pocketlake.kernel.errors import ServiceError

from . import quotas
from .service import errors

ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
MOST = int(quotas.BATCH_ENTRIES.value)
# What an entry's failure is called, where that is not the error's own name.
CODES = {
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
    "MessageNotInflight": "AWS.SimpleQueueService.MessageNotInflight",
}


def check(entries: list[dict[str, Any]], shape: str) -> None:
    """Number and IDs.  [SQS-011]"""
    if not entries:
        raise errors.EmptyBatchRequest(f"There should be at least one {shape} in the request.")
    if len(entries) > MOST:
        raise errors.TooManyEntriesInBatchRequest(
            f"Maximum number of entries per request are {MOST}. You have sent {len(entries)}."
        )
    seen = set()
    for entry in entries:
        if not ID.fullmatch(entry["Id"]):
            raise errors.InvalidBatchEntryId(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                "It can be at most 80 letters long."
            )
        if entry["Id"] in seen:
            raise errors.BatchEntryIdsNotDistinct(f"Id {entry['Id']} repeated.")
        seen.add(entry["Id"])


def run(entries: list[dict[str, Any]], act: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Each entry's answer. `act` must raise before it writes."""
    successful, failed = [], []
    for entry in entries:
        try:
            successful.append({"Id": entry["Id"], **act(entry)})
        except ServiceError as error:
            code = CODES.get(error.code, error.code)
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": code, "Message": error.message})
    return {"Successful": successful, "Failed": failed}
