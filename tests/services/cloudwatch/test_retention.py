"""What becomes of datapoints with time."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pocketlake.embedded import run

from .conftest import START, put, statistics


def sums(cloudwatch: Any, seconds: int, minutes: int = 10) -> list[tuple[float, float]]:
    """Seconds after noon, and the sum, of each period of the minutes from noon on."""
    asked = {"StartTime": START, "EndTime": START + timedelta(minutes=minutes), "Period": seconds}
    return [
        ((point["Timestamp"] - START).total_seconds(), point["Sum"]) for point in statistics(cloudwatch, "Sum", **asked)
    ]


@pytest.mark.claim("CW-604")
def test_seconds_last_three_hours_and_minutes_go_on(lake: Any, cloudwatch: Any) -> None:
    for second in (0, 1, 7, 61):
        put(cloudwatch, 1, at=START + timedelta(seconds=second), StorageResolution=1)
    assert sums(cloudwatch, 1) == [(0, 1), (1, 1), (7, 1), (61, 1)]
    assert sums(cloudwatch, 5) == [(0, 2), (5, 1), (60, 1)]
    lake.clock.advance(hours=2, minutes=59)
    assert sums(cloudwatch, 60) == [(0, 3), (60, 1)]
    assert sums(cloudwatch, 30) == [(0, 3), (60, 1)]
    lake.clock.advance(minutes=10)
    assert sums(cloudwatch, 30) == []
    assert sums(cloudwatch, 60) == [(0, 3), (60, 1)]


@pytest.mark.claim("CW-604")
def test_minutes_become_five_and_these_hours_and_hours_go(lake: Any, cloudwatch: Any) -> None:
    for minute in range(10):
        put(cloudwatch, minute, at=START + timedelta(minutes=minute))
    lake.clock.advance(days=14, hours=23)
    assert len(sums(cloudwatch, 60)) == 10
    lake.clock.advance(hours=2)
    assert sums(cloudwatch, 60) == []
    assert sums(cloudwatch, 300) == [(0, 10), (300, 35)]
    lake.clock.advance(days=47)
    assert sums(cloudwatch, 300) == [(0, 10), (300, 35)]
    lake.clock.advance(days=2)
    assert sums(cloudwatch, 300) == []
    assert sums(cloudwatch, 3600, 60) == [(0, 45)]
    lake.clock.advance(days=390)
    assert sums(cloudwatch, 3600, 60) == [(0, 45)]
    lake.clock.advance(days=3)
    assert sums(cloudwatch, 3600, 60) == []


@pytest.mark.claim("CW-604")
def test_percentiles_outlive_the_minutes(lake: Any, cloudwatch: Any) -> None:
    put(cloudwatch, *range(1, 101))
    lake.clock.advance(days=30)
    asked = {"Period": 3600, "StartTime": START, "EndTime": START + timedelta(hours=1)}
    (point,) = statistics(cloudwatch, ExtendedStatistics=["p90"], **asked)
    assert point["ExtendedStatistics"]["p90"] == 90


def test_old_datapoints_leave_the_disk(tmp_path: Path) -> None:
    """And with its last one the metric."""

    def kept() -> list[int]:
        with sqlite3.connect(tmp_path / "lake.sqlite") as db:
            return [
                db.execute(f"SELECT count(*) FROM cloudwatch_{what}").fetchone()[0] for what in ("metrics", "points")
            ]

    with run(tmp_path) as lake:
        lake.clock.freeze(START)
        cloudwatch = lake.client("cloudwatch")
        for minute in range(10):
            put(cloudwatch, minute, at=START + timedelta(minutes=minute))
        assert kept() == [1, 10]
        lake.clock.advance(days=17)
        assert kept() == [1, 2]
        lake.clock.advance(days=50)
        assert kept() == [1, 1]
        lake.clock.advance(days=400)
        assert kept() == [0, 0]
        put(cloudwatch, 5)
        later = START + timedelta(days=467)
        found = statistics(cloudwatch, "Sum", StartTime=later, EndTime=later + timedelta(minutes=1))
        assert [point["Sum"] for point in found] == [5.0]
