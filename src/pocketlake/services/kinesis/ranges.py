"""Hash-key ranges: which shard a partition key belongs to. Pure rules."""

from __future__ import annotations

import hashlib

SPACE = 1 << 128


def tile(count: int) -> list[tuple[int, int]]:
    """`count` ranges (both ends included) that tile 0..2**128-1.  [KDS-003, KDS-507]

    AWS cuts at multiples of 2**128 // count; what the division leaves over goes to the last shard.
    """
    width = SPACE // count
    return [(at * width, SPACE - 1 if at == count - 1 else (at + 1) * width - 1) for at in range(count)]


def hash_key(partition_key: str) -> int:
    """MD5 of the key's UTF-8 bytes as a 128-bit big-endian integer.  [KDS-010, KDS-512]"""
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest(), "big")
