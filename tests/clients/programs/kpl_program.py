"""aws_kinesis_agg, which packs records as the Kinesis Producer Library does, and takes them apart again.

Stdout: the user records in the order in which they were put, as a JSON list of [key, base64]; then `done`.
"""

import base64
import gzip
import json

import boto3
from aws_kinesis_agg import aggregator, deaggregator

STREAM = "packed"
kinesis = boto3.client("kinesis")

users = [(f"key-{number % 7}", json.dumps({"number": number}).encode() + b"\n") for number in range(1000)]
users += [("zipped", gzip.compress(b"a payload " * 500)), ("schlüssel-ü", b"\xf3\x89\x9a\xc2 begins like one\n")]

packer, packed = aggregator.RecordAggregator(max_size=20_000), []
for key, data in users:
    full = packer.add_user_record(key, data, "12345" if key == "key-3" else None)
    packed += [full] if full else []
packed.append(packer.clear_and_get())
assert 1 < len(packed) < 20, len(packed)

entries = []
for record in packed:
    key, explicit, data = record.get_contents()
    assert data[:4] == b"\xf3\x89\x9a\xc2", data[:4]
    entries.append({"Data": data, "PartitionKey": key, **({"ExplicitHashKey": explicit} if explicit else {})})
damaged = entries[0]["Data"][:-1] + bytes([entries[0]["Data"][-1] ^ 1])  # its digest is wrong: one record, as it is
plain = [("plain", b"nobody packed this\n"), ("damaged", damaged)]
entries += [{"Data": data, "PartitionKey": key} for key, data in plain]
answer = kinesis.put_records(StreamName=STREAM, Records=entries)
assert answer["FailedRecordCount"] == 0, answer

place = kinesis.get_shard_iterator(StreamName=STREAM, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")[
    "ShardIterator"
]
raw = kinesis.get_records(ShardIterator=place)["Records"]
assert [(one["PartitionKey"], one["Data"]) for one in raw] == [(one["PartitionKey"], one["Data"]) for one in entries]

found = [one.get("kinesis", one) for one in deaggregator.iter_deaggregate_records(raw, "Boto3")]
inside = [(one["partitionKey"], base64.b64decode(one["data"])) for one in found if one.get("aggregated")]
assert inside == users
assert [one["data"] for one in found if not one.get("aggregated")] == [data for _, data in plain]
counts = [one["subSequenceNumber"] for one in found if one.get("sequenceNumber") == raw[0]["SequenceNumber"]]
assert counts == list(range(len(counts)))
assert len(counts) > 100

print(json.dumps([[key, base64.b64encode(data).decode()] for key, data in [*users, *plain]]))
print("done")
