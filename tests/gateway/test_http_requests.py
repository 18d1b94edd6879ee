"""What comes in: framing, bodies, limits, refusals."""

from __future__ import annotations

import asyncio

import pytest

from pocketlake.gateway.http import Reply
from pocketlake.gateway.message import BodyStream, Request, Response
from tests.gateway.http_toy import Peer, both_loops, connected, echo, request, run, serving, until

MIB = 1024 * 1024


@both_loops
def test_headers_are_lower_case_stripped_and_joined(loop_name: str) -> None:
    seen: list[Request] = []

    def handle(req: Request, reply: Reply) -> None:
        seen.append(req)
        reply(Response(200))

    async def work() -> None:
        async with serving(handle) as (_, port), connected(port) as peer:
            peer.send(b"GET /a%20b?c=%2F HTTP/1.1\r\nHost: h\r\nX-One:  1 \r\nx-ONE: 2\r\nX-L: \xe9\r\nEmpty:\r\n\r\n")
            assert (await peer.answer())[0] == 200
        (got,) = seen
        assert (got.method, got.target, got.body, got.peer, got.secure) == (
            "GET",
            "/a%20b?c=%2F",
            b"",
            "127.0.0.1",
            False,
        )
        assert got.headers == {"host": "h", "x-one": "1,2", "x-l": "\xe9", "empty": ""}

    run(loop_name, work())


@both_loops
def test_pipelined_answers_keep_the_order_of_their_requests(loop_name: str) -> None:
    async def work() -> None:
        replies: dict[str, Reply] = {}
        most = 0

        def handle(req: Request, reply: Reply) -> None:
            nonlocal most
            replies[req.target] = reply
            most = max(most, len(replies))

        async with serving(handle, pipelined=4) as (_, port), connected(port) as peer:
            peer.send(b"".join(request(f"GET /{n}") for n in range(10)))
            answered = 0
            while answered < 10:
                await until(lambda: bool(replies))
                await asyncio.sleep(0.005)
                for target in sorted(replies, reverse=True):  # the latest first
                    replies.pop(target)(Response(200, [], target.encode()))
                    answered += 1
            assert [(await peer.answer())[2] for _ in range(10)] == [b"/%d" % n for n in range(10)]
        assert most == 4

    run(loop_name, work())


@both_loops
def test_thousands_of_pipelined_requests_in_one_buffer(loop_name: str) -> None:
    async def work() -> None:
        async with serving() as (_, port), connected(port) as peer:
            peer.send(request() * 5000 + request(Connection="close"))
            assert (await peer.rest()).count(b"HTTP/1.1 200 OK") == 5001

    run(loop_name, work())


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@both_loops
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_bodies_come_whole_however_they_are_cut(loop_name: str, step: int) -> None:
    data = (
        CHUNKED
        + b"3;note=x\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n"
        + request("PUT /", b"four" * 100)
        + request("GET /last")
    )

    async def work() -> None:
        async with serving() as (_, port), connected(port) as peer:
            for start in range(0, len(data), step):
                peer.send(data[start : start + step])
                await asyncio.sleep(0)
            assert (await peer.answer())[2] == b"POST abc0123456789"
            assert (await peer.answer())[2] == b"PUT " + b"four" * 100
            assert (await peer.answer())[1]["x-target"] == "/last"

    run(loop_name, work())


@both_loops
@pytest.mark.parametrize("size", [MIB, MIB + 1, 5 * MIB])
def test_bodies_beyond_the_spool_are_streamed(loop_name: str, size: int) -> None:
    async def work() -> None:
        async with serving() as (_, port), connected(port) as peer:
            for head in (f"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode(), CHUNKED):
                body = bytes(size)
                peer.send(head)
                peer.send(body if head != CHUNKED else b"%x\r\n%b\r\n0\r\n\r\n" % (size, body))
                status, headers, got = await peer.answer()
                assert status == 200
                if size > MIB:
                    assert headers["x-streamed"] == str(size)
                else:
                    assert len(got) > size

    run(loop_name, work())


def stream_of(request: Request) -> BodyStream:
    assert not isinstance(request.body, bytes)
    return request.body


@both_loops
def test_a_256_mib_upload_holds_a_bounded_amount(loop_name: str) -> None:
    size, most = 256 * MIB, 0

    async def work() -> None:
        nonlocal most
        jobs: list[asyncio.Task[None]] = []

        async def consume(req: Request, reply: Reply) -> None:
            nonlocal most
            body, total = stream_of(req), 0
            assert body.length == size
            await asyncio.sleep(0.05)  # let the sender run into the wall once
            while True:
                most = max(most, body.buffered)  # type: ignore[attr-defined]
                if not (piece := await body.read()):
                    break
                total += len(piece)
            reply(Response(200, [], str(total).encode()))

        def handle(req: Request, reply: Reply) -> None:
            jobs.append(asyncio.get_running_loop().create_task(consume(req, reply)))

        async with serving(handle) as (_, port), connected(port) as peer:
            peer.send(f"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
            piece = bytes(MIB)
            for _ in range(size // MIB):
                peer.send(piece)
                await peer.writer.drain()
            assert (await peer.answer())[2] == str(size).encode()

    run(loop_name, work())
    assert MIB < most < 3 * MIB


@both_loops
def test_a_reader_that_stops_stops_the_sender(loop_name: str) -> None:
    async def work() -> None:
        seen: list[Request] = []
        async with serving(lambda req, reply: seen.append(req)) as (_, port), connected(port) as peer:
            peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
            sent = 0
            with pytest.raises(TimeoutError):
                while True:
                    peer.send(bytes(MIB))
                    async with asyncio.timeout(0.3):
                        await peer.writer.drain()
                    sent += 1
            assert sent < 40  # the rest is in the system's socket buffers
            assert stream_of(seen[0]).buffered < 3 * MIB  # type: ignore[attr-defined]

    run(loop_name, work())


@both_loops
@pytest.mark.parametrize("ending", ["close", "half-close", "garbage", "silence"])
def test_a_body_that_breaks_off_is_a_connection_error_to_its_reader(loop_name: str, ending: str) -> None:
    async def work() -> None:
        raised = asyncio.Event()
        jobs: list[asyncio.Task[None]] = []

        async def consume(req: Request, reply: Reply) -> None:
            try:
                while await stream_of(req).read():
                    pass
            except ConnectionResetError:
                raised.set()
            reply(Response(200))  # must do no harm

        def handle(req: Request, reply: Reply) -> None:
            jobs.append(asyncio.get_running_loop().create_task(consume(req, reply)))

        async with serving(handle, body_idle_seconds=0.3) as (_, port), connected(port) as peer:
            peer.send(CHUNKED + b"%x\r\n%b\r\n" % (2 * MIB, bytes(2 * MIB)))
            await until(lambda: bool(jobs))
            if ending == "close":
                peer.vanish()
            elif ending == "half-close":
                peer.writer.write_eof()
            elif ending == "garbage":
                peer.send(b"this is no chunk")
            async with asyncio.timeout(3):
                await raised.wait()
            if ending in ("garbage", "silence"):
                assert (await peer.answer())[0] == {"garbage": 400, "silence": 408}[ending]

    run(loop_name, work())


@both_loops
def test_continue_is_sent_when_the_body_is_waited_for(loop_name: str) -> None:
    async def work() -> None:
        async with serving(body_bytes=1000) as (_, port):
            async with connected(port) as peer:
                peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
                assert (await peer.answer())[0] == 100
                peer.send(b"abc")
                assert (await peer.answer())[2] == b"PUT abc"
                peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\na")
                peer.send(b"bc")
                assert (await peer.answer())[0] == 200
            async with connected(port) as peer:
                peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
                assert (await peer.answer())[0] == 413
                assert await peer.closed()
            async with connected(port) as peer:
                peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: a pony\r\nContent-Length: 3\r\n\r\n")
                assert (await peer.answer())[0] == 417

    run(loop_name, work())


@both_loops
def test_continue_waits_for_earlier_answers(loop_name: str) -> None:
    async def work() -> None:
        replies: list[Reply] = []

        def handle(req: Request, reply: Reply) -> None:
            replies.append(reply)

        async with serving(handle) as (_, port), connected(port) as peer:
            peer.send(request("GET /1"))
            peer.send(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            await until(lambda: bool(replies))
            await asyncio.sleep(0.02)
            replies[0](Response(200, [], b"one"))
            assert (await peer.answer())[2] == b"one"
            assert (await peer.answer())[0] == 100

    run(loop_name, work())


REFUSED = {
    "NUL in a value": (400, b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
    "NUL in the target": (400, b"GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"),
    "blank before the colon": (400, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    "folded header": (400, b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n"),
    "bare line feeds": (400, b"GET / HTTP/1.1\nHost: a\n\n"),
    "no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two hosts": (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    "lengths that differ": (400, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    "length in a list": (400, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\nabcd"),
    "length with a sign": (400, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc"),
    "length beyond 64 bits": (400, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    "length, then coding": (400, CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n0\r\n\r\n"),
    "coding, then length": (
        400,
        b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "coding that does not end in chunked": (400, CHUNKED[:-2] + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    "coding in HTTP/1.0": (400, CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n"),
    "unknown coding": (501, b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "chunk size no number": (400, CHUNKED + b"zz\r\n"),
    "chunk size overflow": (400, CHUNKED + b"ffffffffffffffffff\r\n"),
    "chunk longer than said": (400, CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n"),
    "chunk with line feeds": (400, CHUNKED + b"3\nabc\n0\n\n"),
    "TLS to a plain port": (400, b"\x16\x03\x01\x02\x00\x01\x00"),
    "HTTP/2": (505, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    "proxy": (405, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "long target": (414, b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "long header": (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 66_000 + b"\r\n\r\n"),
    "header without end": (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 900_000),
    "many headers": (431, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 201 + b"\r\n"),
    "many trailers": (431, CHUNKED + b"0\r\n" + b"X: 1\r\n" * 201 + b"\r\n"),
    "body too large": (413, CHUNKED + b"bb8\r\n" + bytes(3000) + b"\r\n0\r\n\r\n"),
}


@both_loops
@pytest.mark.parametrize("case", REFUSED)
def test_bad_requests_are_refused_after_the_good_ones_before_them(loop_name: str, case: str) -> None:
    status, data = REFUSED[case]

    async def work() -> None:
        async with serving(body_bytes=2000, linger_seconds=0.1) as (_, port), connected(port) as peer:
            peer.send(request("GET /good") + data + request("GET /never"))
            assert (await peer.answer())[:1] == (200,)
            got, headers, body = await peer.answer()
            assert (got, headers["connection"]) == (status, "close")
            assert body and b"Traceback" not in body
            assert await peer.closed()

    run(loop_name, work())


@pytest.mark.parametrize(
    "framing", ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("step", [1, 10_000])
def test_an_upgrade_is_declined_by_answering(framing: str, step: int) -> None:
    data = f"PUT / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n{framing}".encode() + request()

    async def work() -> None:
        async with serving() as (_, port), connected(port) as peer:
            for start in range(0, len(data), step):
                peer.send(data[start : start + step])
                await asyncio.sleep(0.0005 if step == 1 else 0)
            assert (await peer.answer())[2] == b"PUT hello"
            assert (await peer.answer())[2] == b"GET "

    run("uvloop", work())


SLOW = {
    "nothing": (b"", None),
    "blank lines": (b"\r\n\r\n", None),
    "half a head": (b"GET / HTTP/1.1\r\nHo", 408),
    "half a body": (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", 408),
}


@both_loops
@pytest.mark.parametrize("case", SLOW)
def test_slow_peers_are_let_go(loop_name: str, case: str) -> None:
    data, status = SLOW[case]

    async def work() -> None:
        limits = {"idle_seconds": 0.15, "head_seconds": 0.1, "body_idle_seconds": 0.1, "linger_seconds": 0.1}
        async with serving(**limits) as (front, port), connected(port) as peer:
            peer.send(data)
            if status is not None:
                assert (await peer.answer())[0] == status
            assert await peer.closed()
            await until(lambda: not front.connections)

    run(loop_name, work())


def test_a_head_in_drops_is_cut_off_in_spite_of_its_progress() -> None:
    async def work() -> None:
        async with serving(head_seconds=0.15, linger_seconds=0.1) as (_, port), connected(port) as peer:
            peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
            drip = asyncio.get_running_loop().create_task(_drip(peer))
            assert (await peer.answer())[0] == 408
            drip.cancel()

    run("uvloop", work())


async def _drip(peer: Peer) -> None:
    while True:
        peer.send(b"x")
        await asyncio.sleep(0.02)


@both_loops
def test_a_half_closed_peer_gets_the_answers_it_asked_for(loop_name: str) -> None:
    async def work() -> None:
        replies: list[Reply] = []

        def handle(req: Request, reply: Reply) -> None:
            replies.append(reply)

        async with serving(handle) as (front, port), connected(port) as peer:
            peer.send(request("GET /1") + request("GET /2") + b"GET /unfinished HT")
            peer.writer.write_eof()
            await until(lambda: len(replies) == 2)
            await asyncio.sleep(0.02)
            for reply in replies:
                reply(Response(200, [], b"x"))
            assert [(await peer.answer())[2] for _ in range(2)] == [b"x", b"x"]
            assert await peer.closed()
            await until(lambda: not front.connections)

    run(loop_name, work())


def test_connections_beyond_the_limit_hear_so() -> None:
    async def work() -> None:
        async with serving(connections=1) as (_, port), connected(port) as first:
            first.send(request())
            assert (await first.answer())[0] == 200
            async with connected(port) as second:
                assert (await second.answer())[0] == 503
            first.send(request())
            assert (await first.answer())[0] == 200

    run("uvloop", work())


def test_echo_is_what_the_tests_believe() -> None:
    got: list[Response] = []
    echo(Request("GET", "/", {}), got.append)
    assert got[0].body == b"GET "
