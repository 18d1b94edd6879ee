"""How far each file of each flow has been sent: one SQLite file, written after each answer, so kill -9 loses nothing.

A file is known by its inode, so it keeps its place when it is renamed, and by some of its bytes, so a new file that was
given the same inode, or that was written anew from its beginning, is not taken for it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SAMPLE_BYTES = 256
DAY_SECONDS = 86_400


@dataclass(slots=True, frozen=True)
class Checkpoint:
    """All before `offset` was sent. `head` and `last` are the first and last bytes of that, SAMPLE_BYTES at most."""

    inode: str
    offset: int
    head: bytes
    last: bytes


class Checkpoints:
    """Shared by the flows' threads."""

    def __init__(self, path: Path, days: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._seconds = days * DAY_SECONDS
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS checkpoints (flow TEXT NOT NULL, inode TEXT NOT NULL, offset INTEGER NOT NULL,"
            " head BLOB NOT NULL, last BLOB NOT NULL, written REAL NOT NULL, PRIMARY KEY (flow, inode)) WITHOUT ROWID"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS flows (flow TEXT PRIMARY KEY) WITHOUT ROWID")

    def is_new(self, flow: str) -> bool:
        """Whether nothing was kept of the flow yet: only then does its initial position count."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM flows WHERE flow = ?", (flow,)).fetchone() is None

    def of(self, flow: str) -> dict[str, Checkpoint]:
        """By inode."""
        with self._lock:
            rows = self._db.execute("SELECT inode, offset, head, last FROM checkpoints WHERE flow = ?", (flow,))
            return {row[0]: Checkpoint(*row) for row in rows}

    def keep(self, flow: str, checkpoints: Iterable[Checkpoint]) -> None:
        """In one transaction."""
        now = time.time()
        rows = [(flow, one.inode, one.offset, one.head, one.last, now) for one in checkpoints]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT OR IGNORE INTO flows VALUES (?)", (flow,))
            self._db.executemany("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def sweep(self, flow: str, there: Iterable[str]) -> None:
        """Forget files that are there no more, and have not been for the time to live. `there` are inodes."""
        now = time.time()
        with self._lock:
            self._db.executemany(
                "UPDATE checkpoints SET written = ? WHERE flow = ? AND inode = ?", [(now, flow, one) for one in there]
            )
            self._db.execute("DELETE FROM checkpoints WHERE flow = ? AND written < ?", (flow, now - self._seconds))

    def close(self) -> None:
        with self._lock:
            self._db.close()
