"""kill -9: what was acknowledged is delivered afterwards; into a queue exactly once."""

import json

from pocketlake import spawned

from .samples import Fan, fetch


def clients(lake):
    return Fan(lake, lake.client("sns"), lake.client("sqs"))


def test_what_was_published_before_a_crash_is_delivered_after_it(tmp_path, web):
    lake = spawned.start(tmp_path / "lake", "--account", "000000000000")
    try:
        fan = clients(lake)
        topic, (_, arn) = fan.topic(), fan.queue()
        fan.subscribe(topic, arn)
        fan.subscribe(topic, web.url, "http")
        lake.clock.advance(0)
        fetch(web.posted[0].json()["SubscribeURL"])
        lake.clock.freeze()
        web.statuses[:] = [500] * 20
        sent = [fan.sns.publish(TopicArn=topic, Message=str(index))["MessageId"] for index in range(20)]
        lake.clock.advance(0)
        assert len(web.of_type("Notification")) == 20
        lake.kill()
        lake = spawned.start(tmp_path / "lake", "--account", "000000000000")
        fan = clients(lake)
        lake.clock.advance(30)
        url = fan.sqs.get_queue_url(QueueName="inbox")["QueueUrl"]
        queued = [json.loads(message["Body"])["MessageId"] for message in fan.received(url)]
        assert sorted(queued) == sorted(sent)
        assert {one.json()["MessageId"] for one in web.of_type("Notification")[20:]} == set(sent)
    finally:
        lake.stop() if lake.process.poll() is None else None


def test_a_replay_goes_on_after_a_crash_and_repeats_nothing(tmp_path):
    lake = spawned.start(tmp_path / "lake", "--account", "000000000000")
    try:
        fan = clients(lake)
        begin = lake.clock.freeze()
        topic, (_, arn) = fan.topic("t.fifo", ArchivePolicy='{"MessageRetentionPeriod": "1"}'), fan.queue("q.fifo")
        for start in range(0, 250, 10):
            entries = [
                {"Id": str(n), "Message": str(n), "MessageGroupId": "g", "MessageDeduplicationId": str(n)}
                for n in range(start, start + 10)
            ]
            fan.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
        policy = {"PointType": "Timestamp", "StartingPoint": begin.isoformat()}
        fan.subscribe(topic, arn, RawMessageDelivery="true", ReplayPolicy=json.dumps(policy))
        lake.kill()
        lake = spawned.start(tmp_path / "lake", "--account", "000000000000")
        fan, found = clients(lake), []
        url = fan.sqs.get_queue_url(QueueName="q.fifo")["QueueUrl"]
        for _ in range(20):
            lake.clock.advance(1)
            found += [message["Body"] for message in fan.received(url)]
        assert found == [str(n) for n in range(250)]
    finally:
        lake.stop() if lake.process.poll() is None else None
