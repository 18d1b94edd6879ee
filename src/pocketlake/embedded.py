"""A lake inside another program: for tests, notebooks, and scripts."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from pocketlake.gateway.server import Server, new_event_loop
from pocketlake.kernel.config import DEFAULT_ACCOUNT, DEFAULT_REGION, Auth, Config, Durability, Limits

ACCESS_KEY = "test"
SECRET_KEY = "test"


class RemoteClock:
    """The lake's clock, moved through its HTTP endpoints; an advance returns when all that became due is done."""

    def __init__(self, endpoint_url: str) -> None:
        self._url = f"{endpoint_url}/_pocketlake/clock"

    def now(self) -> datetime:
        return self._moment(_ask(self._url))

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
        total = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        return self._moment(_ask(f"{self._url}/advance", {"seconds": total}))

    def set(self, moment: datetime | float | str) -> datetime:
        return self._moment(_ask(f"{self._url}/set", {"at": _plain(moment)}))

    def freeze(self, at: datetime | float | str | None = None) -> datetime:
        return self._moment(_ask(f"{self._url}/freeze", {} if at is None else {"at": _plain(at)}))

    def run(self, rate: float = 1.0) -> datetime:
        return self._moment(_ask(f"{self._url}/run", {"rate": rate}))

    @staticmethod
    def _moment(answer: dict[str, Any]) -> datetime:
        return datetime.fromtimestamp(answer["now"], UTC)


@cache
def _loader() -> Any:
    """One reader of service models for all sessions: reading them anew is nine tenths of a client's making."""
    import botocore.session

    return botocore.session.Session().get_component("data_loader")


class EmbeddedLake:
    """A running lake: `client` and `session` are boto3's, already pointed at it."""

    def __init__(self, endpoint_url: str, directory: Path | None = None, region: str = DEFAULT_REGION) -> None:
        self.endpoint_url = endpoint_url
        self.directory = directory
        self.region = region
        self.clock = RemoteClock(endpoint_url)

    def session(self, account: str = ACCESS_KEY, region: str | None = None) -> Any:
        """A boto3 session; a 12-digit `account` is the account that it works in."""
        try:
            import boto3
            import botocore.session
        except ImportError:
            raise ImportError("lake.client and lake.session use boto3: pip install 'pocketlake[client]'") from None
        core, loader = botocore.session.Session(), _loader()
        core.register_component("data_loader", loader)
        session = boto3.session.Session(
            aws_access_key_id=account,
            aws_secret_access_key=SECRET_KEY,
            region_name=region or self.region,
            botocore_session=core,
        )
        loader.search_paths[:] = dict.fromkeys(loader.search_paths)  # each session adds boto3's own folder
        return session

    def client(self, service: str, *, account: str = ACCESS_KEY, region: str | None = None, **options: Any) -> Any:
        options.setdefault("endpoint_url", self.endpoint_url)
        return self.session(account, region).client(service, **options)

    def resource(self, service: str, *, account: str = ACCESS_KEY, region: str | None = None, **options: Any) -> Any:
        options.setdefault("endpoint_url", self.endpoint_url)
        return self.session(account, region).resource(service, **options)

    def env(self) -> dict[str, str]:
        """The environment that points any AWS tool here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }

    def reset(self) -> None:
        """Empty it; the clock runs with the machine again."""
        _ask(f"{self.endpoint_url}/_pocketlake/reset", {})


@contextmanager
def run(
    directory: Path | str | None = None,
    port: int = 0,
    *,
    account: str = DEFAULT_ACCOUNT,
    region: str = DEFAULT_REGION,
    durability: Durability = "process",
    limits: Limits = "aws",
    auth: Auth = "open",
    streams: str = "",
) -> Iterator[EmbeddedLake]:
    """A lake in a thread of this process, on a free port unless told otherwise.

    Without a directory it lives in a temporary one and is gone at the end.
    """
    with tempfile.TemporaryDirectory(prefix="pocketlake-") as temporary:
        home = Path(directory) if directory is not None else Path(temporary)
        config = Config(
            directory=home,
            port=port,
            account=account,
            region=region,
            durability=durability,
            limits=limits,
            auth=auth,
            streams=streams,
        )
        serving = _Serving(config)
        serving.start()
        try:
            yield EmbeddedLake(serving.url(), home, region)
        finally:
            serving.stop()


class _Serving(threading.Thread):
    """The lake's event loop in a thread of its own."""

    def __init__(self, config: Config) -> None:
        super().__init__(name="pocketlake", daemon=True)
        self._config = config
        self._ready = threading.Event()
        self._stopped: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._url = ""
        self._error: BaseException | None = None

    def run(self) -> None:
        loop = self._loop = new_event_loop()
        try:
            loop.run_until_complete(self._serve())
        except BaseException as error:  # handed to the thread that waits for us
            self._error = error
        finally:
            self._ready.set()
            loop.close()

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        server = Server(self._config)
        try:
            self._url = await server.start()
            self._ready.set()
            await self._stopped.wait()
        finally:
            await server.stop(grace=2.0)

    def url(self) -> str:
        self._ready.wait()
        if self._error is not None:
            raise self._error
        return self._url

    def stop(self) -> None:
        if self._loop is not None and self._stopped is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
        self.join(timeout=30)


def _plain(moment: datetime | float | str) -> float | str:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return moment


def _ask(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else orjson.dumps(body)
    request = urllib.request.Request(url, data=data, method="GET" if body is None else "POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return orjson.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise ValueError(error.read().decode(errors="replace")) from None
