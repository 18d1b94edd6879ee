"""The SQS Extended Client Library for Python, unchanged: a body of 5 MB goes through S3, its pointer through SQS."""

from __future__ import annotations

import json

import boto3
import sqs_extended_client  # noqa: F401 - it extends boto3 when it is imported


def main() -> None:
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    s3.create_bucket(Bucket="payloads")
    url = sqs.create_queue(QueueName="large")["QueueUrl"]
    sqs.large_payload_support = "payloads"
    sqs.use_legacy_attribute = False
    sqs.delete_payload_from_s3 = True
    body = "m" * 5_000_000
    sqs.send_message(QueueUrl=url, MessageBody=body)
    (pointer,) = boto3.client("s3").list_objects_v2(Bucket="payloads")["Contents"]
    assert pointer["Size"] == len(body)
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == body
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert "Contents" not in s3.list_objects_v2(Bucket="payloads"), "the payload has outlived its message"
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"small": True}))
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"small": True}
    print("done")


if __name__ == "__main__":
    main()
