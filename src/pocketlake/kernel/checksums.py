"""Checksums and hashes by name, all with the same two methods.

`new("crc64nvme")` gives an object with `update(bytes)` and `digest() -> bytes`, as hashlib's have; digests of CRCs
are big-endian, which is the form that S3 writes in base64. hashlib lets other threads run while it hashes; the CRCs
hold the interpreter, but pass over 10 GB a second, so a piece of a megabyte costs the loop a tenth of a millisecond.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

ALGORITHMS = ("md5", "sha1", "sha256", "sha512", "crc32", "crc32c", "crc64nvme")

CRC_BYTES = {"crc32": 4, "crc32c": 4, "crc64nvme": 8}

# Rocksoft's model names of the CRCs that neither zlib nor hashlib has.
MODELS = {"crc32": "CRC32", "crc32c": "CRC32-ISCSI", "crc64nvme": "CRC64-NVME"}


class Hasher(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Crc:
    """A running CRC. `function(data, crc so far) -> crc`, where the CRC of nothing is 0."""

    __slots__ = ("_function", "_size", "_value")

    def __init__(self, function: Callable[[bytes, int], int], size: int) -> None:
        self._function = function
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def new(name: str) -> Hasher:
    """A fresh hasher for one of ALGORITHMS; KeyError for another name."""
    if name in CRC_BYTES:
        return Crc(_function(name), CRC_BYTES[name])
    if name == "md5":
        return hashlib.md5(usedforsecurity=False)
    if name == "sha1":
        return hashlib.sha1(usedforsecurity=False)
    if name == "sha256":
        return hashlib.sha256()
    if name == "sha512":
        return hashlib.sha512()
    raise KeyError(name)


def digest(name: str, data: bytes) -> bytes:
    """The whole digest of bytes that lie in memory."""
    hasher = new(name)
    hasher.update(data)
    return hasher.digest()


def combine(name: str, first: bytes, second: bytes, second_size: int) -> bytes:
    """The CRC of two byte strings one after the other, from the CRC of each and the size of the second.

    This is what lets a multipart upload have the checksum of the full object without its bytes being read again.
    """
    value = _model(name).combine(int.from_bytes(first, "big"), int.from_bytes(second, "big"), second_size)
    return int(value).to_bytes(CRC_BYTES[name], "big")


@cache
def _function(name: str) -> Callable[[bytes, int], int]:
    return zlib.crc32 if name == "crc32" else _model(name).calc


@cache
def _model(name: str) -> Any:
    import anycrc  # imported late: only lakes that are given objects need it

    return anycrc.Model(MODELS[name])
