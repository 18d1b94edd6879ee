"""How records lie in the store: all that one call wrote to one shard is one blob.

    count x (bytes of key, bytes of data), little-endian unsigned 32-bit | key data key data ...

Reading 1,000 records then costs two slices each, and writing 500 costs one row a shard.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from operator import add


def pack(lengths: list[int], pieces: list[bytes]) -> bytes:
    """`pieces` are key, data, key, data...; `lengths` theirs."""
    return struct.pack(f"<{len(lengths)}I", *lengths) + b"".join(pieces)


def sizes(payload: bytes, count: int, skip: int = 0) -> list[int]:
    """Bytes of key and data of each record from the `skip`-th on."""
    lengths = struct.unpack_from(f"<{2 * (count - skip)}I", payload, 8 * skip)
    return list(map(add, lengths[::2], lengths[1::2]))


def unpack(payload: bytes, count: int, skip: int = 0, taken: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Key and data of `taken` records from the `skip`-th on; of all that follow without `taken`."""
    lengths = struct.unpack_from(f"<{2 * count}I", payload)
    at = 8 * count + sum(lengths[: 2 * skip])
    end = count if taken is None else skip + taken
    for key, data in zip(lengths[2 * skip : 2 * end : 2], lengths[2 * skip + 1 : 2 * end : 2], strict=True):
        middle = at + key
        at = middle + data
        yield payload[middle - key : middle], payload[middle:at]
