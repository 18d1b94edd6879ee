"""The lake's own endpoints, under /_pocketlake/, and those that tools look for on other emulators."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson

from pocketlake.gateway.message import Request, Response
from pocketlake.gateway.route import query_pairs
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.faults import Behaviour, Fault

if TYPE_CHECKING:
    from pocketlake.kernel.lake import Lake

BODY_LIMIT = 64 * 1024
VIEWS = "/_pocketlake/views/"
DOCUMENTS = "/_pocketlake/documents/"
LOOPBACK = {"127.0.0.1", "::1"}


class Refused(Exception):
    """A control request that makes no sense; the message says why."""


class Control:
    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Awaitable[Any]]] = {
            ("GET", "/_pocketlake/health"): self.health,
            ("GET", "/_pocketlake/ready"): self.health,
            ("GET", "/_localstack/health"): self.localstack_health,
            ("GET", "/_pocketlake/config"): self.config,
            ("GET", "/_pocketlake/services"): self.services,
            ("GET", "/_pocketlake/trail"): self.trail,
            ("POST", "/_pocketlake/reset"): self.reset,
            ("POST", "/moto-api/reset"): self.reset,
            ("GET", "/_pocketlake/faults"): self.faults,
            ("POST", "/_pocketlake/faults"): self.add_fault,
            ("DELETE", "/_pocketlake/faults"): self.clear_faults,
            ("GET", "/_pocketlake/clock"): self.clock,
            ("POST", "/_pocketlake/clock/advance"): self.clock_advance,
            ("POST", "/_pocketlake/clock/set"): self.clock_set,
            ("POST", "/_pocketlake/clock/freeze"): self.clock_freeze,
            ("POST", "/_pocketlake/clock/run"): self.clock_run,
        }

    def owns(self, request: Request) -> bool:
        return request.target.startswith(("/_pocketlake", "/_localstack", "/moto-api/"))

    async def answer(self, request: Request) -> Response:
        path = request.target.partition("?")[0].rstrip("/")
        if request.method == "GET" and path.startswith(VIEWS):
            return await self._view(request, path.removeprefix(VIEWS))
        if request.method == "GET" and path.startswith(DOCUMENTS):
            return self._document(path.removeprefix(DOCUMENTS))
        handler = self._routes.get((request.method, path))
        if handler is None:
            known = any(known_path == path for _, known_path in self._routes)
            return _json(405 if known else 404, {"message": f"There is no {request.method} {path} here."})
        if request.method != "GET" and self._lake.config.auth == "signed" and request.peer not in LOOPBACK:
            return _json(403, {"message": "In signed mode the lake is reset and its clock moved from its own machine."})
        try:
            return _json(200, await handler(await _body(request)))
        except Refused as refusal:
            return _json(400, {"message": str(refusal)})

    async def _view(self, request: Request, path: str) -> Response:
        """GET /_pocketlake/views/{service}/{name}?account=&region=&...: what a service shows to our own tools."""
        if self._lake.config.auth == "signed" and request.peer not in LOOPBACK:
            return _json(403, {"message": "In signed mode views are shown on the lake's own machine."})
        service, _, name = path.partition("/")
        try:
            handler = self._lake.service(service).views[name]
        except KeyError:
            return _json(404, {"message": f"There is no view {path} here."})
        query = dict(query_pairs(request.target.partition("?")[2]))
        config = self._lake.config
        account, region = query.get("account", config.account), query.get("region", config.region)
        try:
            return _json(200, await handler(self._lake.call(service, account, region, name), query))
        except ServiceError as error:
            return _json(400, {"message": error.message})

    def _document(self, path: str) -> Response:
        """GET /_pocketlake/documents/{service}/{name}: what a service publishes, a certificate for instance."""
        service, _, name = path.partition("/")
        config = self._lake.config
        try:
            handler = self._lake.service(service).document_of
        except KeyError:
            handler = None
        found = handler and handler(self._lake.call(service, config.account, config.region, "document"), name)
        if not found:
            return _json(404, {"message": f"There is no document {path} here."})
        return Response(200, [("Content-Type", "application/octet-stream")], found)

    # What is

    async def health(self, _: dict[str, Any]) -> Any:
        from pocketlake import __version__

        return {"status": "ok", "version": __version__}

    async def localstack_health(self, _: dict[str, Any]) -> Any:
        from pocketlake import __version__
        from pocketlake.gateway.inventory import built_services

        return {"services": dict.fromkeys(built_services(), "running"), "edition": "pocketlake", "version": __version__}

    async def config(self, _: dict[str, Any]) -> Any:
        config = self._lake.config
        return {
            "directory": str(self._lake.directory),
            "endpoint": self._lake.endpoint,
            "account": config.account,
            "region": config.region,
            "durability": config.durability,
            "limits": config.limits,
            "auth": config.auth,
        }

    async def services(self, _: dict[str, Any]) -> Any:
        from pocketlake.gateway.inventory import inventory

        return inventory(self._lake)

    async def trail(self, _: dict[str, Any]) -> Any:
        return {"events": [event._asdict() for event in list(self._lake.trail.events)[-1000:]]}

    async def reset(self, _: dict[str, Any]) -> Any:
        await self._lake.reset()
        return {"status": "ok"}

    # Faults

    async def faults(self, _: dict[str, Any]) -> Any:
        return {"faults": self._lake.faults.described()}

    async def add_fault(self, body: dict[str, Any]) -> Any:
        """{"service": "firehose", "operation": "PutRecord", "code": "ServiceUnavailableException"}, and if wanted
        "message", "status" (503) and "times" (1). Or a behaviour, see below."""
        if "behaviour" in body:
            return await self._behave(body)
        service, operation, code = (body.get(name) for name in ("service", "operation", "code"))
        if not all(isinstance(name, str) and name for name in (service, operation, code)):
            raise Refused("A fault needs a service, an operation and a code.")
        status, times = (
            int(_number({name: default} | body, name)) for name, default in (("status", 503), ("times", 1))
        )
        if not 400 <= status <= 599 or times < 1:
            raise Refused("status lies between 400 and 599, times is 1 at least.")
        self._lake.faults.add(
            Fault(str(service), str(operation), str(code), str(body.get("message", "")), status, times)
        )
        return await self.faults({})

    async def _behave(self, body: dict[str, Any]) -> Any:
        """{"service": "sqs", "behaviour": "duplicates", "resource": "orders", "share": 0.5}, and perhaps "seed"."""
        service, name, resource = (str(body.get(key, "")) for key in ("service", "behaviour", "resource"))
        try:
            known = self._lake.service(service).behaviours
        except KeyError:
            known = {}
        if name not in known:
            raise Refused(f"{service or 'No service'} has no behaviour {name}; it has: {', '.join(known) or 'none'}.")
        settings = {}
        for setting, (least, most, usual) in known[name].items():
            settings[setting] = _number({setting: usual} | body, setting)
            if not least <= settings[setting] <= most:
                raise Refused(f"{setting} lies between {least:g} and {most:g}.")
        chance = random.Random(_number(body, "seed") if "seed" in body else None)
        self._lake.faults.behave(Behaviour(service, name, resource, settings, chance))
        return await self.faults({})

    async def clear_faults(self, _: dict[str, Any]) -> Any:
        self._lake.faults.clear()
        return await self.faults({})

    # The clock

    async def clock(self, _: dict[str, Any]) -> Any:
        from datetime import UTC, datetime

        clock = self._lake.clock
        now = clock.now()
        return {
            "now": now,
            "iso": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
            "rate": clock.rate,
            "frozen": clock.rate == 0.0,
        }

    async def clock_advance(self, body: dict[str, Any]) -> Any:
        seconds = _number(body, "seconds")
        if seconds < 0:
            raise Refused("seconds must not be negative; use clock/set to go back.")
        await self._lake.clock.advance(seconds)
        return await self.clock({})

    async def clock_set(self, body: dict[str, Any]) -> Any:
        await self._lake.clock.set(_moment(body))
        return await self.clock({})

    async def clock_freeze(self, body: dict[str, Any]) -> Any:
        await self._lake.clock.freeze()
        if "at" in body or "now" in body:
            await self._lake.clock.set(_moment(body))
        return await self.clock({})

    async def clock_run(self, body: dict[str, Any]) -> Any:
        rate = _number(body, "rate") if "rate" in body else 1.0
        if not 0.0 <= rate <= 1_000_000.0:
            raise Refused("rate lies between 0 and 1,000,000.")
        await self._lake.clock.run(rate)
        return await self.clock({})


async def _body(request: Request) -> dict[str, Any]:
    raw = request.body
    if not isinstance(raw, bytes) or len(raw) > BODY_LIMIT:
        raise Refused("The body is too large.")
    if not raw.strip():
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused("The body must be a JSON object.")
    return body


def _number(body: dict[str, Any], name: str) -> float:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused(f'Send {{"{name}": <number>}}.')
    return float(value)


def _moment(body: dict[str, Any]) -> float:
    """`at` (or `now`): epoch seconds, or ISO 8601 (UTC unless it says otherwise)."""
    from datetime import UTC, datetime

    value = body.get("at", body.get("now"))
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise Refused(f"{value!r} is not an ISO 8601 time.") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return _number({"at": value}, "at")


def _json(status: int, value: Any) -> Response:
    return Response(status, [("Content-Type", "application/json")], orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
