"""A client of the data plane, as small as it can be: it sends values and shows what comes back.

AWS's own clients are tried in tests/clients; this one can also say what they would not.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import io
import socket
from typing import Any

import cbor2

GREETING = b"gJ7yne5G\x00\xf6\xa1iUserAgentdtest\x00"
METHODS = {
    "authorize": 1489122155,
    "endpoints": 455855874,
    "define_key_schema": -742646399,
    "define_attribute_list": 670678385,
    "define_attribute_list_id": -1230579644,
    "get": 263244906,
    "put": -2106490455,
    "update": 1425579023,
    "delete": 1013539361,
    "batch_get": -697851100,
    "batch_write": 116217951,
    "query": -931250863,
    "scan": -1875390620,
    "transact_get": 1866287579,
    "transact_write": -1160037738,
}
RESULTS = {"batch_get": 2, "batch_write": 3}  # top-level values of an answer, where it is not one
CONSISTENT, CAPACITY, CONDITION, RETURNS, UPDATE = 2, 3, 4, 7, 8
TOTAL, ALL_OLD = 1, 2


class Refused(Exception):
    def __init__(self, codes: list[int], message: str, details: list[Any]) -> None:
        super().__init__(f"{details[1]}: {message}")
        self.codes = codes
        self.message = message
        self.details = details
        self.code = details[1]


class Gone(Exception):
    """The server closed the connection."""


class WireClient:
    def __init__(self, host: str, port: int, key: str | None = "test", secret: str = "test", **signing: Any) -> None:
        self.socket = socket.create_connection((host, port), timeout=10)
        self._received = b""
        self.socket.sendall(GREETING)
        if key is not None:
            self.authorize(key, secret, **signing)

    @classmethod
    def of(cls, cluster: dict[str, Any], **options: Any) -> WireClient:
        endpoint = cluster["ClusterDiscoveryEndpoint"]
        return cls(endpoint["Address"], endpoint["Port"], **options)

    def __enter__(self) -> WireClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def authorize(self, key: str, secret: str, at: datetime.datetime | None = None, token: str | None = None) -> None:
        """There is no answer to it, unless it is refused: that comes in the place of the next one."""
        stamp = (at or datetime.datetime.now(datetime.UTC)).strftime("%Y%m%dT%H%M%SZ")
        headers = f"host:dax.amazonaws.com\nx-amz-date:{stamp}\n\nhost;x-amz-date"
        request = f"POST\n/\n\n{headers}\n{hashlib.sha256(b'').hexdigest()}"
        scope = f"{stamp[:8]}/us-east-1/dax/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}".encode()
        signing = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            signing = hmac.digest(signing, part.encode(), "sha256")
        signature = hmac.digest(signing, to_sign, "sha256").hex()
        self.send("authorize", key, signature, to_sign, token, "test")

    def send(self, method: str, *parameters: Any) -> None:
        values = (1, METHODS[method], *parameters)
        self.socket.sendall(b"".join(map(cbor2.dumps, values)))

    def ask(self, method: str, *parameters: Any) -> Any:
        self.send(method, *parameters)
        return self.answer(RESULTS.get(method, 1))

    def answer(self, results: int = 1) -> Any:
        codes = self.value()
        if codes:
            raise Refused(codes, self.value(), self.value())
        found = [self.value() for _ in range(results)]
        return found[0] if results == 1 else found

    def value(self) -> Any:
        while True:
            stream = io.BytesIO(self._received)
            try:
                value = cbor2.CBORDecoder(stream, read_size=1).decode()
            except cbor2.CBORDecodeEOF:
                more = self.socket.recv(65536)
                if not more:
                    raise Gone from None
                self._received += more
                continue
            self._received = self._received[stream.tell() :]
            return value

    # Items of a table whose key is one text, in Python's own values

    def item(self, values: dict[str, Any]) -> bytes:
        names = sorted(values)
        number = self.ask("define_attribute_list_id", names) if names else 1
        return cbor2.dumps(number) + b"".join(cbor2.dumps(values[name]) for name in names)

    def opened(self, content: bytes) -> dict[str, Any]:
        number, *values = cbor2.loads(b"\x9f" + content + b"\xff")
        names = self.ask("define_attribute_list", number) if number != 1 else []
        return dict(zip(names, values, strict=True))

    def put(self, table: str, key: str, values: dict[str, Any], options: Any = None) -> Any:
        return self.ask("put", table.encode(), key.encode(), self.item(values), options)

    def get(self, table: str, key: str, **options: Any) -> dict[str, Any] | None:
        """The item's attributes but the key; None where there is none."""
        return self.got(table, key, **options)[0]

    def got(self, table: str, key: str, consistent: bool = False) -> tuple[dict[str, Any] | None, float | None]:
        """The item, and the units that it took: None where the table was not asked."""
        answer = self.ask("get", table.encode(), key.encode(), {CONSISTENT: consistent, CAPACITY: TOTAL}) or {}
        units = cbor2.loads(b"\x9f" + answer[1] + b"\xff")[1] if 1 in answer else None
        return (self.opened(answer[0]) if 0 in answer else None), units


def condition(tree: Any, *values: Any) -> bytes:
    return cbor2.dumps([1, tree, list(values)])


def path(*parts: str | int) -> list[Any]:
    return [18, *(cbor2.CBORTag(3324, part) if isinstance(part, int) else part for part in parts)]


def variable(number: int) -> list[int]:
    return [17, number]
