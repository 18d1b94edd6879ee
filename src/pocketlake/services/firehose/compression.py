"""The compression of S3 destinations, whole objects at a time."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

EXTENSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz", "ZIP": ".zip", "Snappy": ".snappy", "HADOOP_SNAPPY": ".hsnappy"}
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date a ZIP archive can hold: archives of equal data are equal
HADOOP_BLOCK = 256 * 1024  # io.compression.codec.snappy.buffersize, Hadoop's default


def compress(data: bytes, compression: str) -> bytes:
    return _COMPRESSORS[compression](data)


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def _zip(data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("records", EPOCH), data, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def _snappy(data: bytes) -> bytes:
    """The raw block format, as Firehose writes it."""
    import pyarrow as pa

    return bytes(pa.compress(data, codec="snappy", asbytes=True))


def _hadoop_snappy(data: bytes) -> bytes:
    """Hadoop's BlockCompressorStream: for each block its plain length and its compressed length, four bytes each,
    big-endian, then the raw snappy block."""
    pieces = []
    for start in range(0, len(data), HADOOP_BLOCK):
        block = data[start : start + HADOOP_BLOCK]
        packed = _snappy(block)
        pieces += [len(block).to_bytes(4, "big"), len(packed).to_bytes(4, "big"), packed]
    return b"".join(pieces)


_COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "UNCOMPRESSED": bytes,
    "GZIP": _gzip,
    "ZIP": _zip,
    "Snappy": _snappy,
    "HADOOP_SNAPPY": _hadoop_snappy,
}
