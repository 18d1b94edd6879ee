"""Cron schedules: when they are due."""

from datetime import UTC, datetime

import pytest

from pocketlake.kernel.schedules import ScheduleError, parse, parse_any, zone

CASES = [
    ("cron(0/5 * * * ? *)", "2024-01-01 00:00:30", "2024-01-01 00:05"),
    ("cron(0/5 * * * ? *)", "2024-01-01 00:05:00", "2024-01-01 00:10"),
    ("cron(15 12 * * ? *)", "2024-01-01 12:15:00", "2024-01-02 12:15"),
    ("cron(0 18 ? * MON-FRI *)", "2024-01-05 18:00:00", "2024-01-08 18:00"),
    ("cron(0 8 1 * ? *)", "2024-12-02 00:00:00", "2025-01-01 08:00"),
    ("cron(0 0 29 2 ? *)", "2024-03-01 00:00:00", "2028-02-29 00:00"),
    ("cron(0 0 L * ? *)", "2024-02-01 00:00:00", "2024-02-29 00:00"),
    ("cron(10,20 8-9 ? JAN,MAR SUN 2024-2025)", "2024-01-01 00:00:00", "2024-01-07 08:10"),
    ("cron(*/15 * * * * *)", "2024-01-01 00:01:00", "2024-01-01 00:15"),
    ("cron(0 5 ? * 2#1 *)", "2024-01-02 00:00:00", "2024-02-05 05:00"),
    ("cron(0 5 ? * 6L *)", "2024-01-02 00:00:00", "2024-01-26 05:00"),
    ("cron(0 5 15W * ? *)", "2024-06-01 00:00:00", "2024-06-14 05:00"),
    ("cron(0 5 1W * ? *)", "2024-06-01 00:00:00", "2024-06-03 05:00"),
    ("cron(0 1 ? * * *)", "2024-06-01 00:00:00", "2024-06-01 01:00"),
]


@pytest.mark.parametrize(("expression", "after", "due"), CASES)
def test_the_next_time(expression: str, after: str, due: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    found = parse(expression).next_after(moment)
    assert found is not None
    assert datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%d %H:%M") == due


def test_a_schedule_can_be_over() -> None:
    assert parse("cron(0 0 1 1 ? 2020)").next_after(1_700_000_000) is None


@pytest.mark.parametrize("text", ["cron(0 5 * * ? *)", "rate(5 minutes)"])
@pytest.mark.parametrize("moment", [1e17, 253_402_300_799.0, 7_258_118_400.0])
def test_nothing_is_due_beyond_the_last_year(text: str, moment: float) -> None:
    assert parse_any(text).next_after(moment) is None


def test_a_rate_may_be_too_slow_to_come_round() -> None:
    assert parse_any("rate(999999999999 days)").next_after(1_700_000_000) is None


def test_a_moment_before_1970_is_as_good_as_1970() -> None:
    assert parse("cron(0 5 * * ? *)").next_after(-1e17) == 5 * 3600


@pytest.mark.parametrize("text", [f"rate({'9' * 400} days)", "rate(\u0663 days)", f"cron({'1' * 5000} 5 * * ? *)"])
def test_numbers_that_no_schedule_has(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_any(text)


@pytest.mark.parametrize(
    "text", ["", "rate(5 minutes)", "cron(* * * *)", "cron(60 * * * ? *)", "cron(0 0 1 1 MON *)", "cron(x * * * ? *)",
             "cron(0 0 ? * ? *)", "cron(*/0 * * * ? *)"]
)  # fmt: skip
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse(text)


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2024-03-30 12:00", "2024-03-31 01:30"),  # 02:30 is skipped that night: an hour later by the clock
        ("2024-10-26 12:00", "2024-10-27 00:30"),  # comes twice that night, and counts once
        ("2024-10-27 00:30", "2024-10-28 01:30"),
    ],
)
def test_by_the_clocks_of_a_place(after: str, due: str) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    found = parse("cron(30 2 * * ? *)").next_after(moment, zone("Europe/Berlin"))
    assert found is not None
    assert datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%d %H:%M") == due


def test_rates() -> None:
    assert parse_any("rate(12 hours)").next_after(1000.0) == 1000.0 + 12 * 3600
    assert parse_any("rate(1 day)").next_after(0.0) == 86_400
    for text in ("rate(1 days)", "rate(2 day)", "rate(0 hours)", "rate(5)"):
        with pytest.raises(ScheduleError):
            parse_any(text)


def test_no_such_zone() -> None:
    with pytest.raises(ScheduleError):
        zone("Mars/Olympus")
