"""A lake behind its HTTP front: start, serve, stop."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketlake.engines import streams
from pocketlake.gateway.dispatch import Gateway
from pocketlake.gateway.http import Front, HttpLimits
from pocketlake.kernel import access
from pocketlake.kernel.config import Config
from pocketlake.kernel.lake import STARTED, STOPPING, Lake

if TYPE_CHECKING:
    import ssl

log = logging.getLogger("pocketlake")

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
GRACE_SECONDS = 2.0  # for what is under way: nothing of it is acknowledged yet, and clients try again


class UnsafeAddress(Exception):
    """Open mode lets anyone in, so it binds to loopback unless told otherwise in so many words."""


class Server:
    def __init__(self, config: Config, allow_open: bool = False) -> None:
        if config.host not in LOOPBACK and config.auth == "open" and not allow_open:
            raise UnsafeAddress(
                f"In open mode anyone who reaches {config.host} may do anything. "
                "Use --auth signed, or say --allow-open if that is what you want."
            )
        self.config = config
        self.lake = Lake(config)
        self.front: Front | None = None

    @property
    def url(self) -> str:
        return self.lake.endpoint

    async def start(self) -> str:
        """Serve; returns the URL."""
        lake, loop = self.lake, asyncio.get_running_loop()
        lake.start(loop)
        await streams.connect(lake, loop)
        if self.config.auth == "signed":
            self._give_first_key()
        self.front = Front(Gateway(lake).handle, HttpLimits(), lake.clock.http_date)
        lake.tls_context = self._tls
        port = await self.front.listen(self.config.host, self.config.port, self._tls() if self.config.tls else None)
        scheme = "https" if self.config.tls else "http"
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        lake.endpoint = f"{scheme}://{host}:{port}"
        lake.config = replace(self.config, port=port)
        with lake.store.transaction():
            lake.alarms.notify(STARTED)
        return lake.endpoint

    async def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Finish what was begun, then close."""
        self.lake.alarms.notify(STOPPING)
        if self.front is not None:
            await self.front.close(grace)
        await self.lake.close()

    @property
    def credentials_file(self) -> Path:
        return self.lake.directory / "credentials"

    def _give_first_key(self) -> None:
        """Signed mode lets nobody in whom it does not know: a new lake knows its account's root user.

        The key lies in the lake's directory in the form of AWS's credentials file, readable by its owner only.
        """
        account = self.config.account
        if access.of_owner(self.lake.store, account, account):
            return
        key, secret = f"AKIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30)
        root = access.Credentials(key, secret, "", access.Principal.root(account, key), created=self.lake.clock.now())
        with open(self.credentials_file, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
        with self.lake.store.transaction():
            access.add(self.lake.store, root)

    def _tls(self) -> ssl.SSLContext:
        from datetime import UTC, datetime

        from pocketlake.gateway import tls

        if self.config.certificate is not None:
            key = self.config.certificate_key or self.config.certificate
            return tls.server_context(self.config.certificate, key)
        # Certificates live in the machine's time, not the lake's: clients check them by their own clocks.
        authority = tls.ensure_authority(Path(self.lake.directory), now=datetime.now(UTC))
        return tls.server_context(authority.certificate, authority.key)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def serve(server: Server, ready: Callable[[str], Any]) -> None:
    """Serve until SIGINT or SIGTERM, on a loop of our own."""
    loop = new_event_loop()
    asyncio.set_event_loop(loop)

    async def run() -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        try:
            ready(await server.start())
            await stopped.wait()
        finally:
            await server.stop()

    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
