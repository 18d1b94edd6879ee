"""What does a stream cost that retains much more than memory? `python -m benchmarks.kinesis_retained --gigabytes 10`

Fills a stream through PutRecords and prints the memory it takes; after a restart the time to the first good answer, and
how long a page of 1,000 records takes from the oldest record, from the middle of the time, and at the end.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.kinesis import BATCH, puts
from benchmarks.peers import pocketlake

STREAM = "bench"
RECORD_BYTES = 2000
SHARDS = 4
PAGE = 1000
CONNECTIONS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=10.0)
    wanted = int(parser.parse_args().gigabytes * 1e9)
    with tempfile.TemporaryDirectory(prefix="pocketlake-bench-") as name:
        folder = Path(name)
        with pocketlake(folder) as system:
            _client(system.url).create_stream(StreamName=STREAM, ShardCount=SHARDS)
            time.sleep(1)  # of the clock, which runs with the machine's
            seconds, middle = _fill(system, wanted)
            disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            print(f"retained {wanted / 1e9:.1f} GB in {seconds:.0f} s, {wanted / 1e6 / seconds:.0f} MB/s of data")
            print(f"on disk {disk / 1e9:.1f} GB")
            print(f"resident {system.idle_mb:.0f} MB before, {system.resident_mb:.0f} MB after")
            _read(system.url, middle)
        with pocketlake(folder) as system:
            print(f"after a restart: first call answered after {system.ready_seconds:.2f} s, {system.idle_mb:.0f} MB")
            _read(system.url, middle)
            print(f"resident after those reads {system.resident_mb:.0f} MB")


def _fill(system: Any, wanted: int) -> tuple[float, datetime]:
    """How long it took, and the moment when half was there."""
    requests = puts(RECORD_BYTES)(system)
    started, middle, sent = time.perf_counter(), datetime.now(UTC), 0
    while sent < wanted:
        result = load.measure(system.url, requests, CONNECTIONS, 5.0)
        assert result.failed == 0, f"{result.failed} calls failed"
        sent += int(result.rate * 5.0) * BATCH * RECORD_BYTES
        if sent < wanted / 2:
            middle = datetime.now(UTC)
    return time.perf_counter() - started, middle


def _read(url: str, middle: datetime) -> None:
    client = _client(url)
    places = {
        "the oldest": {"ShardIteratorType": "TRIM_HORIZON"},
        "the middle": {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": middle},
        "the end": {"ShardIteratorType": "LATEST"},
    }
    for name, place in places.items():
        took, records = _timed(lambda place=place: _page(client, place))
        print(f"a page from {name}: {records} records in {took * 1000:.0f} ms")


def _page(client: Any, place: dict[str, Any]) -> int:
    iterator = client.get_shard_iterator(StreamName=STREAM, ShardId="shardId-000000000000", **place)["ShardIterator"]
    return len(client.get_records(ShardIterator=iterator, Limit=PAGE)["Records"])


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _client(url: str) -> Any:
    import boto3

    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client("kinesis", endpoint_url=url)


if __name__ == "__main__":
    main()
