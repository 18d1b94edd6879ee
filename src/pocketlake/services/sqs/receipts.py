"""Receipt handles: opaque names of one receive of one message.

A handle carries the message's place and the number of its receive, signed with its queue's secret. The next receive of
the message makes it old; purging makes its place one that no longer exists. Nothing has to be kept for it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from struct import Struct

from .live import Queue
from .service import errors

BODY = Struct(">3sQI")
MARK = b"\x01\x01\x01"  # AWS's handles begin with AQEB
MAC_BYTES = 15


def make(queue: Queue, position: int, receives: int) -> str:
    """[SQS-025]"""
    body = BODY.pack(MARK, position, receives)
    mac = hashlib.blake2b(body, digest_size=MAC_BYTES, key=queue.secret).digest()
    return base64.b64encode(body + mac).decode()


def read(queue: Queue, handle: str) -> tuple[int, int]:
    """Place and number of the receive. ReceiptHandleIsInvalid when this queue never gave it out.  [SQS-026]"""
    try:
        raw = base64.b64decode(handle, validate=True)
    except (binascii.Error, ValueError):
        raise _refusal(handle) from None
    body = raw[: BODY.size]
    if len(raw) != BODY.size + MAC_BYTES:
        raise _refusal(handle)
    if hashlib.blake2b(body, digest_size=MAC_BYTES, key=queue.secret).digest() != raw[BODY.size :]:
        raise _refusal(handle)
    _, position, receives = BODY.unpack(body)
    return position, receives


def _refusal(handle: str) -> Exception:
    error: Exception = errors.ReceiptHandleIsInvalid(
        f'The input receipt handle "{handle}" is not a valid receipt handle.'
    )
    return error
