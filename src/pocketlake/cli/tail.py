"""pocketlake tail"""

from __future__ import annotations

import base64
import queue
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import click
import orjson

from pocketlake.cli.endpoint import ask, client, url_option

POLL_SECONDS = 0.1
HOLD_SECONDS = 5.0  # of the lake's clock: what a subscription that ended early waits for before the next
PLACES = {"trim-horizon": "TRIM_HORIZON", "latest": "LATEST"}


class Starting(click.ParamType):
    """trim-horizon, latest, or a moment (ISO 8601, UTC unless it says otherwise): a StartingPosition."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if value.lower() in PLACES:
            return {"Type": PLACES[value.lower()]}
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither trim-horizon nor latest nor a time such as 2026-11-20T12:00", param, ctx)
        return {"Type": "AT_TIMESTAMP", "Timestamp": moment if moment.tzinfo else moment.replace(tzinfo=UTC)}


class Row(NamedTuple):
    shard: str
    record: dict[str, Any]


@click.command()
@url_option
@click.argument("stream")
@click.option("--from", "start", default="latest", show_default=True, type=Starting(), help="Where to begin.")
@click.option("--shard", help="This shard only, and what it is split or merged into.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--count", type=click.IntRange(1), help="Stop after so many records.")
def tail(url: str, stream: str, start: dict[str, Any], shard: str | None, as_json: bool, count: int | None) -> None:
    """Print the records of STREAM as they come, until Ctrl-C.

    It reads as an enhanced fan-out consumer of its own, so it takes nothing from the stream's other readers.
    """
    kinesis = client(url, "kinesis")
    try:
        summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    except kinesis.exceptions.ResourceNotFoundException as error:
        raise click.ClickException(error.response["Error"]["Message"]) from None
    with _consumer(url, kinesis, summary["StreamARN"]) as consumer:
        follower = Follower(kinesis, stream, consumer, start)
        follower.begin(shard)
        printed = 0
        try:
            for row in follower.rows():
                click.echo(_json(row) if as_json else _line(row, ask(url, "/_pocketlake/clock")["now"]))
                printed += 1
                if printed == count:
                    return
        except KeyboardInterrupt:
            return


@contextmanager
def _consumer(url: str, kinesis: Any, stream_arn: str) -> Iterator[str]:
    """A registered consumer that is gone afterwards."""
    name = f"pocketlake-tail-{secrets.token_hex(4)}"
    made = kinesis.register_stream_consumer(StreamARN=stream_arn, ConsumerName=name)["Consumer"]["ConsumerARN"]
    try:
        told = False
        while kinesis.describe_stream_consumer(ConsumerARN=made)["ConsumerDescription"]["ConsumerStatus"] != "ACTIVE":
            if not told and ask(url, "/_pocketlake/clock")["frozen"]:
                told = True
                click.echo(
                    "The lake's clock stands still; pocketlake clock advance 1s lets the reader begin.", err=True
                )
            time.sleep(POLL_SECONDS)  # a person waits at a terminal: real time
        yield made
    finally:
        kinesis.deregister_stream_consumer(ConsumerARN=made)


class Follower:
    """Reads each shard in a thread of its own, and a shard's children once all of their parents are read."""

    def __init__(self, kinesis: Any, stream: str, consumer: str, start: dict[str, Any]) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._consumer = consumer
        self._start = start
        self._rows: queue.Queue[Row | Exception | None] = queue.Queue(maxsize=10_000)
        self._lock = threading.Lock()
        self._reading: set[str] = set()
        self._begun: set[str] = set()

    def begin(self, shard: str | None) -> None:
        """Start with `shard`, or with the oldest shards that hold what is asked for."""
        if shard is not None:
            self._read_in_thread(shard, self._start)
            return
        kind = self._start["Type"]
        wanted: dict[str, Any] = {"Type": "AT_LATEST" if kind == "LATEST" else "FROM_TRIM_HORIZON"}
        if kind == "AT_TIMESTAMP":
            wanted = {"Type": "FROM_TIMESTAMP", "Timestamp": self._start["Timestamp"]}
        shards: list[dict[str, Any]] = []
        page: dict[str, Any] = {"StreamName": self._stream, "ShardFilter": wanted}
        while page:
            answer = self._kinesis.list_shards(**page)
            shards += answer["Shards"]
            page = {"NextToken": answer["NextToken"]} if answer.get("NextToken") else {}
        listed = {one["ShardId"] for one in shards}
        for one in shards:
            if not listed & {one.get("ParentShardId"), one.get("AdjacentParentShardId")}:
                self._read_in_thread(one["ShardId"], self._start)

    def rows(self) -> Iterator[Row]:
        """Until all shards have ended."""
        while (row := self._rows.get()) is not None:
            if isinstance(row, Exception):
                raise click.ClickException(str(row))
            yield row

    def _read_in_thread(self, shard: str, start: dict[str, Any]) -> None:
        with self._lock:
            if shard in self._begun:
                return
            self._begun.add(shard)
            self._reading.add(shard)
        threading.Thread(target=self._read, args=(shard, start), daemon=True).start()

    def _read(self, shard: str, start: dict[str, Any]) -> None:
        try:
            place: dict[str, Any] | None = start
            while place is not None:
                place = self._subscribe(shard, place)
        except Exception as error:  # it ends the command, in the thread that prints
            self._rows.put(error)
        with self._lock:
            self._reading.discard(shard)
            is_last = not self._reading
        if is_last:
            self._rows.put(None)

    def _subscribe(self, shard: str, place: dict[str, Any]) -> dict[str, Any] | None:
        """One subscription; where the next one goes on, None at the shard's end."""
        try:
            answer = self._kinesis.subscribe_to_shard(ConsumerARN=self._consumer, ShardId=shard, StartingPosition=place)
        except self._kinesis.exceptions.ResourceInUseException:
            time.sleep(HOLD_SECONDS / 10)  # the last one ended early, and is held for five seconds
            return place
        for message in answer["EventStream"]:
            event = message["SubscribeToShardEvent"]
            for record in event["Records"]:
                self._rows.put(Row(shard, record))
            if event.get("ChildShards"):
                self._go_on(shard, event["ChildShards"])
                return None
            place = {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": event["ContinuationSequenceNumber"]}
        return place

    def _go_on(self, shard: str, children: list[dict[str, Any]]) -> None:
        for child in children:
            with self._lock:
                waits = any(parent != shard and parent in self._reading for parent in child["ParentShards"])
            if not waits:
                self._read_in_thread(child["ShardId"], {"Type": "TRIM_HORIZON"})


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _line(row: Row, now: float) -> str:
    record = row.record
    text = _text(record["Data"])
    shown = f"base64:{base64.b64encode(record['Data']).decode()}" if text is None else text.rstrip("\n")
    age = _age(now - record["ApproximateArrivalTimestamp"].timestamp())
    return f"{row.shard}  {record['SequenceNumber']}  {age:>7}  {record['PartitionKey']}  {shown}"


def _age(seconds: float) -> str:
    seconds = max(0.0, seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def _json(row: Row) -> str:
    record = row.record
    shown: dict[str, Any] = {
        "shard": row.shard,
        "sequence": record["SequenceNumber"],
        "arrival": record["ApproximateArrivalTimestamp"].astimezone(UTC).isoformat(),
        "key": record["PartitionKey"],
    }
    text = _text(record["Data"])
    if text is None:
        shown["base64"] = base64.b64encode(record["Data"]).decode()
    else:
        try:
            shown["data"] = orjson.loads(text)
        except orjson.JSONDecodeError:
            shown["data"] = text
    return orjson.dumps(shown).decode()
