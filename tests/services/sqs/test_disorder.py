"""A standard queue at its worst, on demand: messages twice, or out of order, so that consumers can be tried."""

import json
import urllib.error
import urllib.request

import pytest

from .conftest import bodies, counts, delete, receive, send


@pytest.fixture
def behave(lake):
    def behave(method="POST", **settings):
        data = json.dumps({"service": "sqs", **settings}).encode()
        request = urllib.request.Request(f"{lake.endpoint_url}/_pocketlake/faults", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())["faults"]

    return behave


def drained(sqs, url):
    """What a consumer sees that deletes all it gets."""
    seen = []
    while messages := receive(sqs, url):
        seen += messages
        delete(sqs, url, *messages)
    return seen


@pytest.mark.claim("SQS-012", "SQS-504")
def test_each_message_is_delivered_twice_though_its_consumer_deletes_it(sqs, url, behave):
    """A consumer that keeps no list of what it has done does everything twice; one that does is right."""
    behave(behaviour="duplicates")
    identities = send(sqs, url, *(f"m{number}" for number in range(25)))
    seen = drained(sqs, url)
    assert sorted(message["MessageId"] for message in seen) == sorted(identities * 2)
    done = {message["MessageId"]: message["Body"] for message in seen}
    assert sorted(done.values()) == sorted(f"m{number}" for number in range(25))
    assert counts(sqs, url) == (0, 0, 0)


@pytest.mark.claim("SQS-012")
def test_two_consumers_hold_the_same_message_at_once(sqs, url, behave):
    behave(behaviour="duplicates")
    (identity,) = send(sqs, url, "m")
    (first,), (second,) = receive(sqs, url), receive(sqs, url)
    assert first["MessageId"] == second["MessageId"] == identity
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    assert receive(sqs, url) == []
    delete(sqs, url, first)
    assert counts(sqs, url) == (0, 0, 0)


def test_a_share_of_the_messages_comes_twice(sqs, url, behave):
    behave(behaviour="duplicates", share=0.3)
    send(sqs, url, *(str(number) for number in range(300)))
    seen = bodies(drained(sqs, url))
    assert set(seen) == {str(number) for number in range(300)}
    assert 340 < len(seen) < 440


@pytest.mark.claim("SQS-014", "SQS-505")
def test_messages_come_out_of_order_and_all_of_them(sqs, url, behave):
    behave(behaviour="shuffle", seed=7)
    sent = [str(number) for number in range(200)]
    send(sqs, url, *sent)
    seen = bodies(drained(sqs, url))
    assert seen != sent
    assert sorted(seen, key=int) == sent


def test_the_window_bounds_how_far_messages_go_astray(sqs, url, behave):
    behave(behaviour="shuffle", window=10, seed=1)
    send(sqs, url, *(str(number) for number in range(60)))
    seen = []
    while messages := receive(sqs, url, 1):
        seen += bodies(messages)
        delete(sqs, url, *messages)
    assert all(int(body) < place + 10 for place, body in enumerate(seen))


def test_fifo_queues_keep_their_word(sqs, fifo, behave):
    behave(behaviour="duplicates")
    behave(behaviour="shuffle", seed=3)
    sent = [str(number) for number in range(30)]
    send(sqs, fifo, *sent, MessageGroupId="g")
    assert bodies(drained(sqs, fifo)) == sent


def test_one_queue_misbehaves_until_it_is_told_to_stop(sqs, url, behave):
    other = sqs.create_queue(QueueName="other")["QueueUrl"]
    (shown,) = behave(behaviour="duplicates", resource="orders", share=1)
    assert shown == {"service": "sqs", "behaviour": "duplicates", "resource": "orders", "share": 1}
    for queue, times in ((url, 2), (other, 1)):
        send(sqs, queue, "m")
        assert bodies(drained(sqs, queue)) == ["m"] * times
    assert behave("DELETE") == []
    send(sqs, url, "m")
    assert bodies(drained(sqs, url)) == ["m"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"behaviour": "odd"}, "sqs has no behaviour odd; it has: duplicates, shuffle."),
        ({"behaviour": "duplicates", "share": 2}, "share lies between 0 and 1."),
        ({"behaviour": "duplicates", "service": "nope"}, "nope has no behaviour duplicates; it has: none."),
    ],
)
def test_what_makes_no_sense_is_refused(behave, settings, message):
    with pytest.raises(urllib.error.HTTPError) as caught:
        behave(**settings)
    assert json.loads(caught.value.read())["message"] == message
