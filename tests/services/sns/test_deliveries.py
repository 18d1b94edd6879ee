"""Deliveries over HTTP: retries, dead letters, rates, headers; and signatures, which a subscriber checks."""

import base64
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from .samples import confirmed, fetch


def test_a_server_in_trouble_is_tried_again_by_its_policy(fan, web):
    topic = fan.topic()
    policy = {"healthyRetryPolicy": {"numRetries": 2, "minDelayTarget": 60, "maxDelayTarget": 60}}
    confirmed(fan, web, topic, DeliveryPolicy=json.dumps(policy))
    fan.lake.clock.freeze()
    web.statuses[:] = [500, 0, 200]
    fan.sns.publish(TopicArn=topic, Message="x")
    fan.lake.clock.advance(59)
    assert len(web.of_type("Notification")) == 1
    fan.lake.clock.advance(5)
    assert len(web.of_type("Notification")) == 2
    fan.lake.clock.advance(65)
    assert len(web.of_type("Notification")) == 3
    fan.lake.clock.advance(600)
    assert len(web.of_type("Notification")) == 3


@pytest.mark.parametrize(("statuses", "attempts"), [([500] * 9, 4), ([429] * 9, 4), ([404], 1)])
def test_what_was_not_taken_is_buried(fan, web, statuses, attempts):
    """A server's fault is tried four times by default, twenty seconds apart; a client's is final."""
    topic, (grave, grave_arn) = fan.topic(), fan.queue("grave")
    confirmed(fan, web, topic, RedrivePolicy=json.dumps({"deadLetterTargetArn": grave_arn}))
    web.statuses[:] = statuses
    fan.sns.publish(TopicArn=topic, Message="x")
    fan.lake.clock.advance(120)
    assert len(web.of_type("Notification")) == attempts
    (letter,) = fan.received(grave)
    assert json.loads(letter["Body"])["Message"] == "x"
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == str(statuses[0])


def test_what_a_server_said_is_told_as_far_as_a_queue_takes_it(fan, web):
    topic, (grave, grave_arn) = fan.topic(), fan.queue("grave")
    confirmed(fan, web, topic, RedrivePolicy=json.dumps({"deadLetterTargetArn": grave_arn}))
    web.statuses[:], web.answer = [404], b"\x00\x01 no \xff"
    fan.sns.publish(TopicArn=topic, Message="x")
    fan.lake.clock.advance(1)
    (letter,) = fan.received(grave)
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "HTTP status 404: ?? no \ufffd"


def test_raw_delivery_and_content_type(fan, web):
    topic = fan.topic()
    policy = json.dumps({"requestPolicy": {"headerContentType": "application/json"}})
    confirmed(fan, web, topic, RawMessageDelivery="true", DeliveryPolicy=policy)
    fan.sns.publish(TopicArn=topic, Message='{"a": 1}')
    fan.lake.clock.advance(0)
    (message,) = web.of_type("Notification")
    assert (message.body, message.headers["x-amz-sns-rawdelivery"]) == ('{"a": 1}', "true")
    assert message.headers["Content-Type"] == "application/json"


def test_credentials_in_the_url_are_sent(fan, web):
    topic = fan.topic()
    web.url = web.url.replace("http://", "http://ada:se%40cret@")
    confirmed(fan, web, topic)
    authorization = web.posted[0].headers["Authorization"]
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"ada:se@cret"


def test_a_subscription_s_rate_holds(fan, web):
    topic = fan.topic()
    confirmed(fan, web, topic, DeliveryPolicy=json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 1}}))
    fan.lake.clock.freeze()
    for _ in range(3):
        fan.sns.publish(TopicArn=topic, Message="x")
    fan.lake.clock.advance(0)
    assert len(web.of_type("Notification")) == 1
    fan.lake.clock.advance(2)
    assert len(web.of_type("Notification")) == 3


@pytest.mark.parametrize(("version", "algorithm"), [("1", hashes.SHA1()), ("2", hashes.SHA256())])
def test_signatures_hold_against_the_certificate(fan, web, version, algorithm):
    topic, (url, arn) = fan.topic(SignatureVersion=version), fan.queue()
    fan.subscribe(topic, arn)
    fan.subscribe(topic, web.url, "http")
    fan.sns.publish(TopicArn=topic, Message="m\nn", Subject="my汉字subject")
    fan.lake.clock.advance(0)
    notice, question = json.loads(fan.received(url)[0]["Body"]), web.posted[0].json()
    for body, names in (
        (notice, ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")),
        (question, ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")),
    ):
        assert body["SignatureVersion"] == version
        assert body["SigningCertURL"].endswith(".pem")
        certificate = x509.load_pem_x509_certificate(fetch(body["SigningCertURL"]))
        text = "".join(f"{name}\n{body[name]}\n" for name in names)
        certificate.public_key().verify(base64.b64decode(body["Signature"]), text.encode(), PKCS1v15(), algorithm)
