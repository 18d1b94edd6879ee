"""Whatever bytes come, cut wherever: the front answers or closes, soon, and keeps nothing."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketlake.gateway.http import Front
from tests.gateway.http_toy import connected, request, run, serving, until

FRAGMENTS = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"PUT /x HTTP/1.1\r\n",
        b"HEAD / HTTP/1.0\r\n",
        b"Host: a\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
        b"\r\n",
        b"hello",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"X-Trailer: 1\r\n",
        b"\0",
        b"\xff\xfe",
        request("GET /whole"),
        request("PUT /whole", b"body"),
        request("PUT /upgrade", b"body", Connection="Upgrade", Upgrade="h2c"),
    ]
)
STREAMS = st.lists(FRAGMENTS | st.binary(max_size=20), max_size=14).map(b"".join)


async def exchange(front: Front, port: int, data: bytes, cuts: list[int]) -> bytes:
    async with connected(port) as peer:
        start = 0
        for cut in sorted({cut % (len(data) + 1) for cut in cuts} | {len(data)}):
            peer.send(data[start:cut])
            await peer.writer.drain()
            await asyncio.sleep(0)
            start = cut
        with contextlib.suppress(OSError):  # the front may have closed already
            peer.writer.write_eof()
        answers = await peer.rest()
    await until(lambda: not front.connections)
    return answers


@pytest.mark.parametrize("loop_name", ["uvloop", "asyncio"])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=STREAMS, cuts=st.lists(st.integers(0, 400), max_size=6))
def test_any_stream_is_answered_or_closed(loop_name: str, data: bytes, cuts: list[int]) -> None:
    async def work() -> None:
        limits = {"idle_seconds": 2.0, "head_seconds": 2.0, "body_idle_seconds": 2.0, "linger_seconds": 0.04}
        async with serving(**limits) as (front, port):
            try:
                answers = await exchange(front, port, data, cuts)
            except ConnectionError:
                answers = b""  # a reset is an answer too
            if not data.startswith(b"PRI"):  # which announces HTTP/2; test_http2_fuzz.py is about that
                assert answers == b"" or answers.startswith(b"HTTP/1.1 ")
            assert b" 500 " not in answers
            async with connected(port) as peer:
                peer.send(request())
                assert (await peer.answer())[0] == 200

    run(loop_name, work())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    bodies=st.lists(st.tuples(st.booleans(), st.binary(max_size=300)), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
)
def test_well_formed_requests_are_read_the_same_however_they_are_cut(
    bodies: list[tuple[bool, bytes]], cuts: list[int]
) -> None:
    data = b"".join(_chunked(body) if chunked else request("PUT /", body) for chunked, body in bodies)

    async def work() -> None:
        async with serving() as (front, port):
            answers = await exchange(front, port, data, cuts)
            expected = [b"PUT " + body for _, body in bodies]
            for body in expected:
                head, _, answers = answers.partition(b"\r\n\r\n")
                assert b"Content-Length: %d" % len(body) in head
                assert answers.startswith(body)
                answers = answers[len(body) :]
            assert answers == b""

    run("uvloop", work())


def _chunked(body: bytes) -> bytes:
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[n : n + 7]), body[n : n + 7]) for n in range(0, len(body), 7))
    return head + chunks + b"0\r\n\r\n"
