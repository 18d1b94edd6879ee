"""Call: who asks what, where and when, and the way to everything a handler may use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from pocketlake.kernel.access import Principal
from pocketlake.kernel.alarms import Ident
from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resources

if TYPE_CHECKING:
    from pocketlake.kernel.authorization import Need
    from pocketlake.kernel.blobs import Blobs
    from pocketlake.kernel.lake import Lake
    from pocketlake.kernel.pages import Pages
    from pocketlake.kernel.service import Service
    from pocketlake.kernel.store import Store

Result = TypeVar("Result")


class Call:
    """One operation under way. Cheap to make: one for each request, and one for each call between services."""

    __slots__ = (
        "_service",
        "account",
        "endpoint",
        "lake",
        "memory",
        "operation",
        "principal",
        "region",
        "request",
        "request_id",
        "subject",
        "trailers",
    )

    def __init__(
        self,
        lake: Lake,
        service: Service,
        account: str,
        region: str,
        operation: str,
        principal: Principal,
        request_id: str,
        endpoint: str = "",
        request: Any = None,
    ) -> None:
        self.lake = lake
        self._service = service
        self.account = account
        self.region = region
        self.operation = operation  # boto3's name, or the alarm's
        self.principal = principal
        self.request_id = request_id
        self.endpoint = endpoint or lake.endpoint
        self.request = request  # the gateway's Request; None when a service calls
        self.memory = lake.memory(service.name)  # the service's caches, which can be rebuilt from the store at any time
        self.subject: Any = None  # what the operation is about, once it is found: for those who measure
        self.trailers: dict[str, str] = {}

    # What it stands on

    @property
    def service(self) -> str:
        return self._service.name

    @property
    def now(self) -> float:
        """Seconds since 1970 on the lake's clock."""
        return self.lake.clock.now()

    @property
    def limits_on(self) -> bool:
        return self.lake.config.limits == "aws"

    @property
    def db(self) -> Store:
        return self.lake.store

    @property
    def blobs(self) -> Blobs:
        return self.lake.blobs

    @property
    def pages(self) -> Pages:
        return self.lake.pages

    def resources(self, kind: str) -> Resources:
        scope = (self.account, self.region, self._service.name, kind)
        return Resources(self.lake.store, self.lake.resource_cache, scope, self.now)

    def transaction(self) -> AbstractContextManager[None]:
        return self.lake.store.transaction()

    def undo(self, step: Callable[[], object]) -> None:
        self.lake.store.undo(step)

    def arn(self, resource: str) -> str:
        return f"arn:{PARTITION}:{self._service.name}:{self.region}:{self.account}:{resource}"

    def needs(self, request: dict[str, Any]) -> list[Need]:
        """What must be permitted for this call with this request."""
        return self._service.authorization.needs(self, request)

    async def offload(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run heavy pure work in a thread. Pass plain values: neither this call nor the store may be used there."""
        return await asyncio.get_running_loop().run_in_executor(self.lake.executor, function, *arguments)

    # Later, and elsewhere

    @property
    def alarms(self) -> CallAlarms:
        return CallAlarms(self)

    @property
    def watches(self) -> CallWatches:
        return CallWatches(self)

    def notify(self, topic: str) -> None:
        self.lake.alarms.notify(topic)

    @property
    def aws(self) -> Aws:
        return Aws(self)

    def as_(
        self, account: str = "", region: str = "", service: str = "", role_arn: str = "", operation: str = ""
    ) -> Call:
        """The same request in another scope, or under another identity."""
        account = account or self.account
        principal = Principal.role(role_arn, f"pocketlake-{self.service}") if role_arn else self.principal
        return Call(
            self.lake,
            self.lake.service(service) if service else self._service,
            account,
            region or self.region,
            operation or self.operation,
            principal,
            self.request_id,
            self.endpoint,
        )


class CallAlarms:
    """This service's alarms in this account and region."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def set(self, handler: Callable[..., Any] | str, key: str, at: float) -> None:
        self._call.lake.alarms.set(_ident(self._call, handler, key), at)

    def clear(self, handler: Callable[..., Any] | str, key: str) -> None:
        self._call.lake.alarms.unset(_ident(self._call, handler, key))

    def due(self, handler: Callable[..., Any] | str, key: str) -> float | None:
        return self._call.lake.alarms.due(_ident(self._call, handler, key))


class CallWatches:
    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def add(self, topic: str, handler: Callable[..., Any] | str, key: str, delay: float = 0.0) -> None:
        self._call.lake.alarms.watch(topic, _ident(self._call, handler, key), delay)

    def remove(self, topic: str, handler: Callable[..., Any] | str, key: str) -> None:
        self._call.lake.alarms.unwatch(topic, _ident(self._call, handler, key))


def _ident(call: Call, handler: Callable[..., Any] | str, key: str) -> Ident:
    name = handler if isinstance(handler, str) else handler.__name__
    assert name in call._service.alarms, f"{call.service} declares no alarm {name}"
    return Ident(call.service, call.account, call.region, name, key)


class Aws:
    """`call.aws.s3.put_object(Bucket=..., ...)`: the other services, asked as a user asks them."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def __getattr__(self, service: str) -> AwsService:
        return AwsService(self._call.as_(service=service))


class AwsService:
    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = self._call

        def ask(**request: Any) -> Any:
            call.operation = operation
            return invoke(call, request)

        return ask


def invoke(call: Call, request: dict[str, Any]) -> Any:
    """Run the call's operation: its answer, or an awaitable of it when the operation waits. Errors are raised.

    An operation that does not wait runs inside a savepoint: raising takes back its writes and nothing else.
    """
    service = call._service
    handler = service.operations.get(call.operation)
    if handler is None:
        raise NotImplemented501(f"{service.name} {call.operation}")
    call.lake.authorise(call, request)
    if call.operation in service.waits:
        return handler(call, request)
    with call.lake.store.transaction():
        return handler(call, request)
