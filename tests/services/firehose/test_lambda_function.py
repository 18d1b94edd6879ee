"""The envelope of a transformation: what the function would receive, and how its answer is read.

The service that runs functions is not there yet; these are the pure parts on both sides of the call.
"""

import base64
import uuid

import orjson
import pytest

from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource
from pocketlake.services.firehose import lambda_function, store
from pocketlake.services.firehose.batches import Batch

ARN = "arn:aws:firehose:us-east-1:000000000000:deliverystream/d"


def batch(*records, origin=None):
    arrival = store.Arrival(7, 1000.25, b"".join(records), tuple(map(len, records)), origin)
    return Batch(uuid.UUID(int=1).hex, [arrival], 1, 1000.25)


def stream(**body):
    return Resource("", "d", ARN, body, {}, 0.0)


def event(records):
    return lambda_function.event_of(stream(), batch(*records), range(len(records)), "us-east-1")


def answer(*records):
    return {"StatusCode": 200, "Payload": orjson.dumps({"records": list(records)})}


def back(sent, result, data=None, **more):
    given = {} if data is None else {"data": base64.b64encode(data).decode()}
    return {"recordId": sent["recordId"], "result": result, **given, **more}


def test_the_event_names_the_stream_and_each_record():
    found = event([b"a", b"b"])
    assert found["deliveryStreamArn"] == ARN
    assert found["region"] == "us-east-1"
    assert "sourceKinesisStreamArn" not in found
    assert [record["data"] for record in found["records"]] == ["YQ==", "Yg=="]
    assert [record["approximateArrivalTimestamp"] for record in found["records"]] == [1_000_250] * 2
    assert len({record["recordId"] for record in found["records"]}) == 2
    assert found == event([b"a", b"b"])  # an invocation that is tried again asks the same


def test_the_event_of_a_kinesis_source_tells_of_the_shard():
    shard = "shardId-000000000003"
    origin = {"shard": shard, "numbers": ["42"], "subnumbers": [None], "keys": ["k"], "arrivals": [1000.5]}
    source = {"KinesisStreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}
    found = lambda_function.event_of(stream(Source=source), batch(b"a", origin=origin), range(1), "us-east-1")
    assert found["sourceKinesisStreamArn"] == source["KinesisStreamARN"]
    told = found["records"][0]["kinesisRecordMetadata"]
    assert (told["shardId"], told["partitionKey"], told["sequenceNumber"]) == (shard, "k", "42")


def test_each_record_has_its_own_verdict():
    sent = event([b"a", b"b", b"c"])
    keys = {"partitionKeys": {"x": "1"}}
    first, second, third = sent["records"]
    found = lambda_function.read(
        sent, answer(back(third, "ProcessingFailed"), back(first, "Ok", b"A", metadata=keys), back(second, "Dropped"))
    )
    assert found[0] == (b"A", back(first, "Ok", b"A", metadata=keys))
    assert found[1] == (None, back(second, "Dropped"))
    assert found[2][0] is None


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda sent: answer(back(sent[0], "Ok", b"A")), "Lambda.MissingRecordId"),
        (lambda sent: answer(*[back(sent[0], "Ok", b"A")] * 2), "Lambda.DuplicatedRecordId"),
        (lambda sent: answer({"recordId": "other", "result": "Dropped"}), "Lambda.MissingRecordId"),
        (lambda sent: answer(*[back(record, "Maybe") for record in sent]), "Lambda.JsonProcessingException"),
        (lambda sent: answer(*[back(record, "Ok") for record in sent]), "Lambda.JsonProcessingException"),
        (
            lambda sent: answer(*[{**back(r, "Ok"), "data": "no base64!"} for r in sent]),
            "Lambda.JsonProcessingException",
        ),
        (lambda sent: {"Payload": b"nonsense"}, "Lambda.JsonProcessingException"),
        (lambda sent: {"Payload": b"{}"}, "Lambda.JsonProcessingException"),
        (lambda sent: {"FunctionError": "Unhandled", "Payload": b"{}"}, "Lambda.FunctionError"),
    ],
)
def test_an_answer_that_breaks_the_rules_fails_all_of_its_records(make, code):
    sent = event([b"a", b"b"])
    with pytest.raises(lambda_function.Unprocessed) as caught:
        lambda_function.read(sent, make(sent["records"]))
    assert caught.value.code == code
    assert caught.value.message == lambda_function.MESSAGES[code]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ResourceNotFoundException", "Lambda.ResourceNotFound"),
        ("AccessDeniedException", "Lambda.InvokeAccessDenied"),
        ("TooManyRequestsException", "Lambda.InvokeLimitExceeded"),
        ("InvalidSubnetIDException", "Lambda.InvalidSubnetIDException"),
    ],
)
def test_what_lambda_refuses_has_firehoses_name(code, told):
    refusal = lambda_function.refused(ServiceError(code, "why"))
    assert refusal.code == told
    assert refusal.message == ("why" if code in told else lambda_function.MESSAGES[told])


@pytest.mark.parametrize(
    ("sizes", "limit", "expected"),
    [
        ([], 10, []),
        ([4, 4, 4], 10, [range(2), range(2, 3)]),
        ([11, 1, 9, 1], 10, [range(1), range(1, 3), range(3, 4)]),
    ],
)
def test_an_invocation_takes_as_many_records_as_its_buffer_holds(sizes, limit, expected):
    assert list(lambda_function.chunks([b"x" * size for size in sizes], limit)) == expected
