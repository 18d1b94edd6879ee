"""Transformation by a Lambda function: records out as base64 in one event, back with a verdict each.

Source: developer guide, "Transform source data in Amazon Data Firehose", "Required parameters for data transformation",
"Handle failure in data transformation". The codes of refused invocations and their texts are those of its "Monitor
Amazon Data Firehose using CloudWatch Logs" as remembered, not compared with it yet.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.lake import is_built
from pocketlake.kernel.resources import Resource

from . import failures
from .batches import Batch, Failed
from .service import errors

SERVICE = "lambda"
DEFAULT_RETRIES = 3
DEFAULT_BUFFER_MB = 1.0
MIB = 1024 * 1024
MESSAGES = {
    "Lambda.MissingRecordId": "One or more record Ids were not returned. Ensure that the Lambda function returns all "
    "received record Ids.",
    "Lambda.DuplicatedRecordId": "Multiple records were returned with the same record ID. Ensure that the Lambda "
    "function returns unique record IDs for each record.",
    "Lambda.JsonProcessingException": "There was an error parsing returned records from the Lambda function. Ensure "
    "that the returned records follow the status model required by Amazon Data Firehose.",
    "Lambda.FunctionError": "The Lambda function was successfully invoked but it returned an error result.",
    "Lambda.ProcessingFailedStatus": "ProcessingFailed status set for record",
    "Lambda.InvokeAccessDenied": "Access was denied. Ensure that the access policy allows access to the Lambda "
    "function.",
    "Lambda.ResourceNotFound": "The specified Lambda function does not exist. Use a different function that does "
    "exist.",
    "Lambda.InvokeLimitExceeded": "The Lambda concurrent execution limit is exceeded. Increase the concurrent "
    "execution limit.",
}
# Lambda's own errors that Firehose has other names for; the rest go by Lambda's.
REFUSALS = {
    "AccessDeniedException": "Lambda.InvokeAccessDenied",
    "ResourceNotFoundException": "Lambda.ResourceNotFound",
    "TooManyRequestsException": "Lambda.InvokeLimitExceeded",
}
RESULTS = ("Ok", "Dropped", "ProcessingFailed")

Answer = dict[int, tuple[bytes | None, dict[str, Any]]]


class Unprocessed(Exception):
    """The invocation, or its answer, is no good: all of its records fail with this code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or MESSAGES[code]


def validate(call: Call, parameters: dict[str, str]) -> None:
    if not parameters.get("LambdaArn"):
        raise errors.InvalidArgumentException("LambdaArn is required when Lambda processor is used.")
    if not 0 <= _number(parameters, "NumberOfRetries", DEFAULT_RETRIES) <= 300:
        raise errors.InvalidArgumentException("Number of retries for lambda must be between 0 and 300.")
    if ("BufferSizeInMBs" in parameters) != ("BufferIntervalInSeconds" in parameters):
        raise errors.InvalidArgumentException(
            "Both BufferSizeInMBs and BufferIntervalInSeconds are required to configure buffering for lambda processor."
        )
    if not 0.2 <= _number(parameters, "BufferSizeInMBs", DEFAULT_BUFFER_MB) <= 3:
        raise errors.InvalidArgumentException("BufferSizeInMBs for lambda processor must be between 0.2 and 3.")
    if not 0 <= _number(parameters, "BufferIntervalInSeconds", 60) <= 900:
        raise errors.InvalidArgumentException("BufferIntervalInSeconds for lambda processor must be between 0 and 900.")
    if not is_built(SERVICE):
        raise NotImplemented501("Firehose transformation by a Lambda function (the service lambda)")


def _number(parameters: dict[str, str], name: str, default: float) -> float:
    try:
        return float(parameters.get(name, default))
    except ValueError:
        raise errors.InvalidArgumentException(f"{name} for lambda processor must be a number.") from None


async def run(call: Call, stream: Resource, batch: Batch, parameters: dict[str, str]) -> tuple[Batch, list[Failed]]:
    """The records that came back Ok, with their new data and metadata; those that the function failed."""
    kept: list[int] = []
    data: list[bytes] = []
    found: list[dict[str, Any]] = []
    failed: list[Failed] = []
    for chunk in chunks(batch.data, _number(parameters, "BufferSizeInMBs", DEFAULT_BUFFER_MB) * MIB):
        event = event_of(stream, batch, chunk, call.region)
        answer, attempts, code, message = await _invoke(call, stream, parameters, event)
        for index in chunk:
            payload, about = answer.get(index, (None, {}))
            if about.get("result") == "Dropped":
                continue
            if payload is None:
                extra = {"lambdaArn": parameters["LambdaArn"]}
                failed.append(
                    Failed(batch.origin(index), failures.PROCESSING, code, message, attempts, batch.raw(index), extra)
                )
                continue
            kept.append(index)
            data.append(payload)
            found.append(about.get("metadata") or {})
    transformed = batch.select(kept, data)
    transformed.metadata = found
    return transformed, failed


def chunks(records: list[bytes], limit: float) -> Iterator[range]:
    """Stretches of records of one invocation each: as many as the buffer holds, one at least."""
    start = size = 0
    for index, record in enumerate(records):
        if index > start and size + len(record) > limit:
            yield range(start, index)
            start, size = index, 0
        size += len(record)
    if start < len(records):
        yield range(start, len(records))


def event_of(stream: Resource, batch: Batch, indexes: range, region: str) -> dict[str, Any]:
    """What the function receives. A record's ID is its place in the batch behind the batch's identity."""
    source = stream.get("Source")
    records = []
    for index in indexes:
        received = batch.received()[batch.origin(index)]
        record: dict[str, Any] = {
            "recordId": record_id(batch, index),
            "approximateArrivalTimestamp": int(received.arrival * 1000),
            "data": base64.b64encode(batch.data[index]).decode(),
        }
        if source:
            record["kinesisRecordMetadata"] = {
                "sequenceNumber": received.sequence_number,
                "subsequenceNumber": received.subsequence_number or 0,
                "partitionKey": received.partition_key,
                "shardId": received.shard,
                "approximateArrivalTimestamp": datetime.fromtimestamp(received.arrival, UTC).isoformat(),
            }
        records.append(record)
    event = {
        "invocationId": str(uuid.uuid5(batch.identity, str(indexes.start))),
        "deliveryStreamArn": stream.arn,
        "region": region,
        "records": records,
    }
    return {**event, "sourceKinesisStreamArn": source["KinesisStreamARN"]} if source else event


def record_id(batch: Batch, index: int) -> str:
    return f"{batch.identity.int:039}{index:017}"


async def _invoke(
    call: Call, stream: Resource, parameters: dict[str, str], event: dict[str, Any]
) -> tuple[Answer, int, str, str]:
    """(the answer, attempts made, code and message of the records that the answer leaves out)."""
    retries = int(_number(parameters, "NumberOfRetries", DEFAULT_RETRIES))
    function = getattr(call.as_(role_arn=parameters.get("RoleArn", "")).aws, SERVICE)
    payload = orjson.dumps(event)
    attempt, refusal = 0, Unprocessed("Lambda.FunctionError")
    while attempt <= retries:
        attempt += 1
        try:
            result = function.invoke(
                FunctionName=parameters["LambdaArn"], InvocationType="RequestResponse", Payload=payload
            )
            result = await result if inspect.isawaitable(result) else result
            answer = read(event, result)
            return answer, attempt, "Lambda.ProcessingFailedStatus", MESSAGES["Lambda.ProcessingFailedStatus"]
        except ServiceError as error:
            refusal = refused(error)
        except Unprocessed as error:
            refusal = error
            if error.code != "Lambda.FunctionError":
                break  # the function answered; asking again would give the same
    return {}, attempt, refusal.code, refusal.message


def refused(error: ServiceError) -> Unprocessed:
    """Why Lambda did not run the function, in Firehose's words."""
    code = REFUSALS.get(error.code)
    return Unprocessed(code) if code else Unprocessed(f"Lambda.{error.code}", error.message)


def read(event: dict[str, Any], result: dict[str, Any]) -> Answer:
    """The function's verdicts by index: (data, the whole record); no data for those that it failed. Raises
    Unprocessed."""
    if result.get("FunctionError"):
        raise Unprocessed("Lambda.FunctionError")
    numbers = {record["recordId"]: int(record["recordId"][-17:]) for record in event["records"]}
    answer: Answer = {}
    try:
        body = result["Payload"]
        for record in orjson.loads(body if isinstance(body, bytes | str) else body.read())["records"]:
            if record["recordId"] not in numbers:
                raise Unprocessed("Lambda.MissingRecordId")
            index = numbers[record["recordId"]]
            if index in answer:
                raise Unprocessed("Lambda.DuplicatedRecordId")
            if record["result"] not in RESULTS:
                raise Unprocessed("Lambda.JsonProcessingException")
            ok = record["result"] == "Ok"
            answer[index] = (base64.b64decode(record["data"], validate=True) if ok else None, record)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise Unprocessed("Lambda.JsonProcessingException") from None
    if len(answer) != len(numbers):
        raise Unprocessed("Lambda.MissingRecordId")
    return answer
