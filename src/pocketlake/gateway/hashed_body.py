"""A body that is hashed while it is read, and judged at its end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from pocketlake.gateway.message import BodyStream


class HashedBody:
    """Calls `judge(sha256 in hex)` once the whole body went by; what it raises is what the last read raises.

    Whoever reads may use nothing of the body before that last read has returned b"".
    """

    __slots__ = ("_body", "_hash", "_judge", "length")

    def __init__(self, body: BodyStream, judge: Callable[[str], None]) -> None:
        self.length = body.length
        self._body = body
        self._hash = hashlib.sha256()
        self._judge = judge

    async def read(self) -> bytes:
        piece = await self._body.read()
        if piece:
            self._hash.update(piece)
        else:
            self._judge(self._hash.hexdigest())
        return piece
