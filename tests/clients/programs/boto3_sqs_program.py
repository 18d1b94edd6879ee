"""boto3's resource layer over SQS, unchanged: queues and messages as objects."""

from __future__ import annotations

import boto3


def main() -> None:
    sqs = boto3.resource("sqs")
    dead = sqs.create_queue(QueueName="dead")
    queue = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "0"})
    queue.set_attributes(
        Attributes={"RedrivePolicy": f'{{"deadLetterTargetArn":"{dead.attributes["QueueArn"]}","maxReceiveCount":1}}'}
    )
    entries = [{"Id": str(n), "MessageBody": f"message {n}", "DelaySeconds": 0} for n in range(10)]
    assert len(queue.send_messages(Entries=entries)["Successful"]) == 10
    taken = queue.receive_messages(MaxNumberOfMessages=10, AttributeNames=["All"])
    assert [message.body for message in taken] == [f"message {n}" for n in range(10)]
    assert {message.attributes["ApproximateReceiveCount"] for message in taken} == {"1"}
    for message in taken[:5]:
        message.delete()
    assert queue.receive_messages(MaxNumberOfMessages=10) == []
    dead.reload()
    assert dead.attributes["ApproximateNumberOfMessages"] == "5"
    assert [source.url for source in dead.dead_letter_source_queues.all()] == [queue.url]
    letters = dead.receive_messages(MaxNumberOfMessages=10, VisibilityTimeout=60)
    letters[0].change_visibility(VisibilityTimeout=600)
    handles = [{"Id": message.message_id, "ReceiptHandle": message.receipt_handle} for message in letters]
    assert len(dead.delete_messages(Entries=handles)["Successful"]) == 5
    assert sqs.get_queue_by_name(QueueName="work").url == queue.url
    assert {each.url for each in sqs.queues.all()} == {queue.url, dead.url}
    queue.purge()
    queue.delete()
    print("done")


if __name__ == "__main__":
    main()
