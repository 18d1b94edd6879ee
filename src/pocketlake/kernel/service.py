"""How a service declares itself: a name, its tables, its operations, its alarms."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pocketlake.kernel.errors import Errors

if TYPE_CHECKING:
    from pocketlake.kernel.authorization import Authorization

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Service:
    """`name` is boto3's name of the service.

    `migrations` are SQL scripts, appended to and never edited. `validation_error` is the code with which this service
    refuses what its model forbids. `statuses` gives HTTP statuses to error codes that the model does not carry.
    """

    def __init__(
        self,
        name: str,
        migrations: Sequence[str] = (),
        validation_error: str = "ValidationException",
        statuses: dict[str, int] | None = None,
    ) -> None:
        self.name = name
        self.migrations = migrations
        self.validation_error = validation_error
        self.errors = Errors(statuses)
        self.operations: dict[str, Callable[..., Any]] = {}
        self.waits: set[str] = set()  # the operations that are `async def`
        self.alarms: dict[str, Callable[..., Any]] = {}
        self.views: dict[str, Callable[..., Any]] = {}
        self.unsigned: set[str] = set()  # operations that anybody may call: they carry a secret of their own
        # On demand, see faults.py: by name, each setting's least, most and usual value.
        self.behaviours: dict[str, dict[str, tuple[float, float, float]]] = {}
        self.document_of: Callable[..., bytes | None] | None = None
        self.ended: Callable[..., None] | None = None
        self.keep: Callable[..., None] | None = None

    def operation(self, handler: Handler) -> Handler:
        """The function's name is boto3's name of the operation."""
        name = handler.__name__
        assert name not in self.operations, f"{self.name}.{name} is declared twice"
        self.operations[name] = handler
        if inspect.iscoroutinefunction(handler):
            self.waits.add(name)
        return handler

    def alarm(self, handler: Handler) -> Handler:
        """The function runs as `handler(call, key)` when an alarm set for it is due."""
        assert handler.__name__ not in self.alarms, f"{self.name}.{handler.__name__} is declared twice"
        self.alarms[handler.__name__] = handler
        return handler

    def view(self, handler: Handler) -> Handler:
        """`await handler(call, query)` answers GET /_pocketlake/views/{service}/{name}: what AWS has no call for."""
        assert handler.__name__ not in self.views, f"{self.name}.{handler.__name__} is declared twice"
        self.views[handler.__name__] = handler
        return handler

    def document(self, handler: Handler) -> Handler:
        """`handler(call, name)` answers GET /_pocketlake/documents/{service}/{name} to anybody; None: no such thing."""
        assert self.document_of is None, f"{self.name} declares its documents twice"
        self.document_of = handler
        return handler

    @cached_property
    def authorization(self) -> Authorization:
        """What each operation must be permitted: the service's `authorization.py`, loaded when first asked for."""
        module = importlib.import_module(f"pocketlake.services.{self.name.replace('-', '_')}.authorization")
        declared: Authorization = module.authorization
        return declared

    def end(self, handler: Handler) -> Handler:
        """`handler(call, error, seconds, now)` hears how each call from outside ended; `error` is "" or its code."""
        assert self.ended is None, f"{self.name} declares its end twice"
        self.ended = handler
        return handler

    def keeper(self, handler: Handler) -> Handler:
        """`handler(call, measured)` writes what all services have measured: see metrics.py."""
        assert self.keep is None, f"{self.name} declares its keeper twice"
        self.keep = handler
        return handler
