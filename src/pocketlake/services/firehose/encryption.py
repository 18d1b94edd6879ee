"""Server-side encryption of delivery streams: with a key that AWS owns; a customer's key needs KMS.

What lies buffered is never encrypted here, whatever is switched on: the lake's directory is the user's own.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from .service import errors, firehose

OWNED = "AWS_OWNED_CMK"


def of_a_new_stream(request: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """The stream's encryption as CreateDeliveryStream asks for it; None is none."""
    given = request.get("DeliveryStreamEncryptionConfigurationInput")
    return None if given is None else _checked(given, kind)


def _checked(given: dict[str, Any], kind: str) -> dict[str, Any]:
    if kind != "DirectPut":
        raise errors.InvalidArgumentException(
            "Server side encryption from firehose is only allowed for direct put delivery streams and database as a"
            " source delivery streams"
        )
    if given["KeyType"] == OWNED:
        if given.get("KeyARN"):
            raise errors.InvalidArgumentException("KeyARN must not be specified when KeyType is AWS_OWNED_CMK")
        return {"KeyType": OWNED, "Status": "ENABLED"}
    if not given.get("KeyARN"):
        raise errors.InvalidArgumentException("KeyARN has to be specified when KeyType is CUSTOMER_MANAGED_CMK")
    raise NotImplemented501("Firehose encryption with a KMS key (KMS itself)")


def described(stream: Resource) -> dict[str, Any]:
    return stream.get("Encryption") or {"Status": "DISABLED"}


def is_on(stream: Resource) -> bool:
    return described(stream)["Status"] == "ENABLED"


@firehose.operation
def start_delivery_stream_encryption(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    from .delivery_streams import KIND, find

    stream = find(call, request["DeliveryStreamName"])
    given = request.get("DeliveryStreamEncryptionConfigurationInput") or {"KeyType": OWNED}
    call.resources(KIND).update(stream, Encryption=_checked(given, stream["Type"]), Updated=call.now)
    return {}


@firehose.operation
def stop_delivery_stream_encryption(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    from .delivery_streams import KIND, find

    stream = find(call, request["DeliveryStreamName"])
    if is_on(stream):
        stopped = {**described(stream), "Status": "DISABLED"}
        call.resources(KIND).update(stream, Encryption=stopped, Updated=call.now)
    return {}
