"""What does a request cost before and after its handler? Parsing with validation, and serialising, per operation.

.venv/bin/python benchmarks/codecs.py
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import orjson

from pocketlake.gateway.message import Request
from pocketlake.gateway.model import load

AIMS = {"put_records 500": 1000.0, "get_records 1000": 1500.0, "put_record both ways": 12.0}


def microseconds(work: Callable[[], Any], seconds: float = 0.4) -> float:
    """The best of many runs: what the code costs when nothing else disturbs it."""
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best * 1e6


def main() -> None:
    kinesis, s3 = load("kinesis"), load("s3")
    put_records, put_record = kinesis.operation("PutRecords"), kinesis.operation("PutRecord")
    get_records = kinesis.operation("GetRecords")
    data = base64.b64encode(b"x" * 200).decode()
    records = [{"Data": data, "PartitionKey": f"key-{number}"} for number in range(500)]
    many = Request("POST", "/", {}, orjson.dumps({"StreamName": "flights", "Records": records}))
    one = Request("POST", "/", {}, orjson.dumps({"StreamName": "flights", "Data": data, "PartitionKey": "key"}))
    sequence = "49590338271490256608559692538361571095921575989136588898"
    answer = {"ShardId": "shardId-000000000000", "SequenceNumber": sequence}
    read = {
        "Records": [
            {
                "SequenceNumber": sequence,
                "ApproximateArrivalTimestamp": 1800000000.123 + number,
                "Data": b"x" * 200,
                "PartitionKey": f"key-{number}",
            }
            for number in range(1000)
        ],
        "NextShardIterator": "AAAA" * 40,
        "MillisBehindLatest": 0,
    }
    keys = [
        {"Key": f"a/b/{number}", "LastModified": 1.8e9, "ETag": '"0123"', "Size": 10, "StorageClass": "STANDARD"}
        for number in range(1000)
    ]
    listing = {"Name": "b", "IsTruncated": False, "MaxKeys": 1000, "KeyCount": 1000, "Contents": keys}
    put = Request("PUT", "/bucket/key", {"content-type": "text/plain", "content-length": "3"}, b"abc")

    def route_and_parse() -> dict[str, Any]:
        operation, labels = s3.route(put, "/bucket/key", [])
        return operation.parse(put, labels, [])

    figures = {
        "put_records 500": microseconds(lambda: put_records.parse(many, {}, [])),
        "get_records 1000": microseconds(lambda: get_records.respond(read, "id")),
        "put_record both ways": microseconds(lambda: (put_record.parse(one, {}, []), put_record.respond(answer, "id"))),
        "list_objects_v2 1000": microseconds(lambda: s3.operation("ListObjectsV2").respond(listing, "id")),
        "put_object route and parse": microseconds(route_and_parse),
        "put_object respond": microseconds(lambda: s3.operation("PutObject").respond({"ETag": '"0123"'}, "id")),
    }
    for name, figure in figures.items():
        aim = f"   aim {AIMS[name]:,.0f}" if name in AIMS else ""
        print(f"{name:28} {figure:10,.1f} us{aim}")


if __name__ == "__main__":
    main()
