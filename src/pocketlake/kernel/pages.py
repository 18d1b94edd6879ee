"""Pagination tokens: opaque to the caller, and useless when changed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

import orjson

MAC_BYTES = 12


class InvalidToken(ValueError):
    """The token is not one of ours, or was changed."""


class Pages:
    """Seals small JSON values with the lake's secret. A service says in the value what the token is for."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, value: Any) -> str:
        body = orjson.dumps(value)
        return base64.urlsafe_b64encode(self._mac(body) + body).decode().rstrip("=")

    def open(self, token: str) -> Any:
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise InvalidToken(token) from None
        mac, body = raw[:MAC_BYTES], raw[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise InvalidToken(token)
        return orjson.loads(body)

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, hashlib.sha256)[:MAC_BYTES]
