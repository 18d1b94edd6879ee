"""Limits as data, and the bucket that enforces a rate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Quota:
    """One limit of a service: what is counted, how much, in which unit, and where AWS says so.

    `adjustable` ones can be raised on AWS by asking; here by configuration.
    """

    name: str
    value: float
    unit: str
    source: str
    adjustable: bool = False


class TokenBucket:
    """`rate` tokens a second flow in, at most `burst` lie in it. Full at the beginning. Times in seconds."""

    __slots__ = ("burst", "level", "rate", "updated")

    def __init__(self, rate: float, burst: float | None = None, now: float = 0.0) -> None:
        self.rate = rate
        self.burst = rate if burst is None else burst
        self.level = self.burst
        self.updated = now

    def refill(self, now: float) -> float:
        """The tokens there are at `now`. A clock that was set back adds none."""
        elapsed = now - self.updated
        if elapsed > 0:
            self.level = min(self.burst, self.level + elapsed * self.rate)
        self.updated = now
        return self.level

    def take(self, amount: float, now: float) -> bool:
        """Take `amount` if it is there, otherwise nothing."""
        if self.refill(now) + 1e-9 < amount:
            return False
        self.level -= amount
        return True

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` will be there."""
        return max(0.0, (amount - self.refill(now)) / self.rate)
