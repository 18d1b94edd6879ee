"""How records lie in the store: all that one call wrote to one shard is one blob.

    count x (bytes of key, bytes of data), little-endian unsigned 32-bit | key data key data ...

Reading 1,000 records then costs two slices each, and writing 500 costs one row a shard.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator


def pack(lengths: list[int], pieces: list[bytes]) -> bytes:
    """`pieces` are key, data, key, data...; `lengths` theirs."""
    return struct.pack(f"<{len(lengths)}I", *lengths) + b"".join(pieces)


def unpack(payload: bytes, count: int, skip: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Key and data of each record from the `skip`-th on."""
    lengths = struct.unpack_from(f"<{2 * count}I", payload)
    at = 8 * count + sum(lengths[: 2 * skip])
    for index in range(2 * skip, 2 * count, 2):
        middle = at + lengths[index]
        end = middle + lengths[index + 1]
        yield payload[at:middle], payload[middle:end]
        at = end
