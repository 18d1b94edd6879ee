"""A lake in a process of its own: it uses another core than its client, and can be killed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pocketlake.embedded import EmbeddedLake
from pocketlake.kernel.config import DEFAULT_REGION

READY = re.compile(r"ready at (https?://\S+)")
STOP_SECONDS = 20


class DidNotStart(Exception):
    """The process ended before it was ready; the message is what it said."""


class SpawnedLake(EmbeddedLake):
    """`pocketlake up` on a free port; a context that stops it at the end."""

    def __init__(self, process: subprocess.Popen[str], url: str, directory: Path, region: str) -> None:
        super().__init__(url, directory, region)
        self.process = process

    def kill(self) -> None:
        """kill -9: what was acknowledged must be there at the next start."""
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self) -> None:
        """As Ctrl-C does it: finish what has begun."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(directory: Path, *options: str, region: str = DEFAULT_REGION, log: Path | None = None) -> SpawnedLake:
    """Start one and wait until it answers. `options` are those of `pocketlake up`; its log to `log`, or in there."""
    command = [sys.executable, "-m", "pocketlake.cli.main", "up", "--port", "0", "--directory", str(directory)]
    log = log or directory / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*command, "--region", region, *options], stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1
        )
    assert process.stdout is not None
    for line in process.stdout:
        if found := READY.search(line):
            return SpawnedLake(process, found.group(1), directory, region)
    process.wait()
    process.stdout.close()
    raise DidNotStart(f"pocketlake up ended with {process.returncode}: {log.read_text(errors='replace')[-2000:]}")


@contextmanager
def running(directory: Path, *options: str, region: str = DEFAULT_REGION) -> Iterator[SpawnedLake]:
    lake = start(directory, *options, region=region)
    try:
        yield lake
    finally:
        if lake.process.poll() is None:
            lake.stop()
