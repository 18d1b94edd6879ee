"""Backup of source records: all of them as they arrived, before any processing.

Source: developer guide, "Configure backup settings".
"""

from __future__ import annotations

import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import compression, metrics, prefixes, storage
from .batches import Batch, StorageRefused


async def write(call: Call, stream: Resource, configuration: dict[str, Any], batch: Batch) -> None:
    """One object a batch: backups follow the stream's own buffer. StorageRefused when the bucket refuses."""
    when = storage.moment(configuration, batch.oldest)
    identity = uuid.uuid5(batch.identity, "backup")
    folder = prefixes.evaluate(configuration.get("Prefix") or "", prefixes.Values(when, seed=str(identity)))
    key = storage.object_key(stream, folder, when, identity, storage.extension(configuration))
    body = await call.offload(compression.compress, batch.joined(), configuration["CompressionFormat"])
    try:
        await storage.put(call, configuration, key, body)
    except StorageRefused:
        metrics.refused(call, stream, "backup")
        raise
    metrics.delivered(call, stream, "backup", batch, len(batch), len(body))
