"""Connections that come together are taken in together, whatever the loop."""

import asyncio
import contextlib
import socket

import pytest
import uvloop

from pocketlake.gateway.listening import listen

MANY = 300  # below what a common limit of open files allows for both ends


class Guest(asyncio.Protocol):
    def __init__(self, turn, joined):
        self.turn, self.joined = turn, joined

    def connection_made(self, transport):
        self.joined.append(self.turn[0])
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data.upper())


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_those_who_come_together_are_in_after_a_few_turns(new_loop):
    async def come():
        turn, joined = [0], []
        server = await listen(asyncio.get_running_loop(), lambda: Guest(turn, joined), "127.0.0.1", 0, None)
        port = server.sockets[0].getsockname()[1]
        with contextlib.ExitStack() as guests:
            for _ in range(MANY):
                guests.enter_context(socket.create_connection(("127.0.0.1", port)))
            while len(joined) < MANY:
                turn[0] += 1
                assert turn[0] < 50, f"{len(joined)} of {MANY} are in"
                await asyncio.sleep(0)
        server.close()

    with contextlib.closing(new_loop()) as loop:
        loop.run_until_complete(come())


def test_a_name_is_listened_at_under_all_its_addresses_and_one_port():
    async def come():
        turn, joined = [0], []
        server = await listen(asyncio.get_running_loop(), lambda: Guest(turn, joined), "localhost", 0, None)
        ports = {own.getsockname()[1] for own in server.sockets}
        assert len(ports) == 1
        reader, writer = await asyncio.open_connection("localhost", ports.pop())
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"HELLO"
        writer.close()
        server.close()
        assert server.sockets == []

    with contextlib.closing(uvloop.new_event_loop()) as loop:
        loop.run_until_complete(come())


def test_a_port_in_use_is_refused_and_nothing_stays_open():
    with socket.create_server(("127.0.0.1", 0)) as taken, contextlib.closing(uvloop.new_event_loop()) as loop:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            loop.run_until_complete(listen(loop, asyncio.Protocol, "127.0.0.1", port, None))
