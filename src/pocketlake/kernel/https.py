"""One HTTP request to somebody else's server: no redirects followed, an answer of bounded size and time.

Each runs in a thread of its own: the lake's threads are few, and servers that do not answer must not take them all.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

ANSWER_BYTES = 1024 * 1024
CONNECT_SECONDS = 30.0
HOSTNAME_MISMATCH = 62  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH


class Answer(NamedTuple):
    """`headers` with names in lower case; `size` counts headers and body. A body beyond the limit is cut off."""

    status: int
    headers: dict[str, str]
    body: bytes
    size: int

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class Failure(Exception):
    """No answer came. `kind` is one of timeout, handshake, unverified, reset, connection."""

    def __init__(self, kind: str, reason: object) -> None:
        super().__init__(str(reason))
        self.kind = kind


async def post(url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
    """The answer to a POST; raises Failure when none came, within `seconds` of the machine's own time.

    A user and password in the URL are sent by Basic authentication.
    """
    try:
        exchange = _Exchange(url, headers, body)
    except (ValueError, http.client.HTTPException) as error:  # an URL that names no server
        raise Failure("connection", error) from None
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    threading.Thread(target=exchange.run_for, args=(answer,), name="pocketlake-https", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        raise Failure("timeout", f"no answer within {seconds:g} s") from None
    finally:
        exchange.abort()


class _Exchange:
    """One request on one connection. `abort` ends it from another thread."""

    def __init__(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        parts = urlsplit(url)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {name: value.encode() for name, value in headers.items()}
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = b"Basic " + base64.b64encode(credentials.encode())
        self._body = body
        host = parts.hostname or ""
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(
                host,
                parts.port or http.client.HTTPS_PORT,  # without one, the end of an IPv6 address would be taken for it
                timeout=CONNECT_SECONDS,
                context=ssl.create_default_context(),
            )
        else:
            self._connection = http.client.HTTPConnection(
                host, parts.port or http.client.HTTP_PORT, timeout=CONNECT_SECONDS
            )

    def run_for(self, answer: asyncio.Future[Answer]) -> None:
        """Run in this thread and tell the loop."""
        try:
            outcome: Answer | Failure = self.run()
        except Failure as failure:
            outcome = failure

        def tell() -> None:
            if answer.done():
                return
            if isinstance(outcome, Failure):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            answer.get_loop().call_soon_threadsafe(tell)

    def run(self) -> Answer:
        try:
            self._connect()
            self._connection.request("POST", self._target, self._body, self._headers)
            response = self._connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            body = response.read(ANSWER_BYTES + 1)
            size = len(body) + sum(len(name) + len(value) for name, value in headers.items())
            return Answer(response.status, headers, body[:ANSWER_BYTES], size)
        except TimeoutError as error:
            raise Failure("timeout", error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Failure("reset", error) from None
        finally:
            self._connection.close()

    def _connect(self) -> None:
        try:
            self._connection.connect()
        except ssl.SSLCertVerificationError as error:
            raise Failure("unverified" if error.verify_code == HOSTNAME_MISMATCH else "handshake", error) from None
        except ssl.SSLError as error:
            raise Failure("handshake", error) from None
        except (OSError, ValueError) as error:
            raise Failure("connection", error) from None
        assert self._connection.sock is not None
        self._connection.sock.settimeout(None)  # from here on the loop watches the time

    def abort(self) -> None:
        """End what is still under way."""
        connected = self._connection.sock
        if connected is not None:
            with contextlib.suppress(OSError):  # it has ended by itself
                connected.shutdown(socket.SHUT_RDWR)
