"""aws-chunked bodies: AWS's own examples, every way of cutting them, and what is refused."""

from __future__ import annotations

import calendar
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketlake.gateway import chunked, signature
from pocketlake.gateway.message import Request
from pocketlake.kernel.errors import ServiceError

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
MAY_2013 = calendar.timegm((2013, 5, 24, 0, 0, 0))

# Amazon S3 API Reference, "Transferring payload in multiple chunks" and "Including trailing headers": 65 KiB of "a" in
# chunks of 64 KiB, with the signatures that AWS computed.
PLAIN = {
    "seed": "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    "chunks": (
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ),
}
TRAILING = {
    "seed": "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    "chunks": (
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ),
}
TRAILER_SIGNATURE = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
PAYLOAD = b"a" * 66560


class Pieces:
    """A body that arrives in pieces."""

    length = None

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


def drain(body: Any) -> bytes:
    async def read_all() -> bytes:
        whole = b""
        while piece := await body.read():
            whole += piece
        return whole

    try:
        read_all().send(None)
    except StopIteration as end:
        return bytes(end.value)
    raise AssertionError("the body waits")


def example(trailing: bool, payload: bytes = PAYLOAD) -> Request:
    """The documentation's request."""
    vectors = TRAILING if trailing else PLAIN
    first, second, last = vectors["chunks"]
    body = b"10000;chunk-signature=%b\r\n%b\r\n" % (first.encode(), payload[:65536])
    body += b"400;chunk-signature=%b\r\n%b\r\n0;chunk-signature=%b\r\n" % (
        second.encode(),
        payload[65536:],
        last.encode(),
    )
    headers = {
        "content-encoding": "aws-chunked",
        "host": "s3.amazonaws.com",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-date": "20130524T000000Z",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    if trailing:
        body += b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:%b\r\n\r\n" % TRAILER_SIGNATURE.encode()
        headers["x-amz-content-sha256"] += "-TRAILER"
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    else:
        body += b"\r\n"
        headers["content-length"] = str(len(body))
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={';'.join(sorted(headers))},Signature={vectors['seed']}"
    )
    return Request("PUT", "/examplebucket/chunkObject.txt", headers, body)


def read(request: Request, pieces: list[bytes] | None = None, verified: bool = True) -> tuple[bytes, dict[str, str]]:
    """The decoded body and its trailers; in `pieces` when they are given."""
    if pieces is not None:
        request.body = Pieces(*pieces)
    verifier = None
    if verified:
        found = signature.credential(request)
        assert found is not None
        signature.verify(request, found, SECRET, MAY_2013)
        verifier = chunked.verifier(request, found, SECRET)
        assert verifier is not None
    trailers: dict[str, str] = {}
    body = chunked.decode(request, verifier, trailers)
    return (body if isinstance(body, bytes) else drain(body)), trailers


def unsigned(body: bytes, length: int, trailer: str = "") -> Request:
    headers = {
        "content-encoding": "gzip,aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": str(length),
    }
    return Request("PUT", "/b/k", headers | ({"x-amz-trailer": trailer} if trailer else {}), body)


@pytest.mark.parametrize("trailing", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_examples_of_the_documentation_are_accepted(trailing: bool, streamed: bool) -> None:
    request = example(trailing)
    assert isinstance(request.body, bytes)
    pieces = [request.body[at : at + 1000] for at in range(0, len(request.body), 1000)] if streamed else None
    body, trailers = read(request, pieces)
    assert body == PAYLOAD
    assert trailers == ({"x-amz-checksum-crc32c": "sOO8/Q=="} if trailing else {})
    assert "content-encoding" not in request.headers


def test_a_changed_byte_is_found_in_its_chunk() -> None:
    request = example(False, b"b" + PAYLOAD[1:])
    with pytest.raises(ServiceError) as caught:
        read(request)
    assert (caught.value.code, caught.value.status) == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"sOO8", b"sOO9", "SignatureDoesNotMatch"),
        (b"x-amz-trailer-signature:d8", b"x-amz-trailer-signature:d9", "SignatureDoesNotMatch"),
        (b"x-amz-trailer-signature:", b"x-other:", "MalformedTrailerError"),
        (b"x-amz-checksum-crc32c:sOO8/Q==\r\n", b"", "MalformedTrailerError"),
        (b"0;chunk-signature=2ca2", b"0;chunk-signature=2cb2", "SignatureDoesNotMatch"),
        (b"400;chunk-signature=1c13", b"400", "InvalidChunkSizeError"),
    ],
)
def test_a_changed_frame_is_refused(old: bytes, new: bytes, code: str) -> None:
    request = example(True)
    assert isinstance(request.body, bytes)
    assert request.body.count(old) == 1
    request.body = request.body.replace(old, new)
    with pytest.raises(ServiceError) as caught:
        read(request)
    assert caught.value.code == code


def test_a_signed_chunk_without_a_signature_is_refused() -> None:
    request = example(False)
    assert isinstance(request.body, bytes)
    request.body = request.body.replace(b";chunk-signature=" + PLAIN["chunks"][0].encode(), b"")  # type: ignore[union-attr]
    with pytest.raises(ServiceError) as caught:
        read(request)
    assert caught.value.code == "SignatureDoesNotMatch"


def test_unknown_keys_chunks_are_read_without_being_verified() -> None:
    assert read(example(True, b"b" * 66560), verified=False)[0] == b"b" * 66560


BODY = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"


@given(st.lists(st.integers(0, len(BODY)), max_size=6))
@settings(max_examples=80, deadline=None)
def test_pieces_may_be_cut_anywhere(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    pieces = [BODY[a:b] for a, b in itertools.pairwise(edges) if a < b]
    request = unsigned(BODY, 5, "x-amz-checksum-crc32")
    body, trailers = read(request, pieces, verified=False)
    assert (body, trailers) == (b"hello", {"x-amz-checksum-crc32": "NhCmhg=="})
    assert request.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "length", "code"),
    [
        (b"", 5, "IncompleteBody"),
        (b"5\r\nhel", 5, "IncompleteBody"),
        (b"5\r\nhello\r\n", 5, "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\n\r\n", 6, "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\n\r\n", 4, "IncompleteBody"),
        (b"5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", 10, "InvalidChunkSizeError"),
        (b"5\r\nhelloX\r\n0\r\n\r\n", 5, "InvalidChunkSizeError"),
        (b"-5\r\nhello\r\n0\r\n\r\n", 5, "InvalidChunkSizeError"),
        (b"five\r\nhello\r\n0\r\n\r\n", 5, "InvalidChunkSizeError"),
        (b"5;chunk-signature=zz\r\nhello\r\n0\r\n\r\n", 5, "InvalidChunkSizeError"),
        (b"1" * 5000, 5, "InvalidChunkSizeError"),
        (b"5\r\nhello\r\n0\r\nno colon\r\n\r\n", 5, "MalformedTrailerError"),
        (b"5\r\nhello\r\n0\r\nx-not-announced:1\r\n\r\n", 5, "MalformedTrailerError"),
        (b"5\r\nhello\r\n0\r\n\r\nmore", 5, "MalformedTrailerError"),
        (b"5\r\nhello\r\n0\r\n" + b"x" * 20000, 5, "MalformedTrailerError"),
    ],
)
@pytest.mark.parametrize("step", [0, 1, 7])
def test_malformed_bodies_are_refused(body: bytes, length: int, code: str, step: int) -> None:
    pieces = [body[at : at + step] for at in range(0, len(body), step)] if step else None
    with pytest.raises(ServiceError) as caught:
        read(unsigned(body, length), pieces, verified=False)
    assert caught.value.code == code


def test_a_missing_last_line_end_is_forgiven() -> None:
    assert read(unsigned(b"5\r\nhello\r\n0\r\n", 5), verified=False)[0] == b"hello"


def test_the_decoded_length_must_be_told() -> None:
    request = unsigned(BODY, 5)
    del request.headers["x-amz-decoded-content-length"]
    with pytest.raises(ServiceError) as caught:
        read(request, verified=False)
    assert (caught.value.code, caught.value.status) == ("MissingContentLength", 411)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, False),
        ({"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, True),
        ({"content-encoding": "aws-chunked"}, False),  # a mere label: nothing says how long the decoded body is
        ({"content-encoding": "aws-chunked", "x-amz-decoded-content-length": "1"}, True),
    ],
)
def test_what_is_aws_chunked(headers: dict[str, str], expected: bool) -> None:
    assert chunked.is_chunked(Request("PUT", "/b/k", headers)) is expected
