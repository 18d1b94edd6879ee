"""Subscriptions: asking, confirming, refusing, ending; their endpoints and attributes."""

import json

import pytest
from botocore import UNSIGNED
from botocore.config import Config

import pocketlake

from .samples import confirmed, fetch
from .test_topics import refusal


def attributes(fan, arn):
    return fan.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]


@pytest.mark.claim("MISC-022")
def test_a_web_server_confirms_and_then_gets_messages(fan, web):
    topic = fan.topic()
    asked = fan.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=web.url)
    assert asked["SubscriptionArn"] == "pending confirmation"
    fan.sns.publish(TopicArn=topic, Message="too early")
    fan.lake.clock.advance(0)
    (listed,) = fan.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    (question,) = web.posted
    assert question.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert "x-amz-sns-subscription-arn" not in question.headers
    body = question.json()
    assert body["Message"].startswith(f"You have chosen to subscribe to the topic {topic}.")
    fetch(body["SubscribeURL"])
    (listed,) = fan.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert attributes(fan, listed["SubscriptionArn"])["ConfirmationWasAuthenticated"] == "false"
    sent = fan.sns.publish(TopicArn=topic, Message="hello")
    fan.lake.clock.advance(0)
    (message,) = web.of_type("Notification")
    assert message.json()["Message"] == "hello"
    assert message.headers["x-amz-sns-message-id"] == sent["MessageId"]
    assert message.headers["x-amz-sns-subscription-arn"] == listed["SubscriptionArn"]
    assert message.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert message.headers["User-Agent"] == "Amazon Simple Notification Service Agent"


def test_a_token_by_itself_confirms_and_a_wrong_one_does_not(fan, web):
    topic = fan.topic()
    arn = fan.subscribe(topic, web.url, "http")
    fan.lake.clock.advance(0)
    token = web.posted[0].json()["Token"]
    for wrong in ("x", "0" + token[1:-1], ("1" if token[0] == "0" else "0") + token[1:]):
        assert refusal(fan.sns.confirm_subscription, TopicArn=topic, Token=wrong)[1] == "Invalid parameter: Token"
    answer = fan.sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    assert answer["SubscriptionArn"] == arn
    assert attributes(fan, arn)["ConfirmationWasAuthenticated"] == "true"
    stranger = fan.lake.client("sns", config=Config(signature_version=UNSIGNED))
    assert refusal(stranger.unsubscribe, SubscriptionArn=arn)[0] == "AuthorizationError"
    fan.sns.unsubscribe(SubscriptionArn=arn)
    assert fan.sns.list_subscriptions()["Subscriptions"] == []


def test_nobody_confirms_within_two_days(fan, web):
    topic = fan.topic()
    fan.subscribe(topic, web.url, "http")
    fan.lake.clock.advance(0)
    fan.lake.clock.advance(days=2)
    assert fan.sns.list_subscriptions()["Subscriptions"] == []
    token = web.posted[0].json()["Token"]
    assert refusal(fan.sns.confirm_subscription, TopicArn=topic, Token=token)[1] == "Invalid parameter: Token"


def test_who_leaves_is_told_and_may_come_back(fan, web):
    topic = fan.topic()
    arn = confirmed(fan, web, topic)
    fan.sns.publish(TopicArn=topic, Message="one")
    fan.lake.clock.advance(0)
    fetch(web.of_type("Notification")[0].json()["UnsubscribeURL"])
    fan.lake.clock.advance(0)
    assert fan.sns.list_subscriptions()["Subscriptions"] == []
    (farewell,) = web.of_type("UnsubscribeConfirmation")
    assert farewell.json()["Message"].startswith(f"You have chosen to deactivate subscription {arn}.")
    token = farewell.json()["Token"]
    wrong = ("1" if token[0] == "0" else "0") + token[1:]
    assert refusal(fan.sns.confirm_subscription, TopicArn=topic, Token=wrong)[1] == "Invalid parameter: Token"
    fetch(farewell.json()["SubscribeURL"])
    fan.sns.publish(TopicArn=topic, Message="two")
    fan.lake.clock.advance(0)
    assert [one.json()["Message"] for one in web.of_type("Notification")] == ["one", "two"]


def test_who_has_subscribed_again_comes_back_once(fan, web):
    topic = fan.topic()
    first = confirmed(fan, web, topic)
    fan.sns.unsubscribe(SubscriptionArn=first)
    second = confirmed(fan, web, topic)
    assert second != first
    fetch(web.of_type("UnsubscribeConfirmation")[0].json()["SubscribeURL"])
    (listed,) = fan.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == second


def test_subscribers_come_and_go_and_stay_in_order(fan):
    """By ID, whatever came, went or was refused in between."""
    topic, arns = fan.topic(), []
    for index in range(12):
        arns.append(fan.subscribe(topic, f"+1555000{index:04}", "sms"))
        request = {"SubscriptionArn": arns[-1], "AttributeName": "FilterPolicy", "AttributeValue": "no JSON"}
        assert refusal(fan.sns.set_subscription_attributes, **request)[0] == "InvalidParameter"
    for arn in arns[::3]:
        fan.sns.unsubscribe(SubscriptionArn=arn)
        arns.remove(arn)
    fan.sns.set_subscription_attributes(
        SubscriptionArn=arns[0], AttributeName="FilterPolicy", AttributeValue='{"a": ["b"]}'
    )
    assert [
        one["SubscriptionArn"] for one in fan.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    ] == sorted(arns)
    fan.sns.publish(TopicArn=topic, Message="x")
    assert len(fan.view(protocol="sms")) == len(arns) - 1


def test_a_queue_of_another_account_must_say_yes(fan):
    topic = fan.topic()
    other = fan.lake.client("sqs", account="111111111111")
    url = other.create_queue(QueueName="theirs")["QueueUrl"]
    fan.subscribe(topic, "arn:aws:sqs:us-east-1:111111111111:theirs")
    fan.sns.publish(TopicArn=topic, Message="early")
    (question,) = other.receive_message(QueueUrl=url, VisibilityTimeout=100)["Messages"]
    body = json.loads(question["Body"])
    fan.lake.client("sns", account="111111111111").confirm_subscription(TopicArn=topic, Token=body["Token"])
    fan.sns.publish(TopicArn=topic, Message="now")
    (message,) = other.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "now"


def test_a_fifo_queue_of_another_account_is_asked_too(fan):
    topic = fan.topic("t.fifo")
    other = fan.lake.client("sqs", account="111111111111")
    url = other.create_queue(QueueName="theirs.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    fan.subscribe(topic, "arn:aws:sqs:us-east-1:111111111111:theirs.fifo")
    (question,) = other.receive_message(QueueUrl=url)["Messages"]
    other.delete_message(QueueUrl=url, ReceiptHandle=question["ReceiptHandle"])
    fan.sns.confirm_subscription(TopicArn=topic, Token=json.loads(question["Body"])["Token"])
    fan.sns.publish(TopicArn=topic, Message="now", MessageGroupId="g", MessageDeduplicationId="d")
    (message,) = other.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "now"


def test_subscribing_again_changes_nothing(fan):
    topic, (_, arn) = fan.topic(), fan.queue()
    first = fan.subscribe(topic, arn, RawMessageDelivery="true")
    assert fan.subscribe(topic, arn, RawMessageDelivery="true") == first
    request = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn, "Attributes": {"RawMessageDelivery": "false"}}
    assert refusal(fan.sns.subscribe, **request)[1] == (
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    )
    assert len(fan.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1


@pytest.mark.parametrize(
    ("protocol", "endpoint", "message"),
    [
        ("ftp", "x", "Invalid parameter: Amazon SNS does not support this protocol string: ftp"),
        ("https", "http://a", "Invalid parameter: Endpoint must match the specified protocol"),
        ("sqs", "inbox", "Invalid parameter: SQS endpoint ARN"),
        ("sms", "+15--5", "Invalid SMS endpoint: +15--5"),
        (
            "lambda",
            "arn:aws:lambda:us-east-1:000000000000:function:f",
            "SNS subscriptions of Lambda functions (Lambda itself) is not implemented by Pocketlake yet.",
        ),
    ],
)
def test_endpoints_that_are_refused(fan, protocol, endpoint, message):
    request = {"TopicArn": fan.topic(), "Protocol": protocol, "Endpoint": endpoint}
    assert refusal(fan.sns.subscribe, **request)[1] == message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Nonsense", "1", "Invalid parameter: AttributeName"),
        (
            "RawMessageDelivery",
            "maybe",
            "Invalid parameter: RawMessageDelivery: Invalid value [maybe]. Must be true or false.",
        ),
        (
            "FilterPolicyScope",
            "All",
            "Invalid parameter: FilterPolicyScope: Invalid value [All]. Please use either MessageBody or "
            "MessageAttributes",
        ),
        ("FilterPolicy", "{", "Invalid parameter: FilterPolicy: failed to parse JSON."),
        ("RedrivePolicy", "{", "Invalid parameter: RedrivePolicy: failed to parse JSON."),
        (
            "RedrivePolicy",
            '{"deadLetterTargetArn": "x"}',
            "Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn",
        ),
    ],
)
def test_attributes_that_are_refused(fan, name, value, message):
    topic, (_, arn) = fan.topic(), fan.queue()
    subscription = fan.subscribe(topic, arn)
    request = {"SubscriptionArn": subscription, "AttributeName": name, "AttributeValue": value}
    assert refusal(fan.sns.set_subscription_attributes, **request)[1] == message


def test_what_is_pending_is_not_ended(fan, web):
    arn = fan.subscribe(fan.topic(), web.url, "http")
    assert refusal(fan.sns.unsubscribe, SubscriptionArn=arn)[0] == "InvalidParameter"
    assert len(fan.sns.list_subscriptions()["Subscriptions"]) == 1


@pytest.mark.parametrize(
    ("topic", "endpoint", "protocol", "attributes", "message"),
    [
        (
            "t",
            "a@example.com",
            "email",
            {"RawMessageDelivery": "true"},
            "Delivery protocol [email] does not support raw message delivery.",
        ),
        (
            "t",
            "arn:aws:firehose:us-east-1:000000000000:deliverystream/d",
            "firehose",
            {},
            "SubscriptionRoleArn: must be the ARN of an IAM role",
        ),
        (
            "t.fifo",
            "arn:aws:sqs:us-east-1:000000000000:q.fifo",
            "sqs",
            {"RedrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:plain"}'},
            "RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.",
        ),
        (
            "t",
            "arn:aws:sqs:us-east-1:000000000000:q",
            "sqs",
            {"RedrivePolicy": '{"deadLetterTargetArn": "arn:aws:sqs:us-west-2:000000000000:far"}'},
            "RedrivePolicy: deadLetterTargetArn is an invalid arn",
        ),
    ],
)
def test_attributes_that_do_not_suit(fan, topic, endpoint, protocol, attributes, message):
    request = {"TopicArn": fan.topic(topic), "Protocol": protocol, "Endpoint": endpoint, "Attributes": attributes}
    assert refusal(fan.sns.subscribe, **request) == (
        "InvalidParameter",
        f"Invalid parameter: Attributes Reason: {message}",
    )


def test_a_fifo_topic_has_a_hundred_subscriptions(fan):
    topic = fan.topic("t.fifo")
    for index in range(100):
        fan.subscribe(topic, f"arn:aws:sqs:us-east-1:000000000000:q{index}")
    request = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:more"}
    assert refusal(fan.sns.subscribe, **request)[0] == "SubscriptionLimitExceeded"


def test_what_is_not_there(fan):
    topic = fan.topic()
    arn = f"{topic}:00000000-0000-4000-8000-000000000000"
    fan.sns.unsubscribe(SubscriptionArn=arn)
    assert refusal(fan.sns.get_subscription_attributes, SubscriptionArn=arn) == (
        "NotFound",
        "Subscription does not exist",
    )


def test_in_signed_mode_links_need_no_signature_and_nothing_else_does_without(tmp_path, web):
    with pocketlake.run(tmp_path, auth="signed") as lake:
        stranger = lake.client("sns", config=Config(signature_version=UNSIGNED))
        arn = "arn:aws:sns:us-east-1:000000000000:t"
        assert refusal(stranger.confirm_subscription, TopicArn=arn, Token="0" * 288)[0] == "NotFound"
        stranger.unsubscribe(SubscriptionArn=f"{arn}:00000000-0000-4000-8000-000000000000")
        for code in (
            refusal(stranger.publish, TopicArn=arn, Message="x")[0],
            refusal(stranger.create_topic, Name="t")[0],
            refusal(lake.client("sqs", config=Config(signature_version=UNSIGNED)).list_queues)[0],
        ):
            assert code in ("MissingAuthenticationToken", "MissingAuthenticationTokenException")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "FilterPolicy",
            [
                "[]", "5", '{"a": {"b": 5}}', '{"$or": [{"a": ["x"]}, 5]}', '{"a": [{"numeric": 5}]}', '{"a": [{}]}',
                '{"a": [{"anything-but": {}}]}', '{"a": [{"anything-but": {"prefix": "a", "suffix": "b"}}]}',
                '{"a": [{"anything-but": []}]}', '{"a": [{"anything-but": [{"prefix": "x"}]}]}',
                '{"a": [{"anything-but": [["x"]]}]}', '{"a": [{"cidr": "1.2.3.4/99"}]}',
                '{"a": [{"cidr": "1.2.3.4/\u00b2"}]}', '{"a": [{"cidr": 5}]}', '{"a": [{"wildcard": "**"}]}',
            ],
        ),
        ("RedrivePolicy", ["[]", "5", "{}", '{"deadLetterTargetArn": 5}', '{"deadLetterTargetArn": []}']),
        (
            "DeliveryPolicy",
            [
                "[]", "5", '{"healthyRetryPolicy": 5}', '{"healthyRetryPolicy": {"numRetries": "a"}}',
                '{"healthyRetryPolicy": {"minDelayTarget": "a"}}', '{"throttlePolicy": 5}',
                '{"throttlePolicy": {"maxReceivesPerSecond": 0}}', '{"requestPolicy": {"headerContentType": 5}}',
            ],
        ),
        ("ReplayPolicy", ["[]", "5", '{"PointType": "Timestamp", "StartingPoint": 5}']),
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_does_no_harm(fan, name, values):
    topic, (url, arn) = fan.topic(), fan.queue()
    subscription = fan.subscribe(topic, arn)
    for value in values:
        request = {"SubscriptionArn": subscription, "AttributeName": name, "AttributeValue": value}
        assert refusal(fan.sns.set_subscription_attributes, **request)[0] == "InvalidParameter", value
    values = {"a": {"DataType": "String", "StringValue": "a"}}
    fan.sns.publish(TopicArn=topic, Message="still", MessageAttributes=values)
    assert fan.texts(url) == ["still"]
