"""What a destination outside the lake has already taken of the batch under way.

It is kept with the stream, so whoever tries the batch again, after a refusal or a crash, sends only the rest. Between
an endpoint's answer and the commit that keeps it nothing can help: a kill there has the same request sent twice, with
the same ID, as on AWS.
"""

from __future__ import annotations

import copy
import hashlib
from array import array
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .batches import Batch

MEMBER = "Sending"


def state(call: Call, stream: Resource, batch: Batch) -> dict[str, Any]:
    """What was kept of this very batch, the caller's own copy; empty when it is new."""
    now = _current(call, stream)
    held: dict[str, Any] = (now and now.get(MEMBER)) or {}
    return copy.deepcopy(held["State"]) if held and held["Batch"] == _identity(stream, batch) else {}


def keep(call: Call, stream: Resource, batch: Batch, state: dict[str, Any]) -> None:
    _write(call, stream, {"Batch": _identity(stream, batch), "State": state})


def clear(call: Call, stream: Resource) -> None:
    """The batch has come to its end. In the transaction in which its records go."""
    now = _current(call, stream)
    if now is not None and now.get(MEMBER):
        _write(call, stream, None)


def _identity(stream: Resource, batch: Batch) -> str:
    """Of the batch as processing left it: after an update, or if a function answers differently, all is sent anew."""
    shape = array(
        "q", [value for index, record in enumerate(batch.data) for value in (batch.origin(index), len(record))]
    )
    return f"{batch.identity} {stream['Version']} {hashlib.sha256(shape.tobytes()).hexdigest()[:16]}"


def _write(call: Call, stream: Resource, held: dict[str, Any] | None) -> None:
    from .delivery_streams import KIND

    now = _current(call, stream)
    if now is not None:
        with call.transaction():
            call.resources(KIND).update(now, **{MEMBER: held})


def _current(call: Call, stream: Resource) -> Resource | None:
    """The stream as it is now, unless it was deleted, or made anew, meanwhile."""
    from .delivery_streams import KIND

    now = call.resources(KIND).find(stream.name)
    return now if now is not None and now["Id"] == stream["Id"] else None
