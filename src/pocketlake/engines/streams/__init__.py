"""Where the records of streams lie. By default in the lake's own store, which needs no engine; else where a URL says.

An engine keeps topics of partitions and gives every record an offset. What streams, shards and consumers are, the
service that asks it knows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import orjson

if TYPE_CHECKING:
    import asyncio

    from pocketlake.kernel.lake import Lake

SCHEMES = ("kafka",)
PREFIX = "pocketlake"


class KnownTopic(NamedTuple):
    name: str
    arn: str  # of its stream
    hours: int  # of retention


class StreamsUnavailable(Exception):
    """The engine can't be used, or did not answer; the message says what to do."""


class TopicExists(Exception):
    """There is a topic of that name with records in it."""


async def connect(lake: Lake, loop: asyncio.AbstractEventLoop) -> None:
    """Choose the engine that the lake's configuration names, once, and reach it. StreamsUnavailable when that fails."""
    url = lake.config.streams
    known = _topics(lake)
    if not url:
        if known:
            raise StreamsUnavailable(
                f"the records of stream {known[0].arn.rpartition('/')[2]} of this lake lie on Kafka: "
                "start it with --streams kafka://HOST:PORT"
            )
        return
    servers, prefix, settings = _parse(url)
    try:
        from .kafka import KafkaLog
    except ImportError:
        raise StreamsUnavailable("--streams kafka://... needs its client: pip install 'pocketlake[kafka]'") from None
    log = KafkaLog(lake, loop, prefix, {"bootstrap.servers": servers, **settings})
    lake.on_close(log.close)
    await log.start(known)
    lake.streams = log


def _parse(url: str) -> tuple[str, str, dict[str, str]]:
    """`kafka://a:9092,b:9092/mine?security.protocol=SSL`: servers, prefix of topics, settings of the client.

    Lakes that share brokers have prefixes of their own.
    """
    parts = urlsplit(url)
    prefix = parts.path.strip("/") or PREFIX
    if parts.scheme not in SCHEMES or not parts.netloc or not re.fullmatch(r"[\w.-]{1,64}", prefix, re.ASCII):
        raise StreamsUnavailable(f"{url!r} names no streams engine; expected kafka://HOST:PORT[,HOST:PORT...][/PREFIX]")
    return parts.netloc, prefix, dict(parse_qsl(parts.query))


def _topics(lake: Lake) -> list[KnownTopic]:
    """Of each stream whose document names a topic."""
    rows = lake.store.rows("SELECT arn, body FROM resources WHERE service = 'kinesis' AND kind = 'stream'")
    documents = [(arn, orjson.loads(body)) for arn, body in rows]
    return [KnownTopic(body["Topic"], arn, body["RetentionPeriodHours"]) for arn, body in documents if "Topic" in body]
