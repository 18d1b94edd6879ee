"""`make bench`: every question, all systems taking turns in one run; prints ratios, writes results/latest.md and .json.

A run of some questions alone (`--only sqs,dynamodb`) writes a file of its own, results/sqs-dynamodb.md.

Limits are off, durability is `process`: what Pocketlake acknowledged survives kill -9; the peers keep it in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from benchmarks import load, peers
from benchmarks.rows import Bench, Row, markdown, missed

QUESTIONS = ("kinesis", "kinesis_push", "sqs", "dynamodb", "firehose", "s3_objects", "s3_listing")
RESULTS = Path(__file__).parent / "results"
READY_AIM_SECONDS = 0.4
IDLE_AIM_MB = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run each, fewer keys, many connections only")
    parser.add_argument("--only", help=f"some of {','.join(QUESTIONS)},athena")
    parser.add_argument("--no-peers", action="store_true", help="Pocketlake alone")
    parser.add_argument("--no-write", action="store_true", help="leave results/ as it is")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [*QUESTIONS, "athena"]
    started = time.perf_counter()
    failed = False
    with tempfile.TemporaryDirectory(prefix="pocketlake-bench-") as name:
        folder = Path(name)
        with peers.systems(folder, peers=not options.no_peers) as systems:
            readiness = [_readiness(system) for system in systems]
            print("\n".join(readiness), flush=True)
            bench = Bench(systems, folder, seconds=1.0, rounds=1 if options.quick else 3, quick=options.quick)
            for question in QUESTIONS:
                if question in wanted:
                    failed |= not _asked(question, bench)
            readiness += [f"- {system.name}: {system.resident_mb:.0f} MB after the load" for system in systems]
        athena = _athena(options.quick) if "athena" in wanted else ""
    report = _report(readiness, bench.rows, athena, options.quick, time.perf_counter() - started)
    print(f"\n{report}")
    if not options.no_write:
        _write("-".join(wanted) if options.only else "latest", report, bench.rows)
    return int(failed)


def _asked(question: str, bench: Bench) -> bool:
    """Whether it could be asked to its end: what others have answered by then is worth keeping."""
    try:
        import_module(f"benchmarks.{question}").run(bench)
    except Exception:
        traceback.print_exc()
        return False
    return True


def _readiness(system: peers.System) -> str:
    verdict = ""
    if system.name == peers.OWN:
        met = system.ready_seconds <= READY_AIM_SECONDS and system.idle_mb <= IDLE_AIM_MB
        verdict = f" ({'aim' if met else 'MISSED, aim'} {READY_AIM_SECONDS} s, {IDLE_AIM_MB:.0f} MB)"
    ready, idle = f"{system.ready_seconds:.2f} s", f"{system.idle_mb:.0f} MB"
    return f"- {system.name}: first call answered after {ready}, {idle} idle{verdict}"


def _athena(quick: bool) -> str:
    """The Athena questions run against a fresh lake of their own, and against DuckDB alone."""
    script = Path(__file__).parent / "athena.py"
    if not script.exists():
        return "Athena: not measured (benchmarks/athena.py is missing)."
    command = [sys.executable, "-m", "benchmarks.athena", *(["--rows", "2000000", "--rounds", "3"] if quick else [])]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    print(finished.stdout, finished.stderr, flush=True)
    return f"```\n{finished.stdout.rstrip()}\n```" if finished.returncode == 0 else "Athena: the measurement failed."


def _report(readiness: list[str], rows: list[Row], athena: str, quick: bool, seconds: float) -> str:
    generator = "wrk" if load.WRK else "a client in Python (no wrk here; above 15,000 calls/s it may be the limit)"
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    return "\n".join(
        [
            f"# Benchmarks{', quick' if quick else ''}",
            "",
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}, {os.cpu_count()} cores, "
            f"CPython {platform.python_version()}, {platform.system()} {platform.machine()}; "
            f"load from {generator} on the same machine; {peers.MOTO}, {peers.MINISTACK}; {seconds:.0f} s in all.",
            "",
            "Pocketlake with durability `process` and limits off; peers keep everything in memory. "
            "Systems take turns on the same request bytes; the run in the middle of each is shown.",
            "",
            "## Readiness",
            "",
            *readiness,
            "",
            "## Calls",
            "",
            markdown(rows),
            "",
            "### Aims that were missed",
            "",
            missed(rows),
            "",
            "## Athena",
            "",
            athena or "Not measured in this run.",
        ]
    )


def _write(name: str, report: str, rows: list[Row]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(report + "\n")
    (RESULTS / f"{name}.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    print(f"\nwritten to {RESULTS}")


if __name__ == "__main__":
    sys.exit(main())
