"""Schedules as Glue writes them: cron(minutes hours day-of-month month day-of-week year), in UTC.

Source: Glue developer guide, "Time-based schedules for jobs and crawlers".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
LAST_YEAR = 2199


class ScheduleError(ValueError):
    """The expression is no schedule."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The values that each field allows. None: any (`*` or `?`). Days of the week count from 1, Sunday."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None
    years: frozenset[int]
    last_day: bool = False  # L in the day of the month

    def next_after(self, moment: float) -> float | None:
        """The first time after `moment` (seconds since 1970); None when the years are over."""
        at = datetime.fromtimestamp(int(moment) // 60 * 60 + 60, UTC)
        while at.year <= LAST_YEAR:
            if at.year not in self.years:
                at = datetime(at.year + 1, 1, 1, tzinfo=UTC)
            elif at.month not in self.months:
                at = _next_month(at)
            elif not self._is_day(at):
                at = at.replace(hour=0, minute=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at += timedelta(minutes=1)
            else:
                return at.timestamp()
        return None

    def _is_day(self, at: datetime) -> bool:
        if self.last_day:
            return (at + timedelta(days=1)).day == 1
        if self.days is not None and at.day not in self.days:
            return False
        return self.weekdays is None or at.isoweekday() % 7 + 1 in self.weekdays


def _next_month(at: datetime) -> datetime:
    return datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)


def parse(expression: str) -> Cron:
    text = expression.strip()
    if not (text.startswith("cron(") and text.endswith(")")):
        raise ScheduleError(f"Schedule expression must be cron(...): {expression!r}")
    fields = text[5:-1].split()
    if len(fields) != 6:
        raise ScheduleError(f"A cron expression has six fields: {expression!r}")
    minutes, hours, days, months, weekdays, years = (field.upper() for field in fields)
    if (days == "?") == (weekdays == "?") and "*" not in (days, weekdays):
        raise ScheduleError(f"Exactly one of day-of-month and day-of-week must be ?: {expression!r}")
    return Cron(
        _values(minutes, 0, 59),
        _values(hours, 0, 23),
        None if days in ("?", "*", "L") else _values(days, 1, 31),
        _values(months, 1, 12, MONTHS),
        None if weekdays in ("?", "*") else _values(weekdays, 1, 7, DAYS),
        _values(years, 1970, LAST_YEAR),
        last_day=days == "L",
    )


def _values(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    """`*`, numbers, names, ranges a-b, steps a/n and */n, lists of these."""
    allowed: set[int] = set()
    for part in field.split(","):
        span, _, step_text = part.partition("/")
        begin, dash, end = span.partition("-")
        if span == "*":
            first, last = low, high
        else:
            first = _number(begin, names)
            last = _number(end, names) if dash else (high if step_text else first)
        step = _number(step_text, ()) if step_text else 1
        if not (low <= first <= high and low <= last <= high and step >= 1):
            raise ScheduleError(f"{part!r} lies outside {low} to {high}")
        allowed.update(range(first, last + 1, step))
    if not allowed:
        raise ScheduleError(f"{field!r} allows no value")
    return frozenset(allowed)


def _number(text: str, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + 1
    if not (text.isascii() and text.isdigit()):
        raise ScheduleError(f"{text!r} is no number")
    return int(text)
