"""Whatever frames come, in whatever order: the front answers or ends the connection, soon, and keeps nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.http_toy import connected, run, serving, until

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
BLOCKS = st.sampled_from(
    [
        bytes.fromhex("82868441096c6f63616c686f7374"),  # GET http / localhost
        bytes.fromhex("83868441096c6f63616c686f7374"),  # POST
        bytes.fromhex("8286844109") + b"local\r\nst",
        bytes.fromhex("828684"),
        b"\xff\xff\xff\xff\x0f",
        b"",
    ]
)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


NUMBERS = st.sampled_from([0, 1, 3, 5, 7, 2, 2**31 - 1])
HEADERS = st.builds(_frame, st.just(1), st.sampled_from([4, 5, 0, 0x2C]), NUMBERS, BLOCKS)
OTHERS = st.builds(_frame, st.integers(0, 12), st.integers(0, 255), NUMBERS, st.binary(max_size=20))
LIKELY = st.builds(
    _frame,
    st.sampled_from([0, 3, 4, 6, 7, 8, 9]),
    st.sampled_from([0, 1, 4]),
    NUMBERS,
    st.sampled_from(
        [b"", b"\0\0\0\1", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0" * 8, b"\0\4\0\0\0\0", b"\0\4\x7f\xff\xff\xff"]
    ),
)
STREAMS = st.lists(HEADERS | LIKELY | OTHERS | st.binary(max_size=12), max_size=12)


@pytest.mark.parametrize("loop_name", ["uvloop", "asyncio"])
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(frames=STREAMS, together=st.booleans())
def test_any_frames_are_answered_or_end_the_connection(
    loop_name: str, frames: list[bytes], together: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()

    async def work() -> None:
        async with serving(body_idle_seconds=1) as (front, port), connected(port) as peer:
            peer.send(PREFACE + _frame(4, 0, 0, b""))
            with contextlib.suppress(OSError):  # the front may have closed already
                for data in [b"".join(frames)] if together else frames:
                    peer.send(data)
                    await peer.writer.drain()
                    await asyncio.sleep(0)
                peer.writer.write_eof()
            with contextlib.suppress(ConnectionError):
                assert await peer.rest()
            await until(lambda: not front.connections)

    run(loop_name, work())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR], caplog.text
