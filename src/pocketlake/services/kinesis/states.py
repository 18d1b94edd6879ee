"""A stream's status: ACTIVE, or UPDATING while its shards are being changed."""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .service import errors


def status(stream: Resource) -> str:
    """`Change` is what is under way; see resharding.py."""
    return "UPDATING" if "Change" in stream.body else "ACTIVE"


def check_active(call: Call, stream: Resource) -> None:
    """Wording: recorded by kinesalite.  [KDS-583]"""
    if status(stream) != "ACTIVE":
        raise errors.ResourceInUseException(
            f"Stream {stream.name} under account {call.account} not ACTIVE, instead in state {status(stream)}"
        )
