"""What every protocol is made of: it binds an operation's description to three functions, parse, respond and fail."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pocketlake.gateway.message import Request, Response
from pocketlake.gateway.protocol.shapes import Shape, Shapes
from pocketlake.gateway.protocol.validation import Checks
from pocketlake.kernel.errors import ServiceError

Pairs = Sequence[tuple[str, str]]
Parse = Callable[[Request, dict[str, str], Pairs], dict[str, Any]]
Respond = Callable[[dict[str, Any], str], Response]

# Strings whose patterns or enums a service judges by itself: Firehose lets plain http through to this machine.
# SQS names what it does not know in its own words.
LEFT_TO_SERVICES = frozenset(
    {"HttpEndpointUrl", "QueueAttributeName", "MessageSystemAttributeName", "MessageSystemAttributeNameForSends"}
)
# What services that have moved from query to JSON call their errors in query answers and in x-amzn-query-error, where
# that differs from the shape's name. The models have lost these. Source: botocore 1.31.0's model of SQS, and AWS's
# answers as LocalStack's tests recorded them.
QUERY_CODES = {
    "SQS": {
        "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "BatchRequestTooLong": "AWS.SimpleQueueService.BatchRequestTooLong",
        "EmptyBatchRequest": "AWS.SimpleQueueService.EmptyBatchRequest",
        "InvalidBatchEntryId": "AWS.SimpleQueueService.InvalidBatchEntryId",
        "MessageNotInflight": "AWS.SimpleQueueService.MessageNotInflight",
        "PurgeQueueInProgress": "AWS.SimpleQueueService.PurgeQueueInProgress",
        "QueueDeletedRecently": "AWS.SimpleQueueService.QueueDeletedRecently",
        "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
        "QueueNameExists": "QueueAlreadyExists",
        "TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "UnsupportedOperation": "AWS.SimpleQueueService.UnsupportedOperation",
        "InvalidParameterValueException": "InvalidParameterValue",
        "MissingRequiredParameterException": "MissingParameter",
    }
}
DEFAULT_STATUSES = {
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalError": 500,
    "NotImplemented": 501,
    "ServiceUnavailable": 503,
    "AccessDenied": 403,
    "UnrecognizedClientException": 403,
}


@dataclass(frozen=True)
class Description:
    """An operation as the model describes it."""

    name: str
    method: str
    uri: str
    status: int
    input: Shape | None
    output: Shape | None
    input_ref: dict[str, Any]
    output_ref: dict[str, Any]


@dataclass(frozen=True)
class Flaw:
    """An error of the model: the code on the wire, its HTTP status, whose fault it is, its shape."""

    code: str
    status: int
    sender: bool
    shape: Shape | None


class Protocol:
    """Base of the protocols; one instance per service model. Subclasses give `reader`, `responder` and `failure`."""

    validation_error = "ValidationException"

    def __init__(self, metadata: dict[str, Any], shapes: Shapes, validation_error: str) -> None:
        self.metadata = metadata
        self.shapes = shapes
        self.checks = Checks(LEFT_TO_SERVICES)
        self.query_codes = QUERY_CODES.get(metadata.get("serviceId", ""), {})
        # The kernel's default is the JSON services' code; query and XML services have their own unless told otherwise.
        self.refusal = validation_error if validation_error != "ValidationException" else self.validation_error

    def reader(self, description: Description, shape: Shape) -> Parse:
        raise NotImplementedError

    def responder(self, description: Description) -> Respond:
        raise NotImplementedError

    def failure(self, error: ServiceError, request_id: str) -> Response:
        raise NotImplementedError

    def malformed(self) -> ServiceError:
        """The refusal of a body that is nested too deep to be meant."""
        return ServiceError("SerializationException", "The request is nested too deeply.", 400)

    def parser(self, description: Description) -> Parse:
        shape = description.input
        if shape is None:
            return lambda request, labels, query: {}
        read = self.reader(description, shape)
        check = self.checks.structure(shape)
        tokens = tuple(name for name, member in shape.members.items() if member.trait("idempotencyToken"))

        def parse(request: Request, labels: dict[str, str], query: Pairs) -> dict[str, Any]:
            try:
                value = read(request, labels, query)
                for name in tokens:
                    if name not in value:
                        value[name] = str(uuid.uuid4())
                if check is not None and not check(value):
                    raise self.violation(shape, value)
            except RecursionError as mistake:
                raise self.malformed() from mistake
            return value

        return parse

    def violation(self, shape: Shape, value: dict[str, Any]) -> ServiceError:
        missing = _missing(shape, value) if "MissingRequiredParameterException" in self.query_codes else ""
        if missing:
            message = f"The request must contain the parameter {missing}."
            return ServiceError("MissingRequiredParameterException", message, 400)
        return ServiceError(self.refusal, self.checks.violations(shape, value), 400)

    @cached_property
    def flaws(self) -> dict[str, Flaw]:
        """The model's errors by shape name and by wire code."""
        found: dict[str, Flaw] = {}
        for shape in self.shapes.exceptions():
            about = shape.raw.get("error", {})
            status = about.get("httpStatusCode") or (500 if shape.raw.get("fault") else 400)
            sender = about.get("senderFault", status < 500)
            code = about.get("code") or self.query_codes.get(shape.name, shape.name)
            flaw = Flaw(code, status, sender, shape)
            found[shape.name] = flaw
            found.setdefault(flaw.code, flaw)
        return found

    def flaw(self, error: ServiceError) -> Flaw:
        """What is known of an error; its own status wins over the model's."""
        known = self.flaws.get(error.code)
        if known is None:
            status = error.status or DEFAULT_STATUSES.get(error.code, 400)
            return Flaw(self.query_codes.get(error.code, error.code), status, status < 500, None)
        return Flaw(known.code, error.status, error.status < 500, known.shape) if error.status else known


def _missing(shape: Shape, value: dict[str, Any]) -> str:
    """The first required member that is not there: `QueueUrl`, or `SendMessageBatchRequestEntry.2.Id` of a list."""
    for name, member in shape.members.items():
        given = value.get(name)
        if given is None:
            if name in shape.required:
                return name
        elif member.shape.type == "list" and member.shape.member.shape.type == "structure":
            inner = member.shape.member.shape
            for number, item in enumerate(given, 1):
                if item and (found := _missing(inner, item)):
                    return f"{inner.name}.{number}.{found}"
    return ""


def body_of(request: Request) -> bytes:
    """The whole body; who dispatches has read it before, unless the operation streams."""
    assert isinstance(request.body, bytes), "a body that is still arriving must be read before an operation parses it"
    return request.body


def message_key(shape: Shape | None) -> str:
    """`message` or `Message`, as this error's shape spells it."""
    for name, member in shape.members.items() if shape else ():
        if name.lower() == "message":
            return member.wire
    return "message"
