"""Bytes, written once, hashed on the way in, referenced from the tick's transaction.

Small blobs lie in the database (one write, no file); larger ones are files under `blobs/`. A file is complete before a
row refers to it, so a reference without a file can't happen; a file without a reference is rubbish, swept at start.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from pocketlake.kernel import checksums

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE blobs (
        id TEXT NOT NULL PRIMARY KEY, size INTEGER NOT NULL, refs INTEGER NOT NULL, data BLOB
    ) WITHOUT ROWID;
    """
]

INLINE_BYTES = 16 * 1024  # below this a row is cheaper than a file
PIECE_BYTES = 1024 * 1024  # written and hashed together, in a thread when the body streams
ON_LOOP_BYTES = 128 * 1024  # hashing up to this much is cheaper than changing threads


class Stream(Protocol):
    async def read(self) -> bytes: ...


@dataclass(slots=True, frozen=True)
class FileSlice:
    """`length` bytes of the file at `path` from `offset`: what the gateway sends by sendfile."""

    path: str
    offset: int
    length: int


class TooLarge(Exception):
    """The body passed the limit it was received under."""


@dataclass(slots=True)
class Blob:
    """`data` holds an inline blob's bytes, `path` the file of any other."""

    id: str
    size: int
    path: str | None = None
    data: bytes | None = None
    digests: dict[str, bytes] = field(default_factory=dict)

    def slice(self, offset: int = 0, length: int | None = None) -> bytes | FileSlice:
        length = self.size - offset if length is None else length
        if self.data is not None:
            return self.data[offset : offset + length]
        assert self.path is not None
        return FileSlice(self.path, offset, length)


class Blobs:
    def __init__(self, store: Store, directory: Path, executor: Executor, fsync: bool = False) -> None:
        self._store = store
        self._directory = directory
        self._temporary = directory / "temporary"
        self._executor = executor
        self._fsync = fsync
        self._temporary.mkdir(parents=True, exist_ok=True)
        last = store.one("SELECT max(id) FROM blobs") or (None,)
        self._numbers = itertools.count(int((last[0] or "0")[:16], 16) + 1)

    # In

    def put(self, data: bytes, algorithms: Iterable[str] = ()) -> Blob:
        """A blob of these bytes, on the loop: for what is small."""
        digests = {name: _digest(name, data) for name in algorithms}
        if len(data) <= INLINE_BYTES:
            return Blob(self._new_id(), len(data), data=bytes(data), digests=digests)
        path = self.temporary()
        with open(path, "wb") as file:
            file.write(data)
            self._sync(file)
        return self.adopt(path, digests)

    async def receive(
        self,
        body: bytes | Stream | AsyncIterator[bytes] | Path,
        algorithms: Iterable[str] = ("md5",),
        limit: int | None = None,
        prefix: bytes = b"",
    ) -> Blob:
        """A blob of a whole body, whatever form it comes in; bytes of any length arrive in constant memory.

        Raises TooLarge past `limit`. A path is taken over, not copied.
        """
        loop = asyncio.get_running_loop()
        if isinstance(body, bytes | bytearray | memoryview):
            if limit is not None and len(body) > limit:
                raise TooLarge
            data = bytes(body) if not prefix else prefix + body
            if len(data) <= ON_LOOP_BYTES:
                return self.put(data, algorithms)
            return await loop.run_in_executor(self._executor, self.put, data, tuple(algorithms))
        if isinstance(body, Path):
            return await loop.run_in_executor(self._executor, self._take_over, body, tuple(algorithms), limit)
        return await self._stream(_pieces(body, prefix), algorithms, limit)

    def _take_over(self, path: Path, algorithms: tuple[str, ...], limit: int | None) -> Blob:
        size = path.stat().st_size
        if limit is not None and size > limit:
            raise TooLarge
        hashers = {name: checksums.new(name) for name in algorithms}
        with open(path, "rb") as file:
            while piece := file.read(PIECE_BYTES):
                for hasher in hashers.values():
                    hasher.update(piece)
            if size <= INLINE_BYTES:
                file.seek(0)
                blob = self.put(file.read())
                path.unlink()
            else:
                self._sync(file)
                blob = self.adopt(path)
        blob.digests = {name: hasher.digest() for name, hasher in hashers.items()}
        return blob

    async def _stream(self, pieces: AsyncIterator[bytes], algorithms: Iterable[str], limit: int | None) -> Blob:
        loop = asyncio.get_running_loop()
        hashers = {name: checksums.new(name) for name in algorithms}
        size = 0
        path = self.temporary()
        try:
            with open(path, "wb", buffering=0) as file:
                async for piece in pieces:
                    size += len(piece)
                    if limit is not None and size > limit:
                        raise TooLarge
                    await loop.run_in_executor(self._executor, _write, file, piece, list(hashers.values()))
                await loop.run_in_executor(self._executor, self._sync, file)
            return self.adopt(path, {name: hasher.digest() for name, hasher in hashers.items()})
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def temporary(self) -> Path:
        """A path for a file that `adopt` or `receive` may take over: on the same file system as the blobs."""
        return self._temporary / self._new_id()

    def adopt(self, path: Path, digests: dict[str, bytes] | None = None) -> Blob:
        """Make a blob of a finished temporary file by renaming it."""
        identity = self._new_id()
        home = self._home(identity)
        try:
            os.rename(path, home)
        except FileNotFoundError:
            home.parent.mkdir(exist_ok=True)
            os.rename(path, home)
        if self._fsync:
            _sync_directory(home.parent)
        return Blob(identity, home.stat().st_size, str(home), digests=digests or {})

    # References

    def keep(self, blob: Blob) -> None:
        """One reference more, in this transaction."""
        self._store.execute(
            "INSERT INTO blobs VALUES (?, ?, 1, ?) ON CONFLICT (id) DO UPDATE SET refs = refs + 1",
            (blob.id, blob.size, blob.data),
        )

    def drop(self, identity: str) -> None:
        """One reference less; the file goes after the commit that took the last."""
        # The usual last reference first: an UPDATE would write an inline blob's bytes once more.
        last = self._store.one("DELETE FROM blobs WHERE id = ? AND refs <= 1 RETURNING data IS NULL", (identity,))
        if last is None:
            self._store.execute("UPDATE blobs SET refs = refs - 1 WHERE id = ?", (identity,))
        elif last[0]:
            self._store.after_commit(self._unlink, identity, None)

    def find(self, identity: str) -> Blob:
        row = self._store.one("SELECT size, data FROM blobs WHERE id = ?", (identity,))
        if row is None:
            raise KeyError(identity)
        size, data = row
        return Blob(identity, size, None if data is not None else str(self._home(identity)), data)

    # Housekeeping

    def sweep(self) -> None:
        """Remove what a crash left: unfinished files, and files no row refers to.

        Runs in a thread while the lake already serves, so only files older than this start are looked at.
        """
        marker = self.temporary()
        marker.touch()
        started = marker.stat().st_mtime
        marker.unlink()
        reader = self._store.reader()
        try:
            for folder in self._directory.iterdir():
                for path in folder.iterdir():
                    if path.stat().st_mtime >= started:
                        continue
                    known = reader.execute("SELECT 1 FROM blobs WHERE id = ?", (path.name,)).fetchone()
                    if folder == self._temporary or known is None:
                        path.unlink(missing_ok=True)
        finally:
            reader.close()

    def clear(self) -> None:
        """Remove every file: the lake is being emptied."""
        for folder in self._directory.iterdir():
            for path in folder.iterdir():
                path.unlink(missing_ok=True)

    def _unlink(self, identity: str | None) -> None:
        """Unless the call that dropped the blob was taken back while others of its turn were committed."""
        if identity is not None and self._store.one("SELECT 1 FROM blobs WHERE id = ?", (identity,)) is None:
            self._home(identity).unlink(missing_ok=True)

    def _home(self, identity: str) -> Path:
        return self._directory / identity[-2:] / identity

    def _new_id(self) -> str:
        """Growing, so that rows are appended to their table, which is a quarter faster than to insert at random."""
        return f"{next(self._numbers):016x}{secrets.token_hex(8)}"

    def _sync(self, file: Any) -> None:
        if self._fsync:
            file.flush()
            os.fsync(file.fileno())


def _digest(name: str, data: bytes) -> bytes:
    if name == "md5":
        return hashlib.md5(data, usedforsecurity=False).digest()
    hasher = checksums.new(name)
    hasher.update(data)
    return hasher.digest()


def _write(file: BinaryIO, piece: bytes, hashers: list[Any]) -> None:
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]
    for hasher in hashers:
        hasher.update(piece)


async def _pieces(body: Stream | AsyncIterator[bytes], prefix: bytes) -> AsyncIterator[bytes]:
    """The body in pieces of about PIECE_BYTES, so that each change of thread is worth it."""
    held = [prefix] if prefix else []
    size = len(prefix)
    following = _reader(body)
    while piece := await following():
        held.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _reader(body: Any) -> Callable[[], Any]:
    if hasattr(body, "read"):
        return body.read

    async def following() -> bytes:
        async for piece in body:
            if piece:
                return bytes(piece)
        return b""

    return following


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
