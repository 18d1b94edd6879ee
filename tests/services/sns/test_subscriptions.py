"""Subscriptions: asking, confirming, refusing, ending; HTTP deliveries with retries; the outbox; signatures."""

import base64
import json

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

import pocketlake

from .samples import fetch
from .test_topics import refusal


def confirmed(fan, web, topic, **attributes):
    """A subscription of the web server that it has said yes to."""
    arn = fan.subscribe(topic, web.url, "http", **attributes)
    fan.lake.clock.advance(0)
    fetch(web.of_type("SubscriptionConfirmation")[-1].json()["SubscribeURL"])
    return arn


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


def test_the_outbox_holds_mails_and_texts(fan):
    topic = fan.topic(DisplayName="Lake")
    fan.subscribe(topic, "a@example.com", "email")
    fan.subscribe(topic, "b@example.com", "email-json")
    fan.subscribe(topic, "+1 555".replace(" ", "") + "0001111", "sms")
    (question,) = fan.view(protocol="email")
    assert question["Subject"] == "AWS Notification - Subscription Confirmation"
    for question in (*fan.view(protocol="email"), *fan.view(protocol="email-json")):
        fetch(question["SubscribeURL"])
    fan.sns.publish(TopicArn=topic, Message="hello", Subject="greetings")
    mail = fan.view(protocol="email")[-1]
    assert (mail["Recipient"], mail["Subject"], mail["Message"]) == ("a@example.com", "greetings", "hello")
    assert json.loads(fan.view(recipient="b@example.com")[-1]["Message"])["Subject"] == "greetings"
    assert [one["Message"] for one in fan.view(protocol="sms")] == ["Lake> hello"]
    fan.sns.publish(PhoneNumber="+15550002222", Message="direct")
    assert [one["Message"] for one in fan.view(recipient="+15550002222")] == ["direct"]


def test_devices_get_their_platform_s_text(fan):
    application = fan.sns.create_platform_application(
        Name="app", Platform="GCM", Attributes={"PlatformCredential": "key"}
    )["PlatformApplicationArn"]
    device = fan.sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")["EndpointArn"]
    topic = fan.topic()
    fan.subscribe(topic, device, "application")
    fan.sns.publish(TopicArn=topic, Message=json.dumps({"default": "d", "GCM": '{"data": 1}'}), MessageStructure="json")
    fan.sns.publish(TargetArn=device, Message="direct")
    assert [(one["Token"], one["Message"]) for one in fan.view(protocol="application")] == [
        ("t", '{"data": 1}'),
        ("t", "direct"),
    ]
    fan.sns.set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "false"})
    assert refusal(fan.sns.publish, TargetArn=device, Message="x") == ("EndpointDisabled", "Endpoint is disabled")


def test_a_device_is_known_by_its_token_whatever_becomes_of_that(fan):
    """One endpoint for a token of an application; a token that was given up or deleted is free."""
    app = fan.sns.create_platform_application(Name="app", Platform="GCM", Attributes={"PlatformCredential": "key"})
    app = app["PlatformApplicationArn"]

    def create(token, **more):
        return fan.sns.create_platform_endpoint(PlatformApplicationArn=app, Token=token, **more)["EndpointArn"]

    first, second = create("a"), create("b")
    assert create("a") == first
    words = f"Token Reason: Endpoint {first} already exists with the same Token, but different attributes."
    taken = ("InvalidParameter", f"Invalid parameter: {words}")
    assert refusal(create, token="a", CustomUserData="x") == taken
    assert refusal(fan.sns.set_endpoint_attributes, EndpointArn=second, Attributes={"Token": "a"}) == taken
    assert create("b") == second
    fan.sns.set_endpoint_attributes(EndpointArn=first, Attributes={"Token": "c"})
    assert create("c") == first
    fan.sns.delete_endpoint(EndpointArn=second)
    assert create("b") != second
    assert create("a") not in (first, second)
    for given in ({"Enabled": "perhaps"}, {"CustomUserData": "x" * 2049}, {"Nonsense": "1"}, {"Token": ""}):
        assert refusal(fan.sns.set_endpoint_attributes, EndpointArn=first, Attributes=given)[0] == "InvalidParameter"


def test_the_outbox_is_searched_behind_its_first_page(fan):
    phone = fan.topic()
    for index in range(101):
        fan.subscribe(phone, f"+1555000{index:04}", "sms")
    for _ in range(10):
        fan.sns.publish(TopicArn=phone, Message="x")
    fan.sns.publish(PhoneNumber="+15559999999", Message="last")
    assert len(fan.view()) == 1000
    assert [one["Message"] for one in fan.view(recipient="+15559999999")] == ["last"]


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


def test_what_is_not_there(fan):
    topic = fan.topic()
    arn = f"{topic}:00000000-0000-4000-8000-000000000000"
    fan.sns.unsubscribe(SubscriptionArn=arn)
    assert refusal(fan.sns.get_subscription_attributes, SubscriptionArn=arn) == (
        "NotFound",
        "Subscription does not exist",
    )


def test_numbers_of_the_sandbox_are_verified_by_what_the_outbox_says(fan):
    fan.sns.create_sms_sandbox_phone_number(PhoneNumber="+15550001111")
    fan.sns.create_sms_sandbox_phone_number(PhoneNumber="+15550002222")
    assert len(fan.sns.list_sms_sandbox_phone_numbers(MaxResults=1)["PhoneNumbers"]) == 1
    fan.sns.delete_sms_sandbox_phone_number(PhoneNumber="+15550002222")
    password = fan.view()[0]["OneTimePassword"]
    fan.sns.verify_sms_sandbox_phone_number(PhoneNumber="+15550001111", OneTimePassword=password)
    assert fan.sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [
        {"PhoneNumber": "+15550001111", "Status": "Verified"}
    ]


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
