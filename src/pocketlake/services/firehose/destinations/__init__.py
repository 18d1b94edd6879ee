"""Where batches go: a module for each destination, all alike to the rest of the service.

A destination is a module with the members of `Destination`; to add one, write it and name it in DESTINATIONS. The
service does the rest: buffering by its BufferingHints, processing, repeating what raised `Undelivered` with growing
pauses until the retry duration is over, and writing what is given up to the error prefix of its S3Configuration. A
delivery is tried again after a crash with the very same records (`batch.identity`), so a destination that can write the
same thing twice without harm, as S3 does, delivers each record exactly once.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from ..batches import Batch, Failed


class Destination(Protocol):
    """What a destination's module has.

    `CONFIGURATIONS`, `UPDATES` and `DESCRIPTION` are its members of CreateDeliveryStream, of UpdateDestination and of a
    DestinationDescription. `FAILED` is the error output type of what could not be delivered within the retry duration
    (http-endpoint-failed).
    """

    CONFIGURATIONS: tuple[str, ...]
    UPDATES: tuple[str, ...]
    FAILED: str

    def validate(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        """The configuration with AWS's defaults, to be kept in the stream; raises what AWS refuses.

        It has BufferingHints, and an S3Configuration (see storage.validate) unless it is one itself.
        """

    def merge(self, configuration: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
        """What `validate` gets when a stream is updated: the kept configuration with the update's members."""

    def describe(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """The members of a DestinationDescription, without secrets: {"HttpEndpointDestinationDescription": ...}."""

    def backup(self, configuration: dict[str, Any]) -> dict[str, Any] | None:
        """The S3 configuration that takes all records as they arrived, when the backup mode asks for that."""

    def retry_seconds(self, configuration: dict[str, Any]) -> float | None:
        """How long a batch is tried before it is given up.

        None: as long as Firehose keeps records, or until `deliver` itself gives it up by returning what failed.
        """

    async def deliver(self, call: Call, stream: Resource, batch: Batch) -> list[Failed]:
        """Deliver the batch; returns the records that will never be accepted.

        Raises Undelivered when the destination refuses for now: then the whole batch comes again later. Must not wait
        for the lake's clock: that is what Undelivered is for. Nothing may wait between the last write to the lake and
        the return.
        """


DESTINATIONS = ("s3", "http_endpoint", "splunk", "iceberg")
NOT_BUILT = (
    "RedshiftDestinationConfiguration",
    "ElasticsearchDestinationConfiguration",
    "AmazonopensearchserviceDestinationConfiguration",
    "AmazonOpenSearchServerlessDestinationConfiguration",
    "SnowflakeDestinationConfiguration",
)
NOT_BUILT_UPDATES = tuple(member.replace("Configuration", "Update") for member in NOT_BUILT)


def of(stream: Resource) -> Destination:
    """The destination of a stream."""
    return named(stream.get("DestinationKind", "s3"))


def named(kind: str) -> Destination:
    assert kind in DESTINATIONS
    return cast(Destination, import_module(f"{__name__}.{kind}"))


def given(request: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(kind, configuration) of each destination that a CreateDeliveryStream request names."""
    _refuse(request, NOT_BUILT)
    return [(kind, request[name]) for kind in DESTINATIONS for name in named(kind).CONFIGURATIONS if name in request]


def given_updates(request: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(kind, changes) of each destination that an UpdateDestination request names."""
    _refuse(request, NOT_BUILT_UPDATES)
    return [(kind, request[name]) for kind in DESTINATIONS for name in named(kind).UPDATES if name in request]


def _refuse(request: dict[str, Any], members: tuple[str, ...]) -> None:
    for member in members:
        if member in request:
            raise NotImplemented501(f"Firehose {member}")
