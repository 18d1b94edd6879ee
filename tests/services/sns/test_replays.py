"""The archive of a FIFO topic: replayed, kept for its time, and gone with the topic."""

import json
import sqlite3

import pocketlake

from .samples import Fan


def test_a_topic_s_archive_is_replayed_to_a_new_subscription(fan):
    topic, (url, arn) = fan.topic("t.fifo", ContentBasedDeduplication="true"), fan.queue("q.fifo")
    fan.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue='{"MessageRetentionPeriod": "2"}'
    )
    begin = fan.lake.clock.now()
    for text in ("old", "new"):
        fan.sns.publish(TopicArn=topic, Message=text, MessageGroupId="g")
        fan.lake.clock.advance(hours=1)
    assert "BeginningArchiveTime" in fan.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    policy = {"PointType": "Timestamp", "StartingPoint": begin.isoformat()}
    subscription = fan.subscribe(topic, arn, ReplayPolicy=json.dumps(policy))
    fan.lake.clock.advance(1)
    bodies = [json.loads(message["Body"]) for message in fan.received(url)]
    assert [(body["Message"], body["Replayed"]) for body in bodies] == [("old", "true"), ("new", "true")]
    shown = fan.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert shown["ReplayStatus"] == "Completed"
    fan.sns.publish(TopicArn=topic, Message="now", MessageGroupId="g")
    assert fan.texts(url) == ["now"]


def archive(fan, count, **attributes):
    """A FIFO topic with so many messages in its archive, and a queue."""
    topic, (url, arn) = fan.topic("t.fifo", ArchivePolicy='{"MessageRetentionPeriod": "1"}'), fan.queue("q.fifo")
    for start in range(0, count, 10):
        entries = [
            {"Id": str(n), "Message": str(n), "MessageGroupId": "g", "MessageDeduplicationId": str(n)}
            for n in range(start, min(start + 10, count))
        ]
        fan.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    return topic, url, arn


def replay(begin, **more):
    return json.dumps({"PointType": "Timestamp", "StartingPoint": begin.isoformat(), **more})


def test_a_long_replay_keeps_order_and_new_messages_come_behind(fan):
    begin = fan.lake.clock.now()
    topic, url, arn = archive(fan, 290)
    fan.lake.clock.freeze()
    fan.subscribe(topic, arn, RawMessageDelivery="true", ReplayPolicy=replay(begin))
    fan.sns.publish(TopicArn=topic, Message="290", MessageGroupId="g", MessageDeduplicationId="290")
    found = []
    while len(found) < 291:
        fan.lake.clock.advance(1)
        found += [message["Body"] for message in fan.received(url)]
    assert found == [str(n) for n in range(291)]


def test_a_replay_may_end_before_now_and_then_new_messages_come_again(fan):
    """Also those that were published while it went on, and none twice."""
    begin = fan.lake.clock.now()
    topic, url, arn = archive(fan, 250)
    end = fan.lake.clock.advance(hours=1)
    send = {"TopicArn": topic, "MessageGroupId": "g"}
    fan.sns.publish(**send, Message="after the end", MessageDeduplicationId="x")
    fan.lake.clock.freeze()
    policy = replay(begin, EndingPoint=end.isoformat())
    subscription = fan.subscribe(topic, arn, RawMessageDelivery="true", ReplayPolicy=policy)
    fan.sns.publish(**send, Message="meanwhile", MessageDeduplicationId="y")
    found = []
    for _ in range(60):
        fan.lake.clock.advance(1)
        found += [message["Body"] for message in fan.received(url)]
    assert found == [*map(str, range(250)), "meanwhile"]
    assert (
        fan.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["ReplayStatus"] == "Completed"
    )
    fan.sns.publish(**send, Message="now", MessageDeduplicationId="z")
    assert [message["Body"] for message in fan.received(url)] == ["now"]


def test_the_points_of_a_replay_are_the_times_that_messages_tell(fan):
    topic, (url, arn) = fan.topic("t.fifo", ArchivePolicy='{"MessageRetentionPeriod": "1"}'), fan.queue("q.fifo")
    (first, first_arn) = fan.queue("first.fifo")
    fan.subscribe(topic, first_arn)
    for name in ("a", "b", "c", "d"):
        fan.sns.publish(TopicArn=topic, Message=name, MessageGroupId="g", MessageDeduplicationId=name)
        fan.lake.clock.advance(0.0107)
    told = {body["Message"]: body["Timestamp"] for body in (json.loads(m["Body"]) for m in fan.received(first))}
    policy = {"PointType": "Timestamp", "StartingPoint": told["b"], "EndingPoint": told["c"]}
    fan.subscribe(topic, arn, ReplayPolicy=json.dumps(policy))
    fan.lake.clock.advance(1)
    assert fan.texts(url) == ["b", "c"]


def test_a_topic_of_the_same_name_does_not_remember_the_one_before(fan):
    begin = fan.lake.clock.now()
    topic, *_ = archive(fan, 30)
    fan.sns.delete_topic(TopicArn=topic)
    topic, url, arn = archive(fan, 1)
    fan.subscribe(topic, arn, RawMessageDelivery="true", ReplayPolicy=replay(begin))
    fan.lake.clock.advance(1)
    assert [message["Body"] for message in fan.received(url)] == ["0"]


def test_what_a_deleted_topic_kept_leaves_the_disk(tmp_path):
    with pocketlake.run(tmp_path) as lake:
        topic, *_ = archive(Fan(lake, lake.client("sns"), lake.client("sqs")), 30)
        lake.client("sns").delete_topic(TopicArn=topic)
        lake.clock.advance(1)
    with sqlite3.connect(tmp_path / "lake.sqlite") as store:
        for table in ("sns_sequences", "sns_deduplication", "sns_archive"):
            assert store.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_what_is_older_than_the_archive_s_retention_is_not_replayed(fan):
    begin = fan.lake.clock.now()
    topic, url, arn = archive(fan, 1)
    fan.lake.clock.advance(hours=23)
    fan.sns.publish(TopicArn=topic, Message="new", MessageGroupId="g", MessageDeduplicationId="new")
    fan.lake.clock.advance(hours=1, minutes=1)
    fan.subscribe(topic, arn, RawMessageDelivery="true", ReplayPolicy=replay(begin))
    fan.lake.clock.advance(1)
    assert [message["Body"] for message in fan.received(url)] == ["new"]


def test_an_archive_forgets(fan):
    topic, (url, arn) = fan.topic("t.fifo", ContentBasedDeduplication="true"), fan.queue("q.fifo")
    fan.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue='{"MessageRetentionPeriod": "1"}'
    )
    begin = fan.lake.clock.now()
    fan.sns.publish(TopicArn=topic, Message="old", MessageGroupId="g")
    fan.lake.clock.advance(days=3)
    policy = {"PointType": "Timestamp", "StartingPoint": begin.isoformat()}
    fan.subscribe(topic, arn, ReplayPolicy=json.dumps(policy))
    fan.lake.clock.advance(1)
    assert fan.received(url) == []
