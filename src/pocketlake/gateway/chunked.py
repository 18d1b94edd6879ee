"""aws-chunked bodies: chunks in the body itself, each signed or not, with trailers after them.

Sources: Amazon S3 API Reference, "Signature calculations for the authorization header: transferring payload in multiple
chunks" and "Including trailing headers (chunked upload)".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from pocketlake.gateway import refusals, signature
from pocketlake.gateway.message import BodyStream, Request
from pocketlake.gateway.signature import Credential
from pocketlake.kernel.errors import ServiceError

CODING = "aws-chunked"
SIGNED = ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
EMPTY_HASH = sha256(b"").hexdigest()

HEADER = re.compile(rb"([0-9a-fA-F]{1,12})[ \t]*(?:;[ \t]*chunk-signature=([0-9a-f]{64}))?[ \t]*\Z")
LONGEST_HEADER_BYTES = 256
LONGEST_TRAILERS_BYTES = 16 * 1024
SMALLEST_CHUNK_BYTES = 8192  # of all chunks but the last one; "transferring payload in multiple chunks"

TRAILER_SIGNATURE = "x-amz-trailer-signature"

State = Callable[[bytes, int, list[bytes]], int]


def is_chunked(request: Request) -> bool:
    headers = request.headers
    if headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        return True
    return CODING in headers.get("content-encoding", "").lower() and "x-amz-decoded-content-length" in headers


def verifier(request: Request, credential: Credential, secret: str) -> ChunkVerifier | None:
    """For a request whose own signature was verified; None where its chunks are not signed."""
    if request.headers.get("x-amz-content-sha256") not in SIGNED:
        return None
    return ChunkVerifier(credential, secret, request.headers.get("x-amz-date", ""))


class ChunkVerifier:
    """Each chunk's signature covers the one before it; the first covers the request's."""

    __slots__ = ("_about", "_credential", "_key", "_previous")

    def __init__(self, credential: Credential, secret: str, stamp: str) -> None:
        self._credential = credential
        self._key = signature.signing_key(secret, credential.date, credential.region, credential.service)
        self._about = f"{stamp}\n{credential.scope}"
        self._previous = credential.signature

    def chunk(self, data_hash: str, given: str) -> None:
        self._check(f"AWS4-HMAC-SHA256-PAYLOAD\n{self._about}\n{self._previous}\n{EMPTY_HASH}\n{data_hash}", given)

    def trailer(self, lines: str, given: str) -> None:
        """`lines` are the trailers as `name:value`, each with a newline."""
        digest = sha256(lines.encode()).hexdigest()
        self._check(f"AWS4-HMAC-SHA256-TRAILER\n{self._about}\n{self._previous}\n{digest}", given)

    def _check(self, to_sign: str, given: str) -> None:
        computed = hmac.digest(self._key, to_sign.encode(), "sha256").hex()
        if not hmac.compare_digest(computed.encode(), given.encode()):
            raise refusals.mismatch("s3", self._credential.access_key, given, "", to_sign)
        self._previous = computed


def decode(request: Request, verifier: ChunkVerifier | None, trailers: dict[str, str]) -> bytes | BodyStream:
    """The body without its chunks. `trailers` are filled, under lower-case names, when the body was read to its end.

    Takes aws-chunked out of the request's Content-Encoding: it is about the transfer, not about the object.
    """
    headers = request.headers
    _strip_coding(headers)
    length = headers.get("x-amz-decoded-content-length")
    if length is None:
        raise ServiceError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    if not re.fullmatch(r"[0-9]{1,15}", length):
        message = "x-amz-decoded-content-length must be a number of bytes"
        raise ServiceError("InvalidArgument", message, 400, ArgumentName="x-amz-decoded-content-length")
    announced = {name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",") if name.strip()}
    decoder = Decoder(int(length), announced, verifier, trailers)
    if isinstance(request.body, bytes):
        pieces = decoder.feed(request.body)
        decoder.finish()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return DecodedBody(request.body, decoder, int(length))


def _strip_coding(headers: dict[str, str]) -> None:
    codings = [coding.strip() for coding in headers.get("content-encoding", "").split(",")]
    kept = [coding for coding in codings if coding and coding.lower() != CODING]
    if kept:
        headers["content-encoding"] = ",".join(kept)
    else:
        headers.pop("content-encoding", None)


class DecodedBody:
    """A BodyStream over another one; holds no more than a piece of it."""

    __slots__ = ("_body", "_decoder", "_finished", "_pieces", "length")

    def __init__(self, body: BodyStream, decoder: Decoder, length: int) -> None:
        self.length: int | None = length
        self._body = body
        self._decoder = decoder
        self._pieces: list[bytes] = []
        self._finished = False

    async def read(self) -> bytes:
        while not self._pieces:
            if self._finished:
                return b""
            piece = await self._body.read()
            if piece:
                self._pieces = self._decoder.feed(piece)
            else:
                self._decoder.finish()
                self._finished = True
        if len(self._pieces) == 1:
            return self._pieces.pop()
        joined, self._pieces = b"".join(self._pieces), []
        return joined


class Decoder:
    """Fed with the body in pieces of any size. Raises ServiceError at the first byte that can't be right."""

    __slots__ = ("_announced", "_expected", "_hash", "_last_size", "_left", "_line", "_received", "_signature", "_size",
                 "_state", "_trailers", "_trailers_bytes", "_verifier")  # fmt: skip

    def __init__(
        self, expected: int, announced: set[str], verifier: ChunkVerifier | None, trailers: dict[str, str]
    ) -> None:
        self._expected = expected
        self._announced = announced
        self._verifier = verifier
        self._trailers = trailers
        self._state: State = self._header
        self._line = b""  # the beginning of a line whose end has not come
        self._left = 0  # bytes of the chunk that have not come
        self._size = 0
        self._last_size: int | None = None
        self._received = 0
        self._signature = ""
        self._hash: Any = None
        self._trailers_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The payload in `data`, whatever part of chunks it holds."""
        pieces: list[bytes] = []
        position = 0
        while position < len(data):
            position = self._state(data, position, pieces)
        return pieces

    def finish(self) -> None:
        """The body has ended."""
        if self._state == self._trailer and not self._line:
            self._end()  # the last empty line is missing; nothing else is
        if self._state != self._after:
            raise ServiceError("IncompleteBody", "The request body terminated unexpectedly", 400)

    # The states: each takes what it can from `position` on, and says where the next one begins.

    def _header(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        line, position = self._take_line(data, position, LONGEST_HEADER_BYTES)
        if line is None:
            return position
        found = HEADER.match(line)
        if found is None:
            raise _malformed_chunk()
        self._begin(int(found[1], 16), (found[2] or b"").decode())
        return position

    def _begin(self, size: int, signature: str) -> None:
        if size and self._last_size is not None and self._last_size < SMALLEST_CHUNK_BYTES:
            message = f"Only the last chunk is allowed to have a size less than {SMALLEST_CHUNK_BYTES} bytes"
            raise ServiceError("InvalidChunkSizeError", message, 403, BadChunkSize=self._last_size)
        if self._received + size > self._expected:
            raise _incomplete()
        self._last_size = self._size = self._left = size
        self._signature = signature
        if size:
            self._hash = sha256() if self._verifier else None
            self._state = self._data
            return
        if self._verifier:
            self._verifier.chunk(EMPTY_HASH, signature)
        if self._received != self._expected:
            raise _incomplete()
        self._state = self._trailer

    def _data(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        end = min(position + self._left, len(data))
        piece = data[position:end]
        if self._hash is not None:
            self._hash.update(piece)
        pieces.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._received += self._size
            if self._verifier:
                self._verifier.chunk(self._hash.hexdigest(), self._signature)
            self._state = self._data_end
        return end

    def _data_end(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        line, position = self._take_line(data, position, 2)
        if line:
            raise _malformed_chunk()
        if line is not None:
            self._state = self._header
        return position

    def _trailer(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        line, position = self._take_line(data, position, LONGEST_TRAILERS_BYTES)
        if line is None:
            return position
        # AWS's own example ends a trailer by "\n\r\n".
        text = line.strip(b"\n")
        if not text:
            self._end()
            return position
        self._trailers_bytes += len(text)
        name, colon, value = text.decode("latin-1").partition(":")
        if not colon or self._trailers_bytes > LONGEST_TRAILERS_BYTES:
            raise _malformed_trailer()
        self._trailers[name.strip().lower()] = value.strip()
        return position

    def _end(self) -> None:
        given = self._trailers.pop(TRAILER_SIGNATURE, "")
        if set(self._trailers) != self._announced:
            raise _malformed_trailer()
        if self._verifier and self._trailers:
            if not given:
                raise _malformed_trailer()
            self._verifier.trailer("".join(f"{name}:{value}\n" for name, value in self._trailers.items()), given)
        self._state = self._after

    def _after(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        if data[position:].strip(b"\r\n"):
            raise _malformed_trailer()
        return len(data)

    def _take_line(self, data: bytes, position: int, limit: int) -> tuple[bytes | None, int]:
        """The line up to the next CRLF, or None when its end has not come; and where to go on."""
        if self._line:
            # Rare: a line broken over two pieces. Its end lies within `limit` of the new one.
            window = self._line + data[position : position + limit + 2]
            end = window.find(b"\r\n")
            consumed = end + 2 - len(self._line)
        else:
            window = data
            end = data.find(b"\r\n", position, position + limit + 2)
            consumed = end + 2 - position
        if end < 0:
            self._line += data[position : position + limit + 2]
            if len(self._line) > limit + 1:
                raise _malformed_trailer() if self._state == self._trailer else _malformed_chunk()
            return None, len(data)
        line = window[:end] if self._line else data[position:end]
        self._line = b""
        return line, position + consumed


def _incomplete() -> ServiceError:
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return ServiceError("IncompleteBody", message, 400)


def _malformed_chunk() -> ServiceError:
    return ServiceError("InvalidChunkSizeError", "The chunk is not well-formed: expected its size in hexadecimal.", 403)


def _malformed_trailer() -> ServiceError:
    message = "The request contained trailing data that was not well-formed or did not conform to our published schema."
    return ServiceError("MalformedTrailerError", message, 400)
