"""Faults on demand: the next calls of an operation are refused, so that a client's retries can be tried.

They lie in memory, hold for calls from outside only, and end when they were met as often as asked, or at a reset.
"""

from __future__ import annotations

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


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def described(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._waiting]

    def strike(self, service: str, operation: str) -> None:
        """Raise the first fault that waits for this operation, if any."""
        for fault in self._waiting:
            if (fault.service, fault.operation) == (service, operation):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                raise ServiceError(fault.code, fault.message, fault.status)
