"""How fast do objects go in and out? 10 KB and 8 MiB; the large ones against nginx serving the same file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from benchmarks import load, wire
from benchmarks.peers import System, nginx
from benchmarks.rows import Bench

BUCKET = "bench"
SMALL = 10_000
LARGE = 8 * 1024 * 1024
SMALL_CALLS_AIM = 10.0
PUT_COST = (
    "A PUT of ours computes MD5 and a checksum, writes the bytes into the database and commits before it answers; the "
    "peers keep them in a dictionary. What is left is Python's time for S3's some fifty headers and conditions."
)
GET_COST = (
    "Python's time a call, some 75 microseconds: HTTP, routing, fifty header members each way, two look-ups in the "
    "database. The faster peer spends some 400."
)
STATIC_AIM = 0.5


def run(bench: Bench) -> None:
    small, large = os.urandom(SMALL), os.urandom(LARGE)
    for system in bench.systems:
        needed = [wire.s3(system.url, "PUT", f"/{BUCKET}"), wire.s3(system.url, "PUT", f"/{BUCKET}/large", large)]
        needed += puts(system, small, "small", 64)
        assert load.send(system.url, needed, connections=1) == len(needed), f"{system.name} refused an object"
    bench.compare("S3 PUT 10 KB", 1, lambda system: puts(system, small, "small", 64))
    bench.compare(
        "S3 PUT 10 KB", 32, lambda system: puts(system, small, "small", 64), aim=SMALL_CALLS_AIM, because=PUT_COST
    )
    bench.compare("S3 GET 10 KB", 1, lambda system: gets(system, "small", 64))
    bench.compare("S3 GET 10 KB", 32, lambda system: gets(system, "small", 64), aim=SMALL_CALLS_AIM, because=GET_COST)
    bench.compare("S3 PUT 8 MiB", 8, lambda system: puts(system, large, "large", 8))
    bench.compare("S3 GET 8 MiB", 8, lambda system: [wire.s3(system.url, "GET", f"/{BUCKET}/large")])
    static(bench, large)


def static(bench: Bench, content: bytes) -> None:
    """GET of 8 MiB beside nginx's static file of the same size, taking turns."""
    root = bench.folder / "static"
    root.mkdir(exist_ok=True)
    (root / "large").write_bytes(content)
    with nginx(root, bench.folder) as url:
        if url is None:
            print("SKIPPED: 8 MiB GET against nginx, which is not installed here")
            return
        server = replace(bench.own, name="nginx", url=url)
        bench.compare(
            "S3 GET 8 MiB against a static file",
            8,
            lambda system: [
                wire.plain(url, "/large") if system is server else wire.s3(system.url, "GET", f"/{BUCKET}/large")
            ],
            only=[bench.own, server],
            aim=STATIC_AIM,
        )


def puts(system: System, body: bytes, prefix: str, count: int) -> Sequence[bytes]:
    return [wire.s3(system.url, "PUT", f"/{BUCKET}/{prefix}-{n}", body) for n in range(count)]


def gets(system: System, prefix: str, count: int) -> Sequence[bytes]:
    return [wire.s3(system.url, "GET", f"/{BUCKET}/{prefix}-{n}") for n in range(count)]
