"""Server-side encryption: refused until there are keys to encrypt with. Nothing pretends to be encrypted."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501

from . import addresses
from .service import kinesis


@kinesis.operation
def start_stream_encryption(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    addresses.find(call, request)
    raise NotImplemented501("Encrypting a stream with a KMS key")


@kinesis.operation
def stop_stream_encryption(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """No stream is encrypted, so there is nothing to stop: AWS accepts that as well."""
    addresses.find(call, request)
    return {}
