"""What goes out: order, framing, files, streams, early answers, the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from pocketlake.gateway.http import Reply
from pocketlake.gateway.message import FileSlice, Request, Response
from tests.gateway.http_toy import DATE, both_loops, connected, request, run, serving, until

MIB = 1024 * 1024


def always(make: Callable[[], Response]) -> Callable[[Request, Reply], None]:
    return lambda _, reply: reply(make())


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slices") / "big"
    path.write_bytes(bytes(n % 251 for n in range(65536)) * 128)
    return path


@both_loops
def test_an_answer_has_date_and_length_and_the_given_headers(loop_name: str) -> None:
    async def work() -> None:
        answer = Response(201, [("X-Name", "é"), ("x-amz-meta-wide", "日本")], b"made")
        async with serving(always(lambda: answer)) as (_, port), connected(port) as peer:
            peer.send(request())
            status, headers, body = await peer.answer()
            assert (status, body) == (201, b"made")
            wide = headers.pop("x-amz-meta-wide")
            assert wide.encode("latin-1").decode() == "日本"
            assert headers.pop("x-name").encode("latin-1") in ("é".encode("latin-1"), "é".encode())
            assert headers == {"date": DATE.decode(), "content-length": "4"}

    run(loop_name, work())


@pytest.mark.parametrize(
    ("answer", "length"),
    [
        (Response(200, [], b"abc"), "3"),
        (Response(200, [], b"", length=12345), "12345"),
        (Response(200, [], FileSlice("/nonexistent", 0, 99)), "99"),
        (Response(200, [], pieces(b"abc")), None),
        (Response(200, [], pieces(b"abc"), length=3), "3"),
        (Response(204), None),
        (Response(304), None),
        (Response(304, [], length=5), "5"),
    ],
)
def test_head_and_bodyless_answers(answer: Response, length: str | None) -> None:
    async def work() -> None:
        async with serving(always(lambda: answer)) as (_, port), connected(port) as peer:
            method = "GET" if answer.status in (204, 304) else "HEAD"
            peer.send(request(f"{method} /", Connection="close"))
            status, headers, _ = await peer.answer("HEAD")
            assert (status, headers.get("content-length")) == (answer.status, length)
            assert await peer.closed()

    run("uvloop", work())


@both_loops
@pytest.mark.parametrize(
    ("head", "stays"),
    [
        ("GET / HTTP/1.1\r\nHost: a", True),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close", False),
        ("GET / HTTP/1.0", False),
        ("GET / HTTP/1.0\r\nConnection: keep-alive", True),
    ],
)
def test_the_connection_stays_or_ends_as_asked(loop_name: str, head: str, stays: bool) -> None:
    async def work() -> None:
        async with serving() as (_, port), connected(port) as peer:
            peer.send(head.encode() + b"\r\n\r\n")
            _, headers, _ = await peer.answer()
            assert headers.get("connection") == ("close" if not stays else "keep-alive" if "1.0" in head else None)
            if stays:
                peer.send(request())
                assert (await peer.answer())[0] == 200
            else:
                assert await peer.closed()

    run(loop_name, work())


@pytest.mark.parametrize("header", [("X", "a\r\nSet-Cookie: b"), ("X", "a\nb"), ("X\r\nY", "a"), ("X", "a\0")])
def test_a_header_that_would_split_the_answer_is_a_fault(header: tuple[str, str]) -> None:
    async def work() -> None:
        async with serving(always(lambda: Response(200, [header], b"x"))) as (_, port), connected(port) as peer:
            peer.send(request())
            status, headers, _ = await peer.answer()
            assert status == 500
            assert "set-cookie" not in headers

    run("uvloop", work())


def test_a_handler_that_raises_answers_500_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    def handle(req: Request, reply: Reply) -> None:
        raise KeyError("secret")

    async def work() -> None:
        async with serving(handle) as (_, port), connected(port) as peer:
            for _ in range(2):  # the connection lives on
                peer.send(request())
                status, _, body = await peer.answer()
                assert status == 500
                assert b"secret" not in body

    run("uvloop", work())
    assert "secret" in caplog.text


def test_answering_twice_is_the_applications_fault() -> None:
    raised = []

    def handle(req: Request, reply: Reply) -> None:
        reply(Response(200, [], b"one"))
        try:
            reply(Response(200, [], b"two"))
        except RuntimeError as error:
            raised.append(error)

    async def work() -> None:
        async with serving(handle) as (_, port), connected(port) as peer:
            peer.send(request(Connection="close"))
            assert (await peer.rest()).endswith(b"\r\n\r\none")

    run("uvloop", work())
    assert raised


SLICES = [(0, 8 * MIB), (1, 70_000), (5 * MIB + 3, 3 * MIB - 3), (100, 10), (7, 0)]


@both_loops
def test_slices_of_files_pipelined_between_other_answers(loop_name: str, big_file: Path) -> None:
    content = big_file.read_bytes()

    def handle(req: Request, reply: Reply) -> None:
        if req.target == "/small":
            reply(Response(200, [], b"s" * 1000))
        else:
            offset, length = map(int, req.target[1:].split("-"))
            reply(Response(206, [], FileSlice(str(big_file), offset, length)))

    async def work() -> None:
        async with serving(handle) as (_, port), connected(port) as peer:
            for _ in range(2):
                peer.send(b"".join(request("GET /small") + request(f"GET /{o}-{n}") for o, n in SLICES))
                for offset, length in SLICES:
                    assert (await peer.answer())[2] == b"s" * 1000
                    status, _, body = await peer.answer()
                    assert status == 206
                    assert body == content[offset : offset + length]

    run(loop_name, work())


@pytest.mark.parametrize("length", [100, 10 * MIB])
def test_a_file_that_is_gone_answers_500(length: int, tmp_path: Path) -> None:
    async def work() -> None:
        gone = FileSlice(str(tmp_path / "gone"), 0, length)
        async with serving(always(lambda: Response(200, [], gone))) as (_, port), connected(port) as peer:
            peer.send(request())
            assert (await peer.answer())[0] == 500

    run("uvloop", work())


@both_loops
def test_a_file_shorter_than_promised_breaks_the_connection(loop_name: str, big_file: Path) -> None:
    async def work() -> None:
        piece = FileSlice(str(big_file), 0, 9 * MIB)
        async with serving(always(lambda: Response(200, [], piece))) as (_, port), connected(port) as peer:
            peer.send(request())
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await peer.answer()

    run(loop_name, work())


@both_loops
def test_streams_go_out_chunked_or_with_their_length(loop_name: str) -> None:
    def handle(req: Request, reply: Reply) -> None:
        reply(Response(200, [], pieces(b"abc", b"", b"defg"), length=7 if req.target == "/7" else None))

    async def work() -> None:
        async with serving(handle) as (_, port):
            async with connected(port) as peer:
                for target, framing in (("/", "transfer-encoding"), ("/7", "content-length")):
                    peer.send(request(f"GET {target}"))
                    _, headers, body = await peer.answer()
                    assert body == b"abcdefg"
                    assert framing in headers
            async with connected(port) as peer:
                peer.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                _, headers, body = await peer.answer()
                assert (body, headers["connection"]) == (b"abcdefg", "close")

    run(loop_name, work())


@pytest.mark.parametrize("length", [None, 2, 9])
def test_a_stream_that_fails_or_miscounts_never_looks_whole(length: int | None) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"abc"
        if length is None:
            raise OSError("disk")

    async def work() -> None:
        handle = always(lambda: Response(200, [], body(), length=length))
        async with serving(handle) as (_, port), connected(port) as peer:
            peer.send(request())
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await peer.answer()

    run("uvloop", work())


@both_loops
@pytest.mark.parametrize("leaves", [False, True])
def test_a_stream_waits_for_a_slow_reader_and_ends_with_it(loop_name: str, leaves: bool) -> None:
    async def work() -> None:
        made, closed = 0, False

        async def body() -> AsyncIterator[bytes]:
            nonlocal made, closed
            try:
                for _ in range(256):
                    made += 1
                    yield bytes(MIB)
            finally:
                closed = True

        async with serving(always(lambda: Response(200, [], body(), length=256 * MIB))) as (_, port):
            async with connected(port) as peer:
                peer.send(request(Connection="close"))
                await until(lambda: made > 0)
                await asyncio.sleep(0.1)
                assert made < 20  # the rest waits: sockets and buffers are full
                if leaves:
                    peer.vanish()
                else:
                    size = 0
                    while data := await peer.reader.read(MIB):
                        size += len(data)
                    assert size > 256 * MIB
            await until(lambda: closed)
            assert leaves == (made < 256)

    run(loop_name, work())


@both_loops
def test_a_peer_that_never_reads_is_let_go(loop_name: str, big_file: Path) -> None:
    async def work() -> None:
        handle = always(lambda: Response(200, [], FileSlice(str(big_file), 0, 8 * MIB)))
        async with serving(handle, body_idle_seconds=0.2) as (front, port), connected(port) as peer:
            peer.send(request() * 3)
            await until(lambda: bool(front.connections))
            await until(lambda: not front.connections)

    run(loop_name, work())


@both_loops
@pytest.mark.parametrize(("length", "stays"), [(int(1.5 * MIB), True), (50 * MIB, False)])
def test_an_answer_before_the_body_was_read(loop_name: str, length: int, stays: bool) -> None:
    """A short rest is read away; a long one ends the connection, but only once the peer could see the answer."""

    async def work() -> None:
        async with (
            serving(always(lambda: Response(403, [], b"no")), linger_seconds=0.3) as (_, port),
            connected(port) as peer,
        ):
            peer.send(f"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode() + bytes(int(1.2 * MIB)))
            status, headers, _ = await peer.answer()
            assert (status, headers.get("connection")) == (403, None if stays else "close")
            if stays:
                peer.send(bytes(length - int(1.2 * MIB)) + request())
                assert (await peer.answer())[0] == 403
            else:
                assert await peer.closed()

    run(loop_name, work())


@both_loops
def test_a_reply_after_the_peer_left_does_no_harm(loop_name: str) -> None:
    async def work() -> None:
        replies: list[Reply] = []
        closed = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            try:
                yield b"x"
            finally:
                closed.set()

        async with serving(lambda _, reply: replies.append(reply)) as (front, port):
            async with connected(port) as peer:
                peer.send(request() * 2)
                await until(lambda: len(replies) == 2)
                peer.vanish()
            await until(lambda: not front.connections)
            started = body()
            await anext(started)
            replies[1](Response(200, [], started))
            replies[0](Response(200, [], b"x"))
            await asyncio.wait_for(closed.wait(), 2)

    run(loop_name, work())


@both_loops
def test_close_finishes_what_was_begun(loop_name: str) -> None:
    async def work() -> None:
        replies: list[Reply] = []
        async with serving(lambda _, reply: replies.append(reply)) as (front, port):  # noqa: SIM117
            async with connected(port) as idle, connected(port) as busy, connected(port) as sending:
                busy.send(request("GET /1") + request("GET /2"))
                sending.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
                await until(lambda: len(replies) == 2 and len(front.connections) == 3)
                await asyncio.sleep(0.02)
                closing = asyncio.get_running_loop().create_task(front.close(5))
                assert await idle.closed()
                with pytest.raises(OSError):
                    await asyncio.open_connection("127.0.0.1", port)
                replies[0](Response(200, [], b"1"))
                replies[1](Response(200, [], b"2"))
                assert (await busy.answer())[1].get("connection") is None
                assert (await busy.answer())[1]["connection"] == "close"
                assert await busy.closed()
                assert not closing.done()
                sending.send(b"bc")
                await until(lambda: len(replies) == 3)
                replies[2](Response(200, [], b"3"))
                assert (await sending.answer())[1]["connection"] == "close"
                await asyncio.wait_for(closing, 2)

    run(loop_name, work())


@both_loops
def test_close_aborts_what_outlasts_its_grace(loop_name: str) -> None:
    async def work() -> None:
        seen: list[Reply] = []
        async with serving(lambda _, reply: seen.append(reply)) as (front, port), connected(port) as peer:
            peer.send(request())
            await until(lambda: bool(seen))
            await asyncio.wait_for(front.close(0.1), 2)
            assert not front.connections

    run(loop_name, work())
