"""Publishing: rules, FIFO topics, and what arrives in queues and Firehose."""

import json

import pytest
from botocore.config import Config

from .test_topics import refusal


@pytest.mark.claim("MISC-022")
def test_a_message_is_in_the_queue_when_publish_returns(fan):
    topic, (url, arn) = fan.topic(), fan.queue()
    subscription = fan.subscribe(topic, arn)
    values = {"n": {"DataType": "Number", "StringValue": "1"}, "b": {"DataType": "Binary", "BinaryValue": b"\0\1"}}
    sent = fan.sns.publish(TopicArn=topic, Message="héllo", Subject="s", MessageAttributes=values)
    (message,) = fan.received(url)
    body = json.loads(message["Body"])
    assert (body["Type"], body["Message"], body["Subject"]) == ("Notification", "héllo", "s")
    assert (body["MessageId"], body["TopicArn"]) == (sent["MessageId"], topic)
    assert body["MessageAttributes"] == {
        "n": {"Type": "Number", "Value": "1"},
        "b": {"Type": "Binary", "Value": "AAE="},
    }
    assert body["UnsubscribeURL"].endswith(f"/?Action=Unsubscribe&SubscriptionArn={subscription}")


def test_raw_delivery_hands_on_body_and_attributes(fan):
    topic, (url, arn) = fan.topic(), fan.queue()
    fan.subscribe(topic, arn, RawMessageDelivery="true")
    values = {"b": {"DataType": "Binary", "BinaryValue": b"\0\1"}}
    fan.sns.publish(TopicArn=topic, Message="plain", MessageAttributes=values)
    (message,) = fan.received(url)
    assert message["Body"] == "plain"
    assert message["MessageAttributes"]["b"]["BinaryValue"] == b"\0\1"


def test_a_raw_message_with_eleven_attributes_is_buried(fan):
    topic, (url, arn), (grave, grave_arn) = fan.topic(), fan.queue(), fan.queue("grave")
    redrive = json.dumps({"deadLetterTargetArn": grave_arn})
    fan.subscribe(topic, arn, RawMessageDelivery="true", RedrivePolicy=redrive)
    values = {f"a{index}": {"DataType": "String", "StringValue": "x"} for index in range(11)}
    fan.sns.publish(TopicArn=topic, Message="much", MessageAttributes=values)
    assert fan.received(url) == []
    assert [message["Body"] for message in fan.received(grave)] == ["much"]


def test_a_message_for_a_queue_that_is_gone_is_buried_with_the_reason(fan):
    topic, (url, arn), (grave, grave_arn) = fan.topic(), fan.queue(), fan.queue("grave")
    fan.subscribe(topic, arn, RedrivePolicy=json.dumps({"deadLetterTargetArn": grave_arn}))
    fan.sqs.delete_queue(QueueUrl=url)
    fan.sns.publish(TopicArn=topic, Message="lost")
    (message,) = fan.received(grave)
    assert json.loads(message["Body"])["Message"] == "lost"
    assert set(message["MessageAttributes"]) == {"RequestID", "ErrorCode", "ErrorMessage"}


def test_a_dead_letter_of_a_fifo_queue_keeps_its_group(fan):
    topic, (url, arn), (grave, grave_arn) = fan.topic("t.fifo"), fan.queue("q.fifo"), fan.queue("grave.fifo")
    fan.subscribe(topic, arn, RedrivePolicy=json.dumps({"deadLetterTargetArn": grave_arn}))
    fan.sqs.delete_queue(QueueUrl=url)
    fan.sns.publish(TopicArn=topic, Message="lost", MessageGroupId="g", MessageDeduplicationId="d")
    (letter,) = fan.received(grave)
    assert (letter["Attributes"]["MessageGroupId"], letter["Attributes"]["MessageDeduplicationId"]) == ("g", "d")


def test_a_text_for_each_protocol(fan):
    topic, (url, arn) = fan.topic(), fan.queue()
    fan.subscribe(topic, arn)
    fan.subscribe(topic, "+15550001111", "sms")
    text = json.dumps({"default": "d", "sqs": "q", "email": 5})
    fan.sns.publish(TopicArn=topic, Message=text, MessageStructure="json")
    assert fan.texts(url) == ["q"]
    assert [one["Message"] for one in fan.view(protocol="sms")] == ["d"]


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({"Message": ""}, "InvalidParameter", "Invalid parameter: Empty message"),
        ({"Message": "x" * 262_145}, "InvalidParameter", "Invalid parameter: Message too long"),
        ({"Message": "x", "Subject": "x" * 101}, "InvalidParameter", "Subject must be less than 100 characters"),
        ({"Message": "x", "Subject": "a\nb"}, "InvalidParameter", "Invalid parameter: Subject"),
        (
            {"Message": "x", "MessageStructure": "json"},
            "InvalidParameter",
            "Invalid parameter: Message Structure - JSON message body failed to parse",
        ),
        (
            {"Message": '{"sqs": "x"}', "MessageStructure": "json"},
            "InvalidParameter",
            "Invalid parameter: Message Structure - No default entry in JSON message body",
        ),
        (
            {"Message": "x", "MessageDeduplicationId": "d"},
            "InvalidParameter",
            "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
            "that is not valid for this topic type",
        ),
        (
            {"Message": "x", "MessageAttributes": {"a..b": {"DataType": "String", "StringValue": "x"}}},
            "ParameterValueInvalid",
            "Message attribute name can not have successive '.' character.",
        ),
        (
            {"Message": "x", "MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}},
            "ParameterValueInvalid",
            "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is "
            "Binary, Number, and String.",
        ),
        (
            {"Message": "x", "MessageAttributes": {"a": {"DataType": "String", "BinaryValue": b"x"}}},
            "ParameterValueInvalid",
            "The message attribute 'a' with type 'String' must use field 'String'.",
        ),
    ],
)
def test_messages_that_are_refused(fan, request_, code, message):
    topic, (url, arn) = fan.topic(), fan.queue()
    fan.subscribe(topic, arn)
    assert refusal(fan.sns.publish, TopicArn=topic, **request_) == (code, message)
    assert fan.received(url) == []


def test_a_message_counts_with_its_attributes(fan):
    topic = fan.topic()
    values = {"name": {"DataType": "String", "StringValue": "value"}}
    room = 262_144 - len("name") - len("String") - len("value")
    fan.sns.publish(TopicArn=topic, Message="x" * room, MessageAttributes=values)
    refused = refusal(fan.sns.publish, TopicArn=topic, Message="x" * (room + 1), MessageAttributes=values)
    assert refused[1] == "Invalid parameter: Message too long"


def test_a_topic_may_take_a_mebibyte_but_not_to_everybody(fan):
    topic, (url, arn) = fan.topic(MaximumMessageSize="1048576"), fan.queue()
    fan.subscribe(topic, arn, RawMessageDelivery="true")
    fan.sns.publish(TopicArn=topic, Message="x" * 1_048_576)
    assert [len(message["Body"]) for message in fan.received(url)] == [1_048_576]
    code, _ = refusal(fan.sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="a@example.com")
    assert code == "InvalidParameter"
    fan.subscribe(small := fan.topic("small"), "a@example.com", "email")
    request = {"TopicArn": small, "AttributeName": "MaximumMessageSize"}
    assert refusal(fan.sns.set_topic_attributes, **request, AttributeValue="262145")[0] == "InvalidParameter"
    fan.sns.set_topic_attributes(**request, AttributeValue="262144")


def test_batches_and_their_rules(fan):
    topic, (url, arn) = fan.topic(), fan.queue()
    fan.subscribe(topic, arn)
    entries = [{"Id": str(index), "Message": f"m{index}"} for index in range(10)]
    answer = fan.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == [str(index) for index in range(10)]
    assert sorted(fan.texts(url)) == [f"m{index}" for index in range(10)]

    def refused(entries):
        return refusal(fan.sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)[0]

    assert refused([*entries, {"Id": "10", "Message": "x"}]) == "TooManyEntriesInBatchRequest"
    assert refused([entries[0], entries[0]]) == "BatchEntryIdsNotDistinct"
    assert refused([{"Id": "a b", "Message": "x"}]) == "InvalidBatchEntryId"
    assert refused([{"Id": str(n), "Message": "x" * 131_073} for n in range(2)]) == "BatchRequestTooLong"
    assert fan.received(url) == []


def test_fifo_keeps_groups_in_order_and_knows_repetitions(fan):
    topic, (url, arn) = fan.topic("t.fifo", ContentBasedDeduplication="true"), fan.queue("q.fifo")
    fan.subscribe(topic, arn)
    first = fan.sns.publish(TopicArn=topic, Message="a", MessageGroupId="g")
    again = fan.sns.publish(TopicArn=topic, Message="a", MessageGroupId="g")
    second = fan.sns.publish(TopicArn=topic, Message="b", MessageGroupId="g")
    assert again["MessageId"] == first["MessageId"]
    assert again["SequenceNumber"] == first["SequenceNumber"] < second["SequenceNumber"]
    assert len(first["SequenceNumber"]) == 20
    messages = fan.received(url)
    assert [json.loads(message["Body"])["Message"] for message in messages] == ["a", "b"]
    assert json.loads(messages[0]["Body"])["SequenceNumber"] == first["SequenceNumber"]
    assert messages[0]["Attributes"]["MessageGroupId"] == "g"
    fan.lake.clock.advance(300)
    fan.sns.publish(TopicArn=topic, Message="a", MessageGroupId="g")
    assert fan.texts(url) == ["a"]


def test_deduplication_within_a_group(fan):
    topic = fan.topic("t.fifo", FifoThroughputScope="MessageGroup")
    sent = [
        fan.sns.publish(TopicArn=topic, Message="a", MessageGroupId=group, MessageDeduplicationId="d")["MessageId"]
        for group in ("g", "h", "g")
    ]
    assert sent[0] == sent[2] != sent[1]


def test_fifo_rules(fan):
    topic, (_, plain) = fan.topic("t.fifo"), fan.queue()
    _, fifo = fan.queue("q.fifo")
    assert refusal(fan.sns.publish, TopicArn=topic, Message="x")[1] == (
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    )
    assert refusal(fan.sns.publish, TopicArn=topic, Message="x", MessageGroupId="g")[1] == (
        "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
        "provided explicitly"
    )
    assert refusal(fan.sns.subscribe, TopicArn=fan.topic(), Protocol="sqs", Endpoint=fifo)[1] == (
        "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS "
        "topics"
    )
    code, _ = refusal(fan.sns.subscribe, TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1/")
    assert code == "InvalidParameter"
    fan.subscribe(topic, plain)


def test_more_than_the_queue_takes_at_once_waits_in_order(fan):
    """A FIFO queue takes 300 calls a second: what is published beyond is handed over as it allows."""
    topic, (url, arn) = fan.topic("t.fifo", ContentBasedDeduplication="true"), fan.queue("q.fifo")
    fan.subscribe(topic, arn, RawMessageDelivery="true")
    fan.lake.clock.freeze()
    for start in range(0, 400, 10):
        group = "gh"[start >= 200]  # a topic takes 300 a second of a group
        entries = [{"Id": str(n), "Message": f"{n:03}", "MessageGroupId": group} for n in range(start, start + 10)]
        fan.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    fan.lake.clock.advance(0.5)  # there is room again, but for those that wait
    fan.sns.publish(TopicArn=topic, Message="400", MessageGroupId="h")
    found = []
    for _ in range(60):
        fan.lake.clock.advance(1)
        found += [message["Body"] for message in fan.received(url)]
        if len(found) == 401:
            break
    assert [body for body in found if body < "200"] == [f"{n:03}" for n in range(200)]
    assert [body for body in found if body >= "200"] == [f"{n:03}" for n in range(200, 401)]


def publish_many(fan, topic, count, **more):
    """How many of `count` messages were taken."""
    taken = 0
    for start in range(0, count, 10):
        entries = [{"Id": str(n), "Message": f"{start + n}", **more} for n in range(10)]
        try:
            fan.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
            taken += 10
        except fan.sns.exceptions.ThrottledException as error:
            assert error.response["Error"] == {"Type": "Sender", "Code": "Throttled", "Message": "Rate exceeded"}
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    return taken


def test_an_account_publishes_so_many_messages_a_second(lake, fan):
    """300 in most regions, 30,000 in us-east-1; those of batches count one by one."""
    impatient = Config(retries={"total_max_attempts": 1})
    fan.sns = lake.client("sns", region="eu-north-1", config=impatient)
    first, second = fan.topic(), fan.topic("other")
    lake.clock.freeze()
    assert publish_many(fan, first, 200) + publish_many(fan, second, 200) == 300
    lake.clock.advance(0.5)
    assert publish_many(fan, second, 400) == 150


def test_a_group_of_a_fifo_topic_takes_300_messages_a_second_and_the_topic_3000(lake, fan):
    fan.sns = lake.client("sns", config=Config(retries={"total_max_attempts": 1}))
    topic = fan.topic("t.fifo", ContentBasedDeduplication="true")
    lake.clock.freeze()
    assert publish_many(fan, topic, 400, MessageGroupId="g0") == 300
    assert sum(publish_many(fan, topic, 300, MessageGroupId=f"g{group}") for group in range(1, 12)) == 2700
    wide = fan.topic("wide.fifo", ContentBasedDeduplication="true", FifoThroughputScope="MessageGroup")
    assert sum(publish_many(fan, wide, 400, MessageGroupId=f"g{group}") for group in range(11)) == 3300


def test_a_fifo_topic_hands_on_to_queues_of_both_kinds(fan):
    """A FIFO queue gets each group in its order and each message once; a standard queue gets the messages too."""
    topic, (ordered, fifo), (loose, plain) = fan.topic("t.fifo"), fan.queue("q.fifo"), fan.queue("q")
    fan.subscribe(topic, fifo, RawMessageDelivery="true")
    fan.subscribe(
        topic, plain, RawMessageDelivery="true", FilterPolicyScope="MessageBody", FilterPolicy='{"n": [1, 4]}'
    )
    for number in (0, 1, 1, 2, 3, 0, 4, 5):
        fan.sns.publish(
            TopicArn=topic,
            Message=json.dumps({"n": number}),
            MessageGroupId="ab"[number % 2],
            MessageDeduplicationId=f"d{number}",
        )
    found = [(m["Attributes"]["MessageGroupId"], json.loads(m["Body"])["n"]) for m in fan.received(ordered)]
    assert [n for group, n in found if group == "a"] == [0, 2, 4]
    assert [n for group, n in found if group == "b"] == [1, 3, 5]
    messages = fan.received(loose)
    assert sorted(json.loads(message["Body"])["n"] for message in messages) == [1, 4]
    assert "MessageDeduplicationId" not in messages[0]["Attributes"]


def test_firehose_writes_a_line_for_each_message(fan):
    s3, firehose = fan.lake.client("s3"), fan.lake.client("firehose")
    s3.create_bucket(Bucket="archive")
    role = "arn:aws:iam::000000000000:role/firehose"
    stream = firehose.create_delivery_stream(
        DeliveryStreamName="d",
        ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": "arn:aws:s3:::archive"},
    )["DeliveryStreamARN"]
    topic = fan.topic()
    fan.subscribe(topic, stream, "firehose", SubscriptionRoleArn=role)
    for text in ("a", "b"):
        fan.sns.publish(TopicArn=topic, Message=text)
    fan.lake.clock.advance(900)
    (found,) = s3.list_objects_v2(Bucket="archive")["Contents"]
    lines = s3.get_object(Bucket="archive", Key=found["Key"])["Body"].read().splitlines()
    assert [json.loads(line)["Message"] for line in lines] == ["a", "b"]
    assert "Signature" not in json.loads(lines[0])
