"""What one shard lets through: pure rules over a clock that is handed in.

Rates are token buckets that hold one second's worth and fill continuously, so a rested shard takes exactly a second's
worth at once, and never more than rate x time + one second's worth.
"""

from __future__ import annotations

from pocketlake.kernel.quotas import TokenBucket

from . import quotas


class WriteLimit:
    """1 MiB/s and 1,000 records/s, both at once.  [KDS-008, KDS-513, KDS-523]

    Where the stream allows records larger than 1 MiB, so much may come in one burst; the mean stays at 1 MiB/s.
    Source: developer guide, "Large records".
    """

    __slots__ = ("_bytes", "_records")

    def __init__(self, now: float, largest_record: int = 0) -> None:
        self._records = TokenBucket(quotas.WRITE_RECORDS.value, now=now)
        self._bytes = TokenBucket(quotas.WRITE_BYTES.value, max(quotas.WRITE_BYTES.value, largest_record), now=now)

    def take(self, size: int, now: float) -> bool:
        """One record of `size` bytes (key and data)."""
        if self._records.refill(now) + 1e-9 < 1 or not self._bytes.take(size, now):
            return False
        self._records.level -= 1
        return True


class ReadLimit:
    """5 calls/s and 2 MiB/s; one call may take 10 MiB, and then the shard is silent for 5 s.  [KDS-550, KDS-551]

    A call is let in while the bucket is not overdrawn and may overdraw it by its page; an overdrawn bucket stays shut
    until it is full again. So 10 MiB shut a rested shard for exactly 5 s, 3 MiB for 1.5 s.
    """

    __slots__ = ("_bytes", "_calls", "_shut")

    def __init__(self, now: float) -> None:
        self._calls = TokenBucket(quotas.READ_CALLS.value, now=now)
        self._bytes = TokenBucket(quotas.READ_BYTES.value, now=now)
        self._shut = False

    def admit(self, now: float) -> bool:
        if self._shut and self._bytes.refill(now) + 1e-3 < self._bytes.burst:
            return False
        self._shut = False
        return self._calls.take(1, now)

    def charge(self, size: int, now: float) -> None:
        self._bytes.refill(now)
        self._bytes.level -= size
        self._shut = self._bytes.level < 0
