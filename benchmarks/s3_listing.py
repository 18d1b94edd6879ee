"""How fast is ListObjectsV2 over 100,000 keys: a page of 1,000, and the folders at the top?

Peers hold what they took in the time allowed, since they take minutes for the whole; a smaller bucket favours them.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import load, wire
from benchmarks.peers import OWN, System
from benchmarks.rows import Bench

BUCKET = "bench-listing"
KEYS = 100_000
QUICK_KEYS = 10_000
FOLDERS = 100
CONNECTIONS = 8
PEER_FILL_SECONDS = 10.0
OWN_FILL_SECONDS = 120.0


def run(bench: Bench) -> None:
    wanted = QUICK_KEYS if bench.quick else KEYS
    filled = {system.name: _fill(system, wanted, bench.quick) for system in bench.systems}
    note = ", ".join(f"{name} holds {count:,} keys" for name, count in filled.items())
    print(f"filled: {note}", flush=True)
    page = f"/{BUCKET}?list-type=2&max-keys=1000"
    folders = f"/{BUCKET}?list-type=2&prefix=data/&delimiter=/"
    bench.compare("S3 ListObjectsV2, a page of 1,000", CONNECTIONS, lambda s: [wire.s3(s.url, "GET", page)], note=note)
    bench.compare("S3 ListObjectsV2, folders at the top", CONNECTIONS, lambda s: [wire.s3(s.url, "GET", folders)])


def _fill(system: System, wanted: int, quick: bool) -> int:
    load.send(system.url, [wire.s3(system.url, "PUT", f"/{BUCKET}")], connections=1)
    seconds = OWN_FILL_SECONDS if system.name == OWN else PEER_FILL_SECONDS / (4 if quick else 1)
    return load.send(system.url, _puts(system, wanted), connections=16, seconds=seconds)


def _puts(system: System, wanted: int) -> Iterator[bytes]:
    # The folders take turns: whatever a system holds when its time is up is spread over all of them.
    return (wire.s3(system.url, "PUT", f"/{BUCKET}/data/{n % FOLDERS:02d}/{n:07d}.json", b"{}") for n in range(wanted))
