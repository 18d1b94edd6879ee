"""Hash-key ranges: which shard a partition key belongs to. Pure rules."""

from __future__ import annotations

import hashlib

SPACE = 1 << 128
DIGITS = len(str(SPACE))


def tile(count: int) -> list[tuple[int, int]]:
    """`count` ranges (both ends included) that tile 0..2**128-1.  [KDS-003, KDS-507]

    AWS cuts at multiples of 2**128 // count; what the division leaves over goes to the last shard.
    """
    width = SPACE // count
    return [(at * width, SPACE - 1 if at == count - 1 else (at + 1) * width - 1) for at in range(count)]


def hash_keys(partition_keys: list[bytes]) -> list[bytes]:
    """Where each key lies in the space: MD5 of its UTF-8 bytes.  [KDS-010, KDS-512]

    Places are 16 bytes, big-endian, so that they sort as the 128-bit integers that they are.
    """
    return [hashlib.md5(key, usedforsecurity=False).digest() for key in partition_keys]


def place(value: int) -> bytes:
    """A hash key given as a number."""
    return value.to_bytes(16, "big")
