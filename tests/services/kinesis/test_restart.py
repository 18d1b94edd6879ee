"""What a restart leaves: records in their places, and numbers that go on rising."""

from __future__ import annotations

from pathlib import Path

from pocketlake.embedded import run

from .conftest import data, read


def test_records_and_their_order_outlive_a_restart(tmp_path: Path) -> None:
    with run(tmp_path) as lake:
        client = lake.client("kinesis")
        client.create_stream(StreamName="flights", ShardCount=1)
        before = [client.put_record(StreamName="flights", Data=b"%d" % n, PartitionKey="k") for n in range(3)]
        client.create_stream(StreamName="gone", ShardCount=2)
        client.put_record(StreamName="gone", Data=b"x", PartitionKey="k")
        client.delete_stream(StreamName="gone")
    with run(tmp_path) as lake:
        client = lake.client("kinesis")
        after = client.put_record(StreamName="flights", Data=b"3", PartitionKey="k")
        assert int(after["SequenceNumber"]) > int(before[-1]["SequenceNumber"])
        assert data(read(client, "flights")) == [b"0", b"1", b"2", b"3"]
        assert client.list_streams()["StreamNames"] == ["flights"]
        lake.clock.advance(hours=25)
        assert read(client, "flights") == []
    with run(tmp_path) as lake:
        client = lake.client("kinesis")
        last = client.put_record(StreamName="flights", Data=b"4", PartitionKey="k")
        assert int(last["SequenceNumber"]) > int(after["SequenceNumber"])
