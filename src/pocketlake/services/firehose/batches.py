"""A batch: the records of one delivery on their way from the buffer to a destination, and what becomes of them."""

from __future__ import annotations

import base64
import uuid
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from . import store

if TYPE_CHECKING:
    import pyarrow as pa


class Undelivered(Exception):
    """The destination refuses the batch for now: it is tried again until the destination's retry duration is over.

    `pause` is how many seconds of the lake's clock lie before the next attempt; None: as the service sees fit.
    """

    def __init__(self, code: str, message: str, pause: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.pause = pause


class Unacknowledged(Undelivered):
    """The destination took the batch and has not said yet that it is safe: it is asked again, nothing went wrong."""


class StorageRefused(Undelivered):
    """A bucket refuses an object. That is tried again for as long as Firehose keeps the records, whatever the
    destination's retry duration says."""


@dataclass(slots=True, frozen=True)
class Failed:
    """A record that is given up: it goes to the S3 error prefix, in an envelope that says why.

    `origin` is the record's place in `Batch.source`; `kind` the error output type (processing-failed...), which names
    the folder; `raw` what stands under rawData (None: the record as it arrived); `extra` further members of the
    envelope, such as lambdaArn.
    """

    origin: int
    kind: str
    code: str
    message: str
    attempts: int = 1
    raw: bytes | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Received:
    """How a record came in. `sequence_number` is the shard's, or Firehose's own for direct puts."""

    arrival: float
    sequence_number: str
    subsequence_number: int | None = None
    shard: str = ""
    partition_key: str = ""


class Batch:
    """Columns of equal length, one entry a record, in the order of arrival.

    `data` are the records as processing left them, `origins` the place of each in `source` (None: the same place),
    `query_keys` what the jq query extracted from each, `metadata` what the Lambda function returned beside each.
    `identity` is the same whenever this batch is tried again, after a crash too: objects are named by it.
    `attempt` counts from 1; `since` is when the first one began.

    As long as nothing has touched the records no Python object is made of each: `joined` and `array` do without.
    """

    def __init__(self, stream: str, arrivals: list[store.Arrival], attempt: int, since: float, name: str = "") -> None:
        self.arrivals = arrivals
        self.attempt = attempt
        self.since = since
        self.identity = uuid.uuid5(uuid.UUID(stream), name or str(arrivals[0].sequence))
        self.origins: Sequence[int] | None = None
        self.query_keys: list[dict[str, str]] | None = None
        self.metadata: list[dict[str, Any]] | None = None
        self.is_decompressed = False
        self._data: list[bytes] | None = None
        self._shared: dict[str, list[Any]] = {}  # of this batch and all that were selected from it

    def restored(self) -> Batch:
        """Of records that were kept as processing left them: `source` is what had arrived, where that was kept too."""
        raws = [base64.b64decode(raw) for arrival in self.arrivals for raw in (arrival.origin or {}).get("raws", ())]
        if raws and len(raws) == len(self):
            self._data, self._shared["source"] = self.source, raws
            self.is_decompressed = True
        return self

    @property
    def source(self) -> list[bytes]:
        """The records as they arrived."""
        if "source" not in self._shared:
            self._shared["source"] = [record for arrival in self.arrivals for record in arrival.records()]
        return self._shared["source"]

    @property
    def data(self) -> list[bytes]:
        return self.source if self._data is None else self._data

    def __len__(self) -> int:
        return sum(len(arrival.lengths) for arrival in self.arrivals) if self._data is None else len(self._data)

    def joined(self) -> bytes:
        """All records, one after the other."""
        return b"".join([arrival.payload for arrival in self.arrivals] if self._data is None else self._data)

    def array(self) -> pa.LargeBinaryArray:
        """All records as an Arrow array."""
        import pyarrow as pa

        if self._data is not None:
            return pa.array(self._data, pa.large_binary())
        lengths = [length for arrival in self.arrivals for length in arrival.lengths]
        ends = pa.py_buffer(array("q", accumulate(lengths, initial=0)))
        return pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(lengths), [None, ends, pa.py_buffer(self.joined())]
        )

    @property
    def size(self) -> int:
        """Bytes of all records as they are by now."""
        if self._data is None:
            return sum(len(arrival.payload) for arrival in self.arrivals)
        return sum(map(len, self._data))

    @property
    def oldest(self) -> float:
        """When the batch's first record arrived."""
        return min(arrival.arrival for arrival in self.arrivals)

    def raw(self, index: int) -> bytes | None:
        """What failure envelopes show of a record: as it is by now, but a compressed one as it arrived."""
        return None if self.is_decompressed else self.data[index]

    def origin(self, index: int) -> int:
        return index if self.origins is None else self.origins[index]

    def received(self) -> list[Received]:
        """How each record of `source` came in."""
        if "received" not in self._shared:
            self._shared["received"] = [received for arrival in self.arrivals for received in _received(arrival)]
        return self._shared["received"]

    def select(self, indexes: Sequence[int], data: list[bytes] | None = None) -> Batch:
        """The batch with only these records of it, in this order; `data` takes the place of theirs."""
        part = object.__new__(Batch)
        part.arrivals, part.attempt, part.since, part.identity = self.arrivals, self.attempt, self.since, self.identity
        part.is_decompressed, part._shared = self.is_decompressed, self._shared
        part._data = [self.data[index] for index in indexes] if data is None else data
        part.origins = [self.origin(index) for index in indexes]
        part.query_keys = self.query_keys and [self.query_keys[index] for index in indexes]
        part.metadata = self.metadata and [self.metadata[index] for index in indexes]
        return part


def _received(arrival: store.Arrival) -> list[Received]:
    if origin := arrival.origin:
        columns = (origin["arrivals"], origin["numbers"], origin["subnumbers"], origin["keys"])
        return [
            Received(when, number, subnumber, origin["shard"], key)
            for when, number, subnumber, key in zip(*columns, strict=True)
        ]
    return [Received(arrival.arrival, f"{arrival.sequence:039}{at:017}") for at in range(len(arrival.lengths))]
