"""Errors on the wire: a sequence of codes that narrows down, a message, and DynamoDB's own error behind it.

The first code says what to do: 1 try again, 2 try again when the cluster has recovered, 3 give up, 4 ask otherwise.
Source: the tables of AWS's clients (DaxError.py, error.go).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pocketlake.kernel.errors import ServiceError

from . import values

FROM_DYNAMODB = (4, 37, 38, 39)
CODES: dict[str, tuple[int, ...]] = {
    "ProvisionedThroughputExceededException": (*FROM_DYNAMODB, 40),
    "ResourceNotFoundException": (*FROM_DYNAMODB, 41),
    "AccessDeniedException": (4, 37, 38, 42),
    "ConditionalCheckFailedException": (*FROM_DYNAMODB, 43),
    "NotImplemented": (4, 37, 38, 44),
    "ResourceInUseException": (*FROM_DYNAMODB, 45),
    "ValidationException": (*FROM_DYNAMODB, 46),
    "SerializationException": (*FROM_DYNAMODB, 46),
    "InternalServerError": (*FROM_DYNAMODB, 47),
    "ItemCollectionSizeLimitExceededException": (*FROM_DYNAMODB, 48),
    "LimitExceededException": (*FROM_DYNAMODB, 49),
    "ThrottlingException": (*FROM_DYNAMODB, 50),
    "TransactionConflictException": (*FROM_DYNAMODB, 57),
    "TransactionCanceledException": (*FROM_DYNAMODB, 58),
    "TransactionInProgressException": (*FROM_DYNAMODB, 59),
    "IdempotentParameterMismatchException": (*FROM_DYNAMODB, 60),
    "RequestLimitExceeded": (*FROM_DYNAMODB, 61),
    "MissingAuthenticationTokenException": (4, 23, 31, 33),
    "UnrecognizedClientException": (4, 23, 31, 32),
    "InvalidSignatureException": (4, 23, 31, 34),
    "ExpiredTokenException": (4, 23, 31, 34),
}
FAULT = (3, 37, 54)
TABLE_NOT_FOUND = (4, 23, 24)

EncodeItem = Callable[[int, dict[str, Any]], bytes]


def encode(error: ServiceError, request_id: str, encode_item: EncodeItem | None = None) -> bytes:
    """`encode_item(at, item)` writes the item that a transaction's cancellation shows of its request number `at`."""
    status = error.status or (500 if error.code.startswith("Internal") else 400)
    codes = error.members.get("DaxCodes") or CODES.get(error.code) or (FAULT if status >= 500 else (4, 37, 38, 39))
    details = [values.text(request_id), values.text(error.code), values.dump(status)]
    reasons = error.members.get("CancellationReasons")
    if reasons and encode_item is not None:
        flat: list[bytes] = []
        for at, reason in enumerate(reasons):
            item = reason.get("Item")
            flat += [
                values.text(reason["Code"]),
                values.dump(reason.get("Message")),
                values.NULL if item is None else values.binary(encode_item(at, item)),
            ]
        details.append(values.array(flat))
    return values.dump(list(codes)) + values.text(error.message) + values.array(details)
