"""What topics publish to CloudWatch."""

import json

import pytest

from tests.services.measured import measured, stand_at_noon


@pytest.fixture(autouse=True)
def _noon(lake):
    stand_at_noon(lake)


def asked(fan, name, statistic="Sum"):
    return measured(fan.lake, "AWS/SNS", name, statistic, TopicName="news")


def test_messages_published_and_delivered_to_each_subscription(fan):
    topic, (_, arn), (_, other) = fan.topic(), fan.queue(), fan.queue("other")
    fan.subscribe(topic, arn)
    fan.subscribe(topic, other)
    fan.subscribe(topic, "+15550001111", "sms")
    fan.sns.publish(TopicArn=topic, Message="hello")
    entries = [{"Id": str(at), "Message": "x" * 10} for at in range(3)]
    fan.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert asked(fan, "NumberOfMessagesPublished") == [4]
    assert asked(fan, "PublishSize") == [5 + 30]
    assert asked(fan, "PublishSize", "Maximum") == [10]
    assert asked(fan, "NumberOfNotificationsDelivered") == [12]
    assert asked(fan, "NumberOfNotificationsFailed") == []
    sent = measured(fan.lake, "AWS/SQS", "NumberOfMessagesSent", QueueName="inbox")
    assert sent == [4]


def test_notifications_filtered_out_by_reason(fan):
    topic, (_, arn), (_, other) = fan.topic(), fan.queue(), fan.queue("other")
    policy = json.dumps({"kind": ["new"]})
    fan.subscribe(topic, arn, FilterPolicy=policy)
    fan.subscribe(topic, other, FilterPolicy=policy, FilterPolicyScope="MessageBody")
    kinds = {kind: {"kind": {"DataType": "String", "StringValue": kind}} for kind in ("new", "old")}
    fan.sns.publish(TopicArn=topic, Message='{"kind": "new"}', MessageAttributes=kinds["new"])
    fan.sns.publish(TopicArn=topic, Message='{"kind": "old"}', MessageAttributes=kinds["old"])
    fan.sns.publish(TopicArn=topic, Message="no JSON")
    out = "NumberOfNotificationsFilteredOut"
    assert asked(fan, "NumberOfNotificationsDelivered") == [2]
    assert asked(fan, out) == [4]
    for reason in ("MessageAttributes", "NoMessageAttributes", "MessageBody", "InvalidMessageBody"):
        assert asked(fan, f"{out}-{reason}") == [1]


def test_notifications_that_fail_and_where_they_go(fan):
    topic, (url, arn), (grave, grave_arn) = fan.topic(), fan.queue(), fan.queue("grave")
    fan.subscribe(topic, arn, RedrivePolicy=json.dumps({"deadLetterTargetArn": grave_arn}))
    fan.sqs.delete_queue(QueueUrl=url)
    fan.sns.publish(TopicArn=topic, Message="lost")
    assert asked(fan, "NumberOfNotificationsFailed") == [1]
    assert asked(fan, "NumberOfNotificationsRedrivenToDlq") == [1]
    fan.sqs.delete_queue(QueueUrl=grave)
    fan.sns.publish(TopicArn=topic, Message="lost for good")
    assert asked(fan, "NumberOfNotificationsFailed") == [2]
    assert asked(fan, "NumberOfNotificationsFailedToRedriveToDlq") == [1]


def test_notifications_to_servers_count_once_they_are_taken(fan, web):
    topic = fan.topic()
    fan.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=web.url)
    fan.lake.clock.advance(seconds=1)
    (confirmation,) = web.of_type("SubscriptionConfirmation")
    fan.sns.confirm_subscription(TopicArn=topic, Token=confirmation.json()["Token"])
    assert asked(fan, "NumberOfNotificationsDelivered") == []
    web.statuses[:] = [500]
    fan.sns.publish(TopicArn=topic, Message="hello")
    fan.lake.clock.advance(minutes=1)
    assert len(web.of_type("Notification")) == 2
    assert sum(asked(fan, "NumberOfNotificationsDelivered")) == 1
    web.statuses[:] = [403]
    fan.sns.publish(TopicArn=topic, Message="no")
    fan.lake.clock.advance(minutes=1)
    assert sum(asked(fan, "NumberOfNotificationsFailed")) == 1
