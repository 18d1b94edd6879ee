"""What a restart leaves: messages, what is in flight, groups, what was remembered, and handles."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketlake.embedded import run

from .conftest import bodies, counts, delete, receive, send

FIFO = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}


@pytest.mark.claim("SQS-502", "SQS-501")
def test_a_queue_outlives_a_restart(tmp_path: Path) -> None:
    with run(tmp_path) as lake:
        sqs = lake.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        send(sqs, url, "taken", "large" + "x" * 100_000, "ready")
        (taken,) = receive(sqs, url, 1)
        send(sqs, url, "delayed", DelaySeconds=90)
    with run(tmp_path) as lake:
        sqs = lake.client("sqs")
        url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
        assert counts(sqs, url) == (2, 1, 1)
        assert [body[:5] for body in bodies(receive(sqs, url))] == ["large", "ready"]
        delete(sqs, url, taken)
        lake.clock.advance(seconds=91)
        assert sorted(body[:5] for body in bodies(receive(sqs, url))) == ["delay", "large", "ready"]


def test_a_place_is_never_given_out_twice(tmp_path: Path) -> None:
    """Else an old receipt handle would delete a new message."""
    with run(tmp_path) as lake:
        sqs = lake.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        send(sqs, url, "old")
        (old,) = receive(sqs, url)
        delete(sqs, url, old)
    with run(tmp_path) as lake:
        sqs = lake.client("sqs")
        url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
        send(sqs, url, "new")
        receive(sqs, url)
        delete(sqs, url, old)
        assert counts(sqs, url) == (0, 1, 0)


@pytest.mark.claim("SQS-013", "SQS-015")
def test_a_fifo_queue_remembers_over_a_restart(tmp_path: Path) -> None:
    with run(tmp_path) as lake:
        sqs = lake.client("sqs")
        url = sqs.create_queue(QueueName="q.fifo", Attributes=FIFO)["QueueUrl"]
        first = sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="g")
        send(sqs, url, "2", MessageGroupId="g")
        (taken,) = receive(sqs, url, 1)
    with run(tmp_path) as lake:
        sqs = lake.client("sqs")
        url = sqs.get_queue_url(QueueName="q.fifo")["QueueUrl"]
        again = sqs.send_message(QueueUrl=url, MessageBody="1", MessageGroupId="g")
        third = sqs.send_message(QueueUrl=url, MessageBody="3", MessageGroupId="g")
        assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
        assert int(third["SequenceNumber"]) > int(first["SequenceNumber"])
        assert receive(sqs, url) == []
        delete(sqs, url, taken)
        assert bodies(receive(sqs, url)) == ["2", "3"]


def test_messages_expire_and_purged_ones_leave_the_disk_unasked(tmp_path: Path) -> None:
    with run(tmp_path) as lake:
        sqs = lake.client("sqs")
        for name in ("old", "purged", "deleted"):
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
            send(sqs, url, "x" * 10_000, "y")
            if name == "purged":
                sqs.purge_queue(QueueUrl=url)
            if name == "deleted":
                sqs.delete_queue(QueueUrl=url)
        lake.clock.advance(days=5)
    import sqlite3

    with sqlite3.connect(tmp_path / "lake.sqlite") as store:
        for table in ("sqs_messages", "sqs_large"):
            assert store.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
