"""Faults on demand: what AWS may do at any time and seldom does, so that clients can be tried with it.

A fault refuses the next calls of an operation, from outside only, until it was met as often as asked. A behaviour
stays: a service does what it is free to do, such as delivering a message twice. Both lie in memory and end at a reset.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any

from pocketlake.kernel.errors import ServiceError


@dataclass(slots=True)
class Fault:
    """`service` is boto3's name, `operation` the API's (PutRecordBatch); `times` counts down."""

    service: str
    operation: str
    code: str
    message: str
    status: int
    times: int


@dataclass(slots=True)
class Behaviour:
    """`name` is one that its service declares; `resource` the name of what it holds for, "" for all."""

    service: str
    name: str
    resource: str
    settings: dict[str, float]
    chance: random.Random

    def described(self) -> dict[str, Any]:
        return {"service": self.service, "behaviour": self.name, "resource": self.resource, **self.settings}


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self.behaviours: list[Behaviour] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def behave(self, behaviour: Behaviour) -> None:
        """From now on, in place of an earlier one of this name for the same resource."""
        same = (behaviour.service, behaviour.name, behaviour.resource)
        others = [one for one in self.behaviours if (one.service, one.name, one.resource) != same]
        self.behaviours = [behaviour, *others]

    def behaviour(self, service: str, name: str, resource: str) -> Behaviour | None:
        """The one asked for last that holds for the resource."""
        for one in self.behaviours:
            if (one.service, one.name) == (service, name) and one.resource in ("", resource):
                return one
        return None

    def clear(self) -> None:
        self._waiting.clear()
        self.behaviours = []

    def described(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._waiting] + [one.described() for one in self.behaviours]

    def strike(self, service: str, operation: str) -> None:
        """Raise the first fault that waits for this operation, if any."""
        for fault in self._waiting:
            if (fault.service, fault.operation) == (service, operation):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                raise ServiceError(fault.code, fault.message, fault.status)
