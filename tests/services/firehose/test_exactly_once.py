"""Whatever happens on the way, what lies in S3 is what was accepted: each record once.

Seeds are printed; POCKETLAKE_FIREHOSE_SEED repeats one.
"""

import base64
import json
import os
import random
from collections import Counter

import pytest

import pocketlake

from .samples import BUCKET, create, failures, objects, put
from .test_partitioning import partitioned, query

SEED = int(os.environ.get("POCKETLAKE_FIREHOSE_SEED", str(random.SystemRandom().randrange(2**32))))
STEPS = 25


class Story:
    """A producer that remembers what was accepted, and who points the stream elsewhere."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.sent = []

    def put(self, lake):
        """Records with a key, and some without."""
        records = []
        for _ in range(self.chance.randrange(1, 40)):
            number = len(self.sent) + len(records)
            key = self.chance.choice(["a", "b", "c", None])
            document = {"n": number, "device": key, "pad": "x" * self.chance.randrange(8_000)}
            records.append(json.dumps(document).encode() + b"\n")
        put(lake, *records)
        self.sent += records

    def move(self, lake):
        lake.clock.advance(self.chance.choice([0, 1, 20, 61, 300]))

    def hide(self, lake):
        """Point the stream to a bucket that is not there, or back."""
        self.point(lake, self.chance.choice(["gone", BUCKET]))

    def point(self, lake, name):
        client = lake.client("firehose")
        described = client.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
        client.update_destination(
            DeliveryStreamName="d",
            CurrentDeliveryStreamVersionId=described["VersionId"],
            DestinationId=described["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate={"BucketARN": f"arn:aws:s3:::{name}"},
        )


@pytest.mark.parametrize("kind", ["plain", "partitioned"])
def test_what_lies_in_s3_is_what_was_accepted_through_refusals_restarts_and_updates(tmp_path, kind):
    print(f"POCKETLAKE_FIREHOSE_SEED={SEED}")
    story = Story(SEED)
    with pocketlake.run(tmp_path, limits="off") as lake:
        lake.clock.freeze()
        lake.client("s3").create_bucket(Bucket=BUCKET)
        create(lake, **(partitioned(query("{device: .device}")) if kind == "partitioned" else {}))
    for _ in range(3):
        with pocketlake.run(tmp_path, limits="off") as lake:
            for _ in range(STEPS):
                story.chance.choice([story.put, story.put, story.move, story.move, story.hide])(lake)
    with pocketlake.run(tmp_path, limits="off") as lake:
        story.point(lake, BUCKET)
        for _ in range(10):
            lake.clock.advance(300)
        good = {key: body for key, body in objects(lake).items() if not key.startswith("bad/")}
        lines = Counter(line for body in good.values() for line in body.splitlines(keepends=True))
        bad = Counter(json.loads(base64.b64decode(line["rawData"]))["n"] for line in failures(lake, "bad/"))
    expected = Counter(story.sent)
    if kind == "partitioned":
        assert bad == Counter(json.loads(record)["n"] for record in story.sent if b'"device": null' in record)
        expected = Counter(record for record in story.sent if b'"device": null' not in record)
    assert lines == expected
