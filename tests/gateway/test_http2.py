"""HTTP/2: the same requests and answers, on streams of one connection, within limits."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from h2 import events
from h2.connection import ConnectionState
from h2.errors import ErrorCodes
from hyperframe.frame import HeadersFrame, PingFrame, RstStreamFrame

from pocketlake.gateway.http import Front, HttpLimits, Reply
from pocketlake.gateway.message import FileSlice, Request, Response
from pocketlake.gateway.tls import ensure_authority, server_context
from tests.gateway.http2_toy import connected2
from tests.gateway.http_toy import DATE, both_loops, connected, request, run, serving, until

MIB = 1024 * 1024
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@both_loops
def test_requests_and_answers_are_those_of_http1(loop_name: str) -> None:
    seen: list[Request] = []

    def handle(req: Request, reply: Reply) -> None:
        seen.append(req)
        reply(Response(201, [("X-One", "a"), ("Connection", "close"), ("ETag", '"\xe9"')], b"made"))

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port) as peer:
            stream = peer.ask("/a%20b?c=%2F", b"body", "PUT", x_two=" 2 ", cookie="a=b")
            status, headers, body = await peer.answer(stream)
            assert (status, body) == (201, b"made")
            assert headers == {"date": DATE.decode(), "x-one": "a", "etag": '"\xe9"', "content-length": "4"}
        (got,) = seen
        assert (got.method, got.target, got.body, got.peer, got.secure) == (
            "PUT",
            "/a%20b?c=%2F",
            b"body",
            "127.0.0.1",
            False,
        )
        assert got.headers == {"host": "localhost", "x-two": "2", "cookie": "a=b"}

    run(loop_name, work())


@both_loops
def test_answers_come_as_they_are_ready(loop_name: str) -> None:
    replies: dict[str, Reply] = {}

    def handle(req: Request, reply: Reply) -> None:
        replies[req.target] = reply

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port) as peer:
            streams = {f"/{n}": peer.ask(f"/{n}") for n in range(50)}
            await until(lambda: len(replies) == 50)
            for target in reversed(streams):
                replies[target](Response(200, [], target.encode()))
                assert (await peer.answer(streams[target]))[2] == target.encode()

    run(loop_name, work())


@both_loops
@pytest.mark.parametrize("cut", [1, 2, 3, 5, 24])
def test_the_first_bytes_decide_however_they_are_cut(loop_name: str, cut: int) -> None:
    async def work() -> None:
        async with serving() as (_, port):
            for first in (request("POST /x", b"body"), request("PUT /x", b"body"), request("GET /x")):
                async with connected(port) as peer:
                    peer.send(first[:cut])
                    await peer.writer.drain()
                    await asyncio.sleep(0.01)
                    peer.send(first[cut:])
                    assert (await peer.answer())[0] == 200
            async with connected(port) as raw:
                raw.send(PREFACE[:cut])
                await raw.writer.drain()
                await asyncio.sleep(0.01)
                raw.send(PREFACE[cut:])
                head = await raw.reader.readexactly(9)
                assert head[3] == 4  # the front's SETTINGS

    run(loop_name, work())


@both_loops
def test_alpn_chooses_the_protocol(loop_name: str, tmp_path: Path) -> None:
    authority = ensure_authority(tmp_path, datetime.now(UTC))
    secure: list[bool] = []

    def handle(req: Request, reply: Reply) -> None:
        secure.append(req.secure)
        reply(Response(200, [], req.target.encode()))

    async def work() -> None:
        front = Front(handle, HttpLimits(), lambda: DATE)
        port = await front.listen("127.0.0.1", 0, server_context(authority.certificate, authority.key))
        context = ssl.create_default_context(cafile=str(authority.ca))
        context.set_alpn_protocols(["h2", "http/1.1"])
        async with connected2(port, ssl=context, server_hostname="localhost") as peer:
            assert (await peer.answer(peer.ask("/two")))[2] == b"/two"
        context.set_alpn_protocols(["http/1.1"])
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
        writer.write(request("GET /one"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        await front.close(1)
        assert secure == [True, True]

    run(loop_name, work())


@both_loops
@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 5 * MIB])
def test_bodies_both_ways(loop_name: str, size: int, tmp_path: Path) -> None:
    """Whole up to the spool, streamed beyond; answers from memory, file and iterator."""
    payload = bytes(range(251)) * (size // 251 + 1)
    payload = payload[:size]
    file = tmp_path / "file"
    file.write_bytes(b"--" + payload)

    async def finish(req: Request, reply: Reply) -> None:
        body = req.body if isinstance(req.body, bytes) else b"".join([p async for p in read(req)])
        assert isinstance(req.body, bytes) == (size <= MIB)
        made = {"/bytes": body, "/file": FileSlice(str(file), 2, size), "/stream": pieces(body[:7], b"", body[7:])}
        reply(Response(200, [], made[req.target]))

    async def read(req: Request) -> AsyncIterator[bytes]:
        assert not isinstance(req.body, bytes)
        while piece := await req.body.read():
            yield piece

    tasks: set[asyncio.Task[None]] = set()

    def handle(req: Request, reply: Reply) -> None:
        tasks.add(asyncio.get_running_loop().create_task(finish(req, reply)))

    async def upload(peer, path: str) -> int:
        stream = peer.ask(path, method="PUT", end=False)
        for start in range(0, size, 65536):
            while peer.h2.local_flow_control_window(stream) < 65536:
                assert await peer.receive()
            peer.send(stream, payload[start : start + 65536])
        peer.h2.end_stream(stream)
        peer.flush()
        return stream

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port) as peer:
            for path in ("/bytes", "/file", "/stream"):
                status, headers, body = await peer.answer(await upload(peer, path))
                assert (status, body == payload) == (200, True)
                assert headers.get("content-length") == (None if path == "/stream" else str(size))

    run(loop_name, work())


@both_loops
def test_a_reader_without_room_holds_only_its_own_stream(loop_name: str) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b"x" * 10_000

    def handle(req: Request, reply: Reply) -> None:
        reply(Response(200, [], endless() if req.target == "/endless" else b"quick"))

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port, greedy=False, window=25_000) as peer:
            slow = peer.ask("/endless")
            while len(peer.data(slow)) < 25_000:
                assert await peer.receive()
            assert (await peer.answer(peer.ask("/quick")))[2] == b"quick"
            assert (len(peer.data(slow)), given) == (25_000, 3)
            peer.h2.increment_flow_control_window(10_000, slow)
            peer.flush()
            while len(peer.data(slow)) < 35_000:
                assert await peer.receive()
            assert given == 4

    run(loop_name, work())


@both_loops
@pytest.mark.parametrize("how", ["reset", "leave"])
def test_a_stream_whose_reader_is_gone_is_closed(loop_name: str, how: str) -> None:
    closed = asyncio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            closed.set()

    def handle(req: Request, reply: Reply) -> None:
        reply(Response(200, [], waiting()))

    async def work() -> None:
        async with serving(handle) as (front, port), connected2(port) as peer:
            stream = peer.ask()
            await peer.until(events.DataReceived, stream)
            if how == "reset":
                peer.h2.reset_stream(stream, ErrorCodes.CANCEL)
                peer.flush()
            else:
                peer.writer.close()
            async with asyncio.timeout(5):
                await closed.wait()
            assert bool(front.connections) == (how == "reset")

    run(loop_name, work())


@both_loops
def test_a_reader_of_a_body_stops_its_sender(loop_name: str) -> None:
    held: list[Request] = []
    replies: list[Reply] = []

    def handle(req: Request, reply: Reply) -> None:
        held.append(req)
        replies.append(reply)

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port) as peer:
            stream = peer.ask(method="PUT", end=False)
            sent = 0
            while sent < 64 * MIB:
                window = min(16384, peer.h2.local_flow_control_window(stream))
                if window == 0:
                    try:
                        async with asyncio.timeout(0.3):
                            assert await peer.receive()
                    except TimeoutError:
                        break
                    continue
                peer.send(stream, b"x" * window)
                sent += window
            assert MIB < sent < 8 * MIB
            body = held[0].body
            assert not isinstance(body, bytes)
            got = 0
            while got < sent:
                got += len(await body.read())
            peer.h2.end_stream(stream)
            peer.flush()
            assert await body.read() == b""
            replies[0](Response(200, [], b"done"))
            assert (await peer.answer(stream))[2] == b"done"

    run(loop_name, work())


@both_loops
def test_an_answer_before_the_body_has_come_ends_the_upload(loop_name: str) -> None:
    def handle(req: Request, reply: Reply) -> None:
        reply(Response(403, [], b"no"))

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port) as peer:
            stream = peer.ask(method="PUT", end=False)
            sent = 0
            while not any(isinstance(event, events.StreamReset) for event in peer.seen):
                window = min(16384, peer.h2.local_flow_control_window(stream))
                if window and sent <= MIB:
                    peer.send(stream, b"x" * window)
                    sent += window
                else:
                    assert await peer.receive()
            assert (await peer.answer(stream))[::2] == (403, b"no")
            assert (await peer.until(events.StreamReset, stream)).error_code == ErrorCodes.NO_ERROR
            assert (await peer.answer(peer.ask()))[0] == 403  # the connection goes on

    run(loop_name, work())


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (414, {"path": "/" + "x" * 20_000}),
        (431, {f"h{n}": "v" for n in range(250)}),
        (431, {f"h{n}": "v" * 3_000 for n in range(24)}),
        (413, {"content_length": str(10 * 1024**4), "method": "PUT", "end": False}),
        (417, {"expect": "wonders", "method": "PUT", "body": b"x"}),
    ],
)
def test_requests_that_are_too_much_are_refused_one_by_one(status: int, change: dict) -> None:
    async def work() -> None:
        async with serving() as (_, port), connected2(port) as peer:
            assert (await peer.answer(peer.ask(**change)))[0] == status
            assert (await peer.answer(peer.ask("/next")))[0] == 200

    run("uvloop", work())


def test_continue_is_sent_at_once() -> None:
    async def work() -> None:
        async with serving() as (_, port), connected2(port) as peer:
            stream = peer.ask(method="PUT", end=False, expect="100-continue")
            await peer.until(events.InformationalResponseReceived, stream)
            peer.send(stream, b"body", end=True)
            assert (await peer.answer(stream))[2] == b"PUT body"

    run("uvloop", work())


def test_head_has_the_length_and_no_body() -> None:
    def handle(req: Request, reply: Reply) -> None:
        reply(Response(200, [], b"", length=77))

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port) as peer:
            _, headers, body = await peer.answer(peer.ask(method="HEAD"))
            assert (headers["content-length"], body) == ("77", b"")

    run("uvloop", work())


@pytest.mark.parametrize("name", ["X-Bad", "X-Bad\r\nX-Forged"])
def test_an_answer_that_cannot_be_sent_is_a_fault(name: str) -> None:
    def handle(req: Request, reply: Reply) -> None:
        reply(Response(200, [(name, "a\r\nX-Forged: 1")], b"x"))

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port) as peer:
            status, headers, _ = await peer.answer(peer.ask())
            assert (status, "x-forged" in headers) == (500, False)

    run("uvloop", work())


def test_a_stream_that_fails_is_reset_and_never_looks_whole() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("no more")

    def handle(req: Request, reply: Reply) -> None:
        reply(Response(200, [], broken()))

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port) as peer:
            reset = await peer.until(events.StreamReset, peer.ask())
            assert reset.error_code == ErrorCodes.INTERNAL_ERROR

    run("uvloop", work())


# --- what a peer may not do


def goaway(seen: list[events.Event]) -> int | None:
    codes = [event.error_code for event in seen if isinstance(event, events.ConnectionTerminated)]
    return codes[0] if codes else None


def test_rapid_resets_end_the_connection() -> None:
    begun = 0

    def handle(req: Request, reply: Reply) -> None:
        nonlocal begun
        begun += 1

    async def work() -> None:
        async with serving(handle) as (front, port), connected2(port) as peer:
            await peer.until(events.SettingsAcknowledged)
            for _ in range(2_000):
                stream = peer.ask()
                peer.h2.reset_stream(stream, ErrorCodes.CANCEL)
            peer.flush()
            assert goaway(await peer.closed()) == ErrorCodes.ENHANCE_YOUR_CALM
            assert begun < 300
            await until(lambda: not front.connections)

    run("uvloop", work())


def test_a_flood_of_pings_ends_the_connection() -> None:
    async def work() -> None:
        async with serving() as (_, port), connected2(port) as peer:
            for _ in range(5):
                peer.writer.write(PingFrame(0, opaque_data=b"8 bytes!").serialize() * 1_000)
                await peer.writer.drain()
            assert goaway(await peer.closed()) == ErrorCodes.ENHANCE_YOUR_CALM

    run("uvloop", work())


def test_more_streams_than_allowed_are_a_fault() -> None:
    def handle(req: Request, reply: Reply) -> None:
        pass

    async def work() -> None:
        async with serving(handle) as (_, port), connected2(port) as peer:
            await peer.until(events.SettingsAcknowledged)
            peer.h2.remote_settings.max_concurrent_streams = 1_000
            peer.h2.remote_settings.acknowledge()
            for _ in range(200):
                peer.ask()
            assert goaway(await peer.closed()) is not None

    run("uvloop", work())


def test_headers_without_end_are_cut_off() -> None:
    async def work() -> None:
        async with serving() as (_, port), connected2(port) as peer:
            frame = HeadersFrame(1, data=b"\x00" * 100)
            peer.writer.write(frame.serialize())
            continuation = b"\x00\x40\x00\x09\x00\x00\x00\x00\x01" + b"\x00" * 16384
            for _ in range(100):
                peer.writer.write(continuation)
            assert goaway(await peer.closed()) is not None

    run("uvloop", work())


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00" * 100,
        b"\xff" * 100,
        RstStreamFrame(1).serialize(),
        HeadersFrame(2, data=b"", flags=["END_HEADERS"]).serialize(),
        HeadersFrame(1, data=b"\xff\xff\xff", flags=["END_HEADERS"]).serialize(),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_frame_ends_the_connection(noise: bytes) -> None:
    async def work() -> None:
        async with serving() as (front, port), connected(port) as raw:
            raw.send(PREFACE + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + noise)
            raw.writer.write_eof()
            await raw.rest()
            await until(lambda: not front.connections)

    run("uvloop", work())


def test_peers_that_do_nothing_or_do_not_read_are_let_go() -> None:
    def handle(req: Request, reply: Reply) -> None:
        if isinstance(req.body, bytes):
            reply(Response(200, [], b"x" * (4 * MIB)))

    async def work() -> None:
        async with serving(handle, idle_seconds=0.3, body_idle_seconds=0.3) as (front, port):
            async with connected2(port) as idle:
                assert goaway(await idle.closed()) == ErrorCodes.NO_ERROR
            async with connected2(port, greedy=False, window=1_000) as deaf:
                stream = deaf.ask()
                assert (await deaf.until(events.StreamReset, stream)).error_code == ErrorCodes.CANCEL
            async with connected2(port) as silent:
                stream = silent.ask(method="PUT", end=False)
                assert (await silent.answer(stream))[0] == 408
            async with connected(port) as raw:
                raw.send(PREFACE[:2])
                assert await raw.closed()
            await until(lambda: not front.connections)

    run("uvloop", work())


def test_connections_beyond_the_limit_are_told_to_calm_down() -> None:
    async def work() -> None:
        async with serving(connections=1) as (_, port), connected2(port) as first:
            assert (await first.answer(first.ask()))[0] == 200
            async with connected2(port) as second:
                assert await second.closed() is not None
            assert (await first.answer(first.ask()))[0] == 200

    run("uvloop", work())


@both_loops
def test_closing_finishes_what_was_begun(loop_name: str) -> None:
    replies: list[Reply] = []

    def handle(req: Request, reply: Reply) -> None:
        replies.append(reply)

    async def work() -> None:
        front = Front(handle, HttpLimits(), lambda: DATE)
        port = await front.listen("127.0.0.1", 0)
        async with connected2(port) as peer:
            peer.ask()
            await until(lambda: bool(replies))
            closing = asyncio.get_running_loop().create_task(front.close(5))
            assert (await peer.until(events.ConnectionTerminated)).error_code == ErrorCodes.NO_ERROR
            assert not closing.done()
            peer.h2.state_machine.state = ConnectionState.CLIENT_OPEN  # the library believes that all is over
            replies[0](Response(200, [], b"finished"))
            seen = await peer.closed()
            assert b"finished" in b"".join(event.data for event in seen if isinstance(event, events.DataReceived))
            await closing

    run(loop_name, work())


def test_a_peer_that_leaves_gets_what_it_asked_for() -> None:
    replies: list[Reply] = []

    def handle(req: Request, reply: Reply) -> None:
        replies.append(reply)

    async def work() -> None:
        async with serving(handle) as (front, port), connected(port) as raw:
            head = HeadersFrame(
                1, data=bytes.fromhex("82868441096c6f63616c686f7374"), flags=["END_HEADERS", "END_STREAM"]
            )
            settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
            leaving = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + b"\x00" * 8
            raw.send(PREFACE + settings + head.serialize() + leaving)
            await until(lambda: bool(replies))
            replies[0](Response(200, [], b"finished"))
            assert b"finished" in await raw.rest()
            await until(lambda: not front.connections)

    run("uvloop", work())


def test_the_library_is_loaded_only_when_needed() -> None:
    """A lake that nobody speaks HTTP/2 to does not import the library."""
    code = "import sys, pocketlake.gateway.server; sys.exit('h2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
