"""JSON and query say the same; queue URLs work on any host."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from .conftest import bodies, counts, receive, send


def ask(url: str, method: str = "POST", host: str = "", **parameters: str) -> tuple[int, str]:
    """A query request without a signature; status and XML."""
    form = urlencode({"Version": "2012-11-05", **parameters})
    target = f"{url}?{form}" if method == "GET" else url
    request = urllib.request.Request(target, form.encode() if method == "POST" else None, method=method)
    if host:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def element(xml: str, name: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    assert found is not None, f"no {name} in {xml}"
    return found[1]


def test_a_message_goes_through_the_query_protocol(lake: Any, sqs: Any) -> None:
    status, created = ask(
        lake.endpoint_url,
        Action="CreateQueue",
        QueueName="q",
        **{"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "7"},
    )
    assert (status, created.startswith('<CreateQueueResponse xmlns="')) == (200, True)
    url = element(created, "QueueUrl")
    attributes = {
        "MessageAttribute.1.Name": "Kind",
        "MessageAttribute.1.Value.DataType": "String",
        "MessageAttribute.1.Value.StringValue": "x",
    }
    _, sent = ask(url, Action="SendMessage", MessageBody="a < b", **attributes)
    _, found = ask(url, Action="ReceiveMessage", **{"AttributeName.1": "All", "MessageAttributeName.1": "All"})
    assert element(found, "Body") == "a &lt; b"
    assert element(found, "MD5OfMessageAttributes") == element(sent, "MD5OfMessageAttributes")
    assert "<Name>ApproximateReceiveCount</Name><Value>1</Value>" in found
    assert "<MessageAttribute><Name>Kind</Name><Value><StringValue>x</StringValue>" in found
    handle = element(found, "ReceiptHandle")
    assert ask(url, Action="DeleteMessage", ReceiptHandle=handle)[0] == 200
    assert counts(sqs, url) == (0, 0, 0)


def test_batches_go_through_the_query_protocol(lake: Any, sqs: Any, url: str) -> None:
    entries = {
        "SendMessageBatchRequestEntry.1.Id": "a",
        "SendMessageBatchRequestEntry.1.MessageBody": "1",
        "SendMessageBatchRequestEntry.2.Id": "b",
        "SendMessageBatchRequestEntry.2.MessageBody": "2",
        "SendMessageBatchRequestEntry.2.DelaySeconds": "901",
    }
    status, answer = ask(lake.endpoint_url, Action="SendMessageBatch", QueueUrl=url, **entries)
    assert status == 200
    assert element(answer, "SendMessageBatchResultEntry").startswith("<Id>a</Id>")
    assert "<Id>b</Id><SenderFault>true</SenderFault><Code>InvalidParameterValue</Code>" in answer
    assert bodies(receive(sqs, url)) == ["1"]


def test_a_queues_own_url_takes_requests_by_get_and_post(lake: Any, sqs: Any, url: str) -> None:
    assert ask(url, Action="SendMessage", MessageBody="post")[0] == 200
    assert ask(url, "GET", Action="SendMessage", MessageBody="get")[0] == 200
    assert bodies(receive(sqs, url)) == ["post", "get"]


@pytest.mark.parametrize(
    ("parameters", "code", "shape"),
    [
        ({"Action": "GetQueueUrl", "QueueName": "no"}, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
        ({"Action": "GetQueueUrl"}, "MissingParameter", "MissingRequiredParameterException"),
        ({"Action": "CreateQueue", "QueueName": "?"}, "InvalidParameterValue", "InvalidParameterValueException"),
    ],
)
def test_errors_have_one_code_in_both_protocols(lake: Any, parameters: dict[str, str], code: str, shape: str) -> None:
    status, xml = ask(lake.endpoint_url, **parameters)
    given = {name: value for name, value in parameters.items() if name != "Action"}
    request = urllib.request.Request(lake.endpoint_url, json.dumps(given).encode())
    request.add_header("Content-Type", "application/x-amz-json-1.0")
    request.add_header("X-Amz-Target", f"AmazonSQS.{parameters['Action']}")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    answer = json.loads(caught.value.read())
    assert (status, caught.value.code) == (400, 400)
    assert (element(xml, "Code"), element(xml, "Type")) == (code, "Sender")
    assert caught.value.headers["x-amzn-query-error"] == f"{code};Sender"
    assert answer["__type"].rpartition("#")[2] == shape
    assert answer["message"] == element(xml, "Message")


@pytest.mark.claim("SQS-028")
@pytest.mark.parametrize(
    "form",
    [
        "{endpoint}/000000000000/orders",
        "https://queue.amazonaws.com/000000000000/orders",
        "https://sqs.us-east-1.amazonaws.com/000000000000/orders",
        "http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/orders",
        "{endpoint}/queue/us-east-1/000000000000/orders",
        "/000000000000/orders",
        "orders",
    ],
)
def test_a_queue_is_found_by_any_of_its_addresses(lake: Any, sqs: Any, url: str, form: str) -> None:
    send(sqs, form.format(endpoint=lake.endpoint_url), "a")
    assert bodies(receive(sqs, url)) == ["a"]


@pytest.mark.claim("SQS-028")
def test_urls_have_the_host_that_the_client_used(lake: Any, sqs: Any, url: str) -> None:
    port = urlsplit(lake.endpoint_url).port
    for host in (f"localhost:{port}", "queues.example:8080", "queue.amazonaws.com"):
        _, xml = ask(lake.endpoint_url, host=host, Action="GetQueueUrl", QueueName="orders")
        assert element(xml, "QueueUrl") == f"http://{host}/000000000000/orders"
