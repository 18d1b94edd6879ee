"""The files of a flow: which they are, through rotations, and the records in them."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pocketlake.cli.agent.checkpoints import SAMPLE_BYTES, Checkpoint
from pocketlake.cli.agent.configuration import FlowSettings

COMPRESSED = (".gz", ".bz2", ".zip")  # what rotation leaves behind; its records were read before
READ_BYTES = 1 << 20
LONGEST_RECORD_BYTES = 4 << 20  # without an end in so much, what there is is cut off as a record


@dataclass(slots=True)
class Tail:
    """An open file. `position` is the end of the last record that was taken from it; `pending` what follows so far."""

    inode: str
    file: BinaryIO
    position: int
    last: bytes
    grown: float
    headers_left: int
    head: bytes = b""
    pending: bytearray = field(default_factory=bytearray)
    is_newest: bool = True
    is_gone: bool = False

    def checkpoint(self) -> Checkpoint:
        if len(self.head) < min(self.position, SAMPLE_BYTES):
            self.head = _read(self.file, 0, min(self.position, SAMPLE_BYTES))
        return Checkpoint(self.inode, self.position, self.head, self.last)

    def take(self, size: int) -> bytes:
        """The next record."""
        record = bytes(self.pending[:size])
        del self.pending[:size]
        self.position += size
        self.last = (self.last + record[-SAMPLE_BYTES:])[-SAMPLE_BYTES:]
        return record


class Files:
    """Open files. New ones are read from their beginning; when the flow itself is new, from its initial position."""

    def __init__(self, flow: FlowSettings, known: dict[str, Checkpoint], is_new: bool) -> None:
        self._flow = flow
        self._known = known
        self._tails: dict[str, Tail] = {}
        self._skips = is_new and not flow.from_start

    @property
    def known(self) -> set[str]:
        """The inodes of files that are open, or that were read to their end."""
        return {*self._tails, *self._known}

    def look(self) -> list[Tail]:
        """The files to read on in, oldest first: opens what came or grew, closes what was read, but for the newest."""
        found = self._listed()
        newest = next(reversed(found), None)
        for inode, tail in list(self._tails.items()):
            tail.is_gone, tail.is_newest = inode not in found, inode == newest
            size = os.fstat(tail.file.fileno()).st_size
            was_cut = size < tail.position + len(tail.pending) or not _holds(tail.file, tail.checkpoint())
            if was_cut or (size == tail.position and not tail.is_newest):
                self._known[inode] = tail.checkpoint()
                tail.file.close()
                del self._tails[inode]
        for inode, path in found.items():
            if inode not in self._tails and (opened := self._open(inode, path, found, inode == newest)):
                self._tails[inode] = opened
        self._skips = False
        order = {inode: place for place, inode in enumerate(found)}
        return sorted(self._tails.values(), key=lambda tail: order.get(tail.inode, -1))

    def _listed(self) -> dict[str, Path]:
        """Files of the pattern, and those that it once named and that were renamed beside it; oldest first."""
        found: list[tuple[int, str, Path]] = []
        try:
            entries = list(os.scandir(self._flow.directory))
        except FileNotFoundError:
            entries = []
        for entry in entries:
            if entry.name.lower().endswith(COMPRESSED):
                continue
            try:
                about = entry.stat()
            except FileNotFoundError:
                continue
            inode = _inode(about)
            if stat.S_ISREG(about.st_mode) and (self._matches(entry.name) or self._is_renamed(inode)):
                found.append((about.st_mtime_ns, inode, Path(entry.path)))
        return {inode: path for _, inode, path in sorted(found)}

    def _is_renamed(self, inode: str) -> bool:
        """Whether a name of the pattern may have been the file's; of one where nothing was read, nobody can tell."""
        return inode in self._tails or (inode in self._known and self._known[inode].offset > 0)

    def _matches(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self._flow.names)

    def _open(self, inode: str, path: Path, found: dict[str, Path], is_newest: bool) -> Tail | None:
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError:
            return None
        about = os.fstat(file.fileno())
        known = self._known.get(inode)
        if known and not _holds(file, known):
            known = None
        is_read = known is not None and known.offset == about.st_size and not is_newest
        if _inode(about) != inode or is_read:  # renamed since it was listed: the next look finds it
            file.close()
            return None
        known = known or self._copied(file, found)
        if known is None and not self._matches(path.name):
            file.close()
            del self._known[inode]
            return None
        position = known.offset if known else about.st_size if self._skips else 0
        last = _read(file, max(0, position - SAMPLE_BYTES), min(position, SAMPLE_BYTES))
        return Tail(inode, file, position, last, time.monotonic(), 0 if position else self._flow.header_lines)

    def _copied(self, file: BinaryIO, found: dict[str, Path]) -> Checkpoint | None:
        """How far a file was read of which this is a copy: rotation may copy a file, and then cut off the original."""
        for known in self._known.values():
            if known.offset and known.inode in found and _holds(file, known):
                with contextlib.suppress(FileNotFoundError), found[known.inode].open("rb") as original:
                    if not _holds(original, known):
                        return known
        return None

    def close(self) -> None:
        for tail in self._tails.values():
            tail.file.close()


def _inode(about: os.stat_result) -> str:
    return f"{about.st_dev}:{about.st_ino}"


def _read(file: BinaryIO, start: int, size: int) -> bytes:
    return os.pread(file.fileno(), size, start)


def _holds(file: BinaryIO, known: Checkpoint) -> bool:
    """Whether the file has what was read: its first bytes, and those before the place."""
    start = known.offset - len(known.last)
    return _read(file, 0, len(known.head)) == known.head and _read(file, start, len(known.last)) == known.last


def records(tail: Tail, flow: FlowSettings, is_last_call: bool) -> Iterator[bytes | None]:
    """The records that are whole by now; each moves the tail's position on. None stands for a header line.

    The last record of a file is whole when the file has not grown for as long as the buffer may wait, or nobody waits
    (`is_last_call`). A line without its end is one only when there is a newer file too.
    """
    while True:
        chunk = _read(tail.file, tail.position + len(tail.pending), READ_BYTES)
        if chunk:
            tail.grown = time.monotonic()
            tail.pending += chunk
        is_quiet = not chunk and (is_last_call or time.monotonic() - tail.grown >= flow.buffer_seconds)
        while end := _end_of_record(tail, flow, is_quiet):
            record = tail.take(end)
            if tail.headers_left:
                tail.headers_left -= 1
                yield None
            else:
                yield record
        if not chunk:
            return


def _end_of_record(tail: Tail, flow: FlowSettings, is_quiet: bool) -> int:
    """0 while it is not there yet."""
    pending = tail.pending
    end = pending.find(b"\n") + 1
    if end and flow.record_start and not tail.headers_left:
        end = _next_start(pending, end, flow.record_start) or (len(pending) if is_quiet else 0)
    if not end and pending and is_quiet and not tail.is_newest:
        end = len(pending)
    return end or (len(pending) if len(pending) >= LONGEST_RECORD_BYTES else 0)


def _next_start(pending: bytearray, at: int, pattern: re.Pattern[str]) -> int:
    """Where the next record begins; 0 while no whole line shows it."""
    while end := pending.find(b"\n", at) + 1:
        if pattern.match(pending[at:end].decode(errors="replace")):
            return at
        at = end
    return 0
