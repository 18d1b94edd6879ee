"""The bytes of a version: one blob, or several that are read one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pocketlake.kernel.blobs import Blob, FileSlice
from pocketlake.kernel.call import Call
from pocketlake.services.s3 import ranges, store
from pocketlake.services.s3.service import errors
from pocketlake.services.s3.store import Bucket, Segment, Version

PIECE_BYTES = 1024 * 1024
OPENED_AHEAD = 64


@dataclass(slots=True, frozen=True)
class Extent:
    """What a read covers: `part` is the part it asked for by number, `parts` the number of all then."""

    start: int
    length: int
    is_partial: bool
    part: Segment | None = None
    parts: int | None = None


def extent(call: Call, version: Version, request: dict[str, Any]) -> Extent:
    """The bytes that a Range header or a part number names, or all."""
    header, number = request.get("Range"), request.get("PartNumber")
    if header is None and number is None:
        return Extent(0, version.size, False)
    if header is not None and number is not None:
        raise errors.InvalidRequest("Cannot specify both Range header and partNumber query parameter")
    if number is not None:
        return _part(call, version, number)
    try:
        span = ranges.span(header, version.size)
    except ranges.Unsatisfiable:
        raise errors.InvalidRange(
            "The requested range is not satisfiable", ActualObjectSize=version.size, RangeRequested=header
        ) from None
    return Extent(0, version.size, False) if span is None else Extent(*span, True)


def _part(call: Call, version: Version, number: int) -> Extent:
    """A part of a multipart object; any other object is its own part 1."""
    if not 1 <= number <= 10_000:
        raise errors.InvalidArgument(
            "Part number must be an integer between 1 and 10000, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=number,
        )
    if not version.is_multipart:
        if number == 1:
            return Extent(0, version.size, version.size > 0)
        count = 1
    else:
        assert version.assembly is not None
        segments = store.segments(call.db, version.assembly)
        for segment in segments:
            if segment.number == number:
                return Extent(segment.start, segment.size, segment.size > 0, segment, len(segments))
        count = len(segments)
    raise errors.InvalidPartNumber(
        "The requested partnumber is not satisfiable", PartNumberRequested=number, ActualPartCount=count
    )


def shown_checksums(extent: Extent, stored: dict[str, str]) -> dict[str, str]:
    """The checksums that go with what is read: the part's own, the object's for the whole, none for another range."""
    if extent.part is not None:
        return {**extent.part.members, "ChecksumType": stored.get("ChecksumType", "")}
    return {} if extent.is_partial else stored


Slice = bytes | FileSlice


def locate(call: Call, version: Version, start: int = 0, length: int | None = None) -> list[Slice]:
    """The pieces, in order, that hold `length` bytes of the version from `start`."""
    stop = version.size if length is None else start + length
    if version.blob is not None:
        return [call.blobs.find(version.blob).slice(start, stop - start)]
    assert version.assembly is not None
    slices = []
    for segment in store.segments(call.db, version.assembly):
        first, last = max(start, segment.start), min(stop, segment.start + segment.size)
        if first < last:
            assert segment.blob is not None
            slices.append(call.blobs.find(segment.blob).slice(first - segment.start, last - first))
    return slices or [b""]


def read(call: Call, bucket: Bucket, version: Version, start: int, length: int) -> Slice | AsyncIterator[bytes]:
    """What a streaming answer takes: one piece as it lies there, several as an iterator over them."""
    slices = locate(call, version, start, length)
    return slices[0] if len(slices) == 1 else stream(call, bucket, version, start, length)


def stream(call: Call, bucket: Bucket, version: Version, start: int, length: int) -> AsyncIterator[bytes]:
    """The bytes, read in threads a megabyte at a time.

    Pieces are opened when this is called, so that who deletes the object meanwhile doesn't cut the reader off. Of very
    many pieces only the first are; where a later one has gone because the parts were joined, the joined file goes on.
    """
    slices = locate(call, version, start, length)
    opened = [_opened(piece) for piece in slices[:OPENED_AHEAD]]
    later = sum(_length(piece) for piece in slices[OPENED_AHEAD:])

    def rest(left: int) -> list[Slice]:
        now = store.find_version(call.db, bucket.id, version.key, version.version)
        if now is None or now.assembly != version.assembly:
            raise ConnectionError("the object was deleted while it was read")
        return locate(call, now, start + length - left, left)

    return _stream(call.lake.executor, opened, later, rest)


def _opened(piece: Slice) -> bytes | Opened:
    if isinstance(piece, bytes):
        return piece
    return Opened(open(piece.path, "rb"), piece.offset, piece.length)


@dataclass(slots=True, frozen=True)
class Opened:
    file: BinaryIO
    offset: int
    length: int


def _length(piece: Slice) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.length


async def _stream(
    executor: Executor, opened: list[bytes | Opened], left: int, rest: Callable[[int], list[Slice]]
) -> AsyncIterator[bytes]:
    """Through the opened pieces, then piece by piece through what `rest` finds of the last `left` bytes."""
    for piece in opened:
        async for data in _read(executor, piece):
            yield data
    while left:
        async for data in _read(executor, _opened(rest(left)[0])):
            left -= len(data)
            yield data


async def _read(executor: Executor, piece: bytes | Opened) -> AsyncIterator[bytes]:
    if isinstance(piece, bytes):
        yield piece
        return
    loop = asyncio.get_running_loop()
    with piece.file as file:
        file.seek(piece.offset)
        left = piece.length
        while left:
            data = await loop.run_in_executor(executor, file.read, min(PIECE_BYTES, left))
            if not data:
                raise ConnectionError("a blob ended early")
            left -= len(data)
            yield data


def pieces(slices: list[Slice]) -> Iterator[bytes]:
    """The bytes, a megabyte at a time: for a thread."""
    for piece in slices:
        if isinstance(piece, bytes):
            yield piece
            continue
        with open(piece.path, "rb") as source:
            source.seek(piece.offset)
            left = piece.length
            while left:
                data = source.read(min(PIECE_BYTES, left))
                assert data, f"{piece.path} ended early"
                left -= len(data)
                yield data


def join(path: Path, slices: list[Slice]) -> None:
    """Write the pieces one after the other into a new file: for a thread."""
    with open(path, "wb") as file:
        for data in pieces(slices):
            file.write(data)


@contextmanager
def kept(call: Call, blob: Blob) -> Iterator[None]:
    """A transaction that refers to a new blob: if it comes to nothing, so does the blob's file."""
    try:
        with call.transaction():
            call.blobs.keep(blob)
            yield
    except BaseException:
        forget(blob)
        raise


def forget(blob: Blob) -> None:
    """Remove the file of a blob that nothing will refer to."""
    if blob.path is not None:
        Path(blob.path).unlink(missing_ok=True)
