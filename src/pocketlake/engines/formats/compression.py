"""Compressed files: which kind by their first bytes, and the text at their beginning."""

from __future__ import annotations

import bz2
import zlib

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
}
MAX_SNAPPY_CHUNK = 1 << 16  # the framing format's limit on what one chunk holds


def detect(head: bytes) -> str:
    """gzip, bzip2, zstd, snappy (framed) or none."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "none")


def decompress_head(head: bytes, kind: str, limit: int) -> bytes:
    """What can be read of the file's beginning, at most some `limit` bytes. ValueError when it is corrupt."""
    if kind == "none":
        return head[:limit]
    try:
        if kind == "gzip":
            return zlib.decompressobj(wbits=31).decompress(head, limit)
        if kind == "bzip2":
            return bz2.BZ2Decompressor().decompress(head, limit)
        if kind == "snappy":
            return _framed_snappy(head, limit)
        return _zstd(head, limit)
    except (zlib.error, OSError, EOFError) as error:
        raise ValueError(f"corrupt {kind} file: {error}") from None


def _zstd(head: bytes, limit: int) -> bytes:
    import pyarrow as pa

    pieces, length = [], 0
    with pa.input_stream(pa.BufferReader(head), compression="zstd") as stream:
        while length < limit:
            try:
                piece = stream.read(min(1 << 16, limit - length))
            except OSError:
                break  # the head ends within a block
            if not piece:
                break
            pieces.append(piece)
            length += len(piece)
    if not pieces:
        raise ValueError("corrupt zstd file")
    return b"".join(pieces)


def _framed_snappy(head: bytes, limit: int) -> bytes:
    """The chunks of snappy's framing format that are whole. 0 is a compressed chunk, 1 a plain one; both begin with a
    checksum of four bytes."""
    import pyarrow as pa

    codec = pa.Codec("snappy")
    pieces, length, at = [], 0, 0
    while at + 4 <= len(head) and length < limit:
        kind, size = head[at], int.from_bytes(head[at + 1 : at + 4], "little")
        body = head[at + 8 : at + 4 + size]
        if at + 4 + size > len(head):
            break
        if kind == 0:
            piece = codec.decompress(body, decompressed_size=_varint(body), asbytes=True)
        else:
            piece = body if kind == 1 else b""
        pieces.append(piece)
        length += len(piece)
        at += 4 + size
    return b"".join(pieces)


def _varint(body: bytes) -> int:
    value = 0
    for shift, byte in enumerate(body[:5]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            break
    if value > MAX_SNAPPY_CHUNK:
        raise ValueError("corrupt snappy chunk")
    return value
