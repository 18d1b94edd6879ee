"""Schedules as AWS writes them: cron(minutes hours day-of-month month day-of-week year), and rate(5 hours).

Sources: Glue developer guide, "Time-based schedules for jobs and crawlers"; EventBridge Scheduler user guide, "Schedule
types".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
LAST_YEAR = 2199
END = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()  # no schedule is due later
RATE = re.compile(r"rate\(\s*([0-9]{1,12})\s+(minute|hour|day)(s?)\s*\)")
MOST_DIGITS = 4  # of a number in a cron expression: a year
UNITS = {"minute": 60, "hour": 3600, "day": 86_400}


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
    nth: tuple[int, int] | None = None  # 3#2 and 6L in the day of the week: which day, which of the month; 0: the last
    near: int | None = None  # 15W in the day of the month: the weekday that lies nearest to it

    def next_after(self, moment: float, zone: tzinfo = UTC) -> float | None:
        """The first time after `moment` (seconds since 1970) by the clocks of `zone`; None when the years are over."""
        if moment >= END:
            return None
        at = datetime.fromtimestamp(int(max(moment, 0.0)) // 60 * 60 + 60, zone).replace(fold=0)
        while at.year <= LAST_YEAR:
            if at.year not in self.years:
                at = datetime(at.year + 1, 1, 1, tzinfo=zone)
            elif at.month not in self.months:
                at = _next_month(at)
            elif not self._is_day(at):
                at = at.replace(hour=0, minute=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0) + timedelta(hours=1)
            elif at.minute not in self.minutes or at.timestamp() <= moment:  # an hour that the clocks show twice
                at += timedelta(minutes=1)
            else:
                return at.timestamp()
        return None

    def _is_day(self, at: datetime) -> bool:
        if self.last_day:
            return (at + timedelta(days=1)).day == 1
        if self.near is not None:
            return at.day == _nearest_weekday(at, self.near)
        if self.nth is not None:
            weekday, which = self.nth
            is_nth = (at + timedelta(days=7)).month != at.month if which == 0 else (at.day - 1) // 7 + 1 == which
            return at.isoweekday() % 7 + 1 == weekday and is_nth
        if self.days is not None and at.day not in self.days:
            return False
        return self.weekdays is None or at.isoweekday() % 7 + 1 in self.weekdays


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so many seconds."""

    seconds: float

    def next_after(self, moment: float, zone: tzinfo = UTC) -> float | None:
        due = moment + self.seconds
        return due if due < END else None


def _next_month(at: datetime) -> datetime:
    return datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=at.tzinfo)


def _nearest_weekday(at: datetime, day: int) -> int:
    """The day of the month, Monday to Friday, that lies nearest to `day` without leaving the month."""
    last = (_next_month(at) - timedelta(days=1)).day
    wanted = at.replace(day=min(day, last))
    shift = {6: -1 if wanted.day > 1 else 2, 7: 1 if wanted.day < last else -2}.get(wanted.isoweekday(), 0)
    return wanted.day + shift


def parse_rate(expression: str) -> Rate:
    match = RATE.fullmatch(expression.strip())
    if match is None or int(match[1]) < 1 or (int(match[1]) == 1) == (match[3] == "s"):
        raise ScheduleError(f"A rate has the form rate(5 minutes) or rate(1 day): {expression!r}")
    return Rate(float(int(match[1]) * UNITS[match[2]]))


def parse_any(expression: str) -> Cron | Rate:
    return parse_rate(expression) if expression.lstrip().startswith("rate(") else parse(expression)


def zone(name: str) -> tzinfo:
    """ScheduleError when there is no such time zone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ScheduleError(f"{name!r} is no time zone") from None


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
    near, nth = _near(days), _nth(weekdays)
    return Cron(
        _values(minutes, 0, 59),
        _values(hours, 0, 23),
        None if days in ("?", "*", "L") or near else _values(days, 1, 31),
        _values(months, 1, 12, MONTHS),
        None if weekdays in ("?", "*") or nth else _values(weekdays, 1, 7, DAYS),
        _values(years, 1970, LAST_YEAR),
        last_day=days == "L",
        nth=nth,
        near=near,
    )


def _near(days: str) -> int | None:
    """15W."""
    if not days.endswith("W"):
        return None
    return _one(days[:-1], 1, 31)


def _nth(weekdays: str) -> tuple[int, int] | None:
    """3#2, FRI#1 and 6L."""
    day, sharp, which = weekdays.partition("#")
    if sharp:
        return _one(day, 1, 7, DAYS), _one(which, 1, 5)
    if weekdays.endswith("L") and len(weekdays) > 1:
        return _one(weekdays[:-1], 1, 7, DAYS), 0
    return None


def _one(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> int:
    number = _number(field, names)
    if not low <= number <= high:
        raise ScheduleError(f"{field!r} lies outside {low} to {high}")
    return number


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
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise ScheduleError(f"{text!r} is no number")
    return int(text)
