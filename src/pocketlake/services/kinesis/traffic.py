"""What came into a stream, second by second, as far as its records are kept: what a plan for it starts from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501

from . import addresses, retention, shards, store
from .service import kinesis
from .shards import Tail


@kinesis.view
async def traffic(call: Call, query: dict[str, str]) -> dict[str, Any]:
    """Records and bytes (keys included) of `stream` and of its shards: in all, and in the busiest second.  [KDS-565]"""
    stream = addresses.find(call, {"StreamName": query.get("stream", "")})
    if "Topic" in stream.body:
        raise NotImplemented501("The recorded traffic of a stream that lies on Kafka")
    horizon = retention.horizon(stream, call.now)
    tails = list(shards.layout(call, stream).tails.values())
    bounds = [(tail.shard.start, tail.shard.start + tail.next) for tail in tails]
    call.db.end_tick()  # what is committed is what the reader sees
    path = Path(call.db.path)
    if path.exists():
        loads = await call.offload(store.loads_beside, str(path), bounds, horizon)
    else:
        loads = [store.loads(call.db.db, low, high, horizon) for low, high in bounds]
    total: dict[int, tuple[int, int]] = {}
    for load in loads:
        for second, (records, size) in load.items():
            before = total.get(second, (0, 0))
            total[second] = (before[0] + records, before[1] + size)
    return {
        "stream": stream.name,
        "mode": stream["StreamMode"],
        "open_shards": sum(tail.shard.closed is None for tail in tails),
        "consumers": call.resources("consumer").count(stream.arn),
        **_summary(total),
        "shards": [_shard(tail, load) for tail, load in zip(tails, loads, strict=True)],
    }


def _shard(tail: Tail, load: dict[int, tuple[int, int]]) -> dict[str, Any]:
    return {"shard": tail.id, "is_open": tail.shard.closed is None, **_summary(load)}


def _summary(load: dict[int, tuple[int, int]]) -> dict[str, Any]:
    """`seconds` from the first record's to the last one's, both included; peaks are of one second."""
    records, sizes = Counter[int](), Counter[int]()
    for second, (count, size) in load.items():
        records[second], sizes[second] = count, size
    return {
        "records": records.total(),
        "bytes": sizes.total(),
        "seconds": max(load) - min(load) + 1 if load else 0,
        "peak_records": max(records.values(), default=0),
        "peak_bytes": max(sizes.values(), default=0),
    }
