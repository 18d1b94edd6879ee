"""Records as the Kinesis Producer Library packs them: they pass through, and Firehose takes them apart."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "kpl_program.py"
ROLE = "arn:aws:iam::000000000000:role/firehose"


@pytest.mark.claim("KDS-537", "KDS-539", "KDS-617")
def test_packed_records_pass_through_and_firehose_delivers_what_is_inside(lake, packages_of, surroundings):
    python = packages_of("kpl")
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName="packed", ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName="packed")["StreamDescriptionSummary"]["StreamARN"]
    lake.client("s3").create_bucket(Bucket="lake")
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName="unpacked",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": "arn:aws:s3:::lake",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        },
    )
    finished = subprocess.run(
        [str(python), str(PROGRAM)], env=surroundings, capture_output=True, text=True, timeout=100, check=False
    )
    assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
    *_, told, done = finished.stdout.splitlines()
    assert done == "done"
    lake.clock.advance(90)
    s3 = lake.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="lake")["Contents"]]
    delivered = b"".join(s3.get_object(Bucket="lake", Key=key)["Body"].read() for key in sorted(keys))
    assert delivered == b"".join(base64.b64decode(data) for _, data in json.loads(told))
