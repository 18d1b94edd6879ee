"""Decompression of source records: what CloudWatch Logs sends is gzip.

Source: developer guide, "Decompress CloudWatch Logs", "Troubleshoot decompression in Firehose".
"""

from __future__ import annotations

import gzip
import zlib

from pocketlake.kernel.call import Call

from . import failures
from .batches import Batch, Failed
from .service import errors

FORMAT = "GZIP"


def validate(call: Call, parameters: dict[str, str]) -> None:
    if parameters.get("CompressionFormat", FORMAT) != FORMAT:
        raise errors.InvalidArgumentException(f"CompressionFormat has to be one of {FORMAT}")


def run(batch: Batch, parameters: dict[str, str]) -> tuple[Batch, list[Failed]]:
    """What can't be decompressed fails as it came."""
    kept, data, failed = [], [], []
    for index, record in enumerate(batch.data):
        try:
            plain = gzip.decompress(record)
        except (OSError, EOFError, zlib.error) as error:
            message = f"The record could not be decompressed as {FORMAT}: {error}"
            failed.append(Failed(batch.origin(index), failures.DECOMPRESSION, "Decompression.MalformedData", message))
        else:
            kept.append(index)
            data.append(plain)
    batch = batch.select(kept, data)
    batch.is_decompressed = True
    return batch, failed
