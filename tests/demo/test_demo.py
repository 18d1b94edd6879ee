"""The demo's own parts: events in order, batches, totals by two roads; and a short run of the whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pocketlake.demo import pipeline, source, totals

FLIGHTS = 336_776


@pytest.fixture(scope="module")
def flights() -> bytes:
    return source.flights_csv()


@pytest.fixture(scope="module")
def first_week(flights: bytes) -> list[source.Event]:
    return source.events(flights, days=7)


def test_events_come_in_the_order_of_departure(first_week: list[source.Event]) -> None:
    assert [event.at for event in first_week] == sorted(event.at for event in first_week)


def test_an_event_carries_the_source_row(first_week: list[source.Event]) -> None:
    event = next(event for event in first_week if json.loads(event.data)["event_id"] == 1)
    assert event.at == pipeline.BEGIN.timestamp() + 17 * 60
    assert json.loads(event.data) == {
        "event_id": 1,
        "flight_date": "2013-01-01",
        "scheduled_at": "2013-01-01 10:15:00",
        "departed_at": "2013-01-01 10:17:00",
        "dep_time": 517,
        "sched_dep_time": 515,
        "dep_delay": 2,
        "arr_time": 830,
        "sched_arr_time": 819,
        "arr_delay": 11,
        "carrier": "UA",
        "flight": 1545,
        "tailnum": "N14228",
        "origin": "EWR",
        "dest": "IAH",
        "air_time": 227,
        "distance": 1400,
        "hour": 5,
        "minute": 15,
        "time_hour": "2013-01-01T10:00:00Z",
    }


def test_the_table_has_the_columns_of_the_events(first_week: list[source.Event]) -> None:
    assert [name for name, _ in pipeline.COLUMNS] == list(json.loads(first_week[0].data))


def test_a_cancelled_flight_takes_its_scheduled_place(first_week: list[source.Event]) -> None:
    cancelled = [(event, json.loads(event.data)) for event in first_week if b'"dep_time":null' in event.data]
    assert cancelled
    for event, record in cancelled:
        assert record["departed_at"] is None
        assert event.data.count(b"null") >= 4
        assert event.day == record["flight_date"]


def test_batches_are_as_large_as_a_call_takes_and_end_at_midnight(first_week: list[source.Event]) -> None:
    batches = list(pipeline.batches(first_week))
    assert [event for batch in batches for event in batch] == first_week
    assert max(len(batch) for batch in batches) == pipeline.BATCH
    assert all(len({event.day for event in batch}) == 1 for batch in batches)


def test_both_roads_count_the_same_flights(flights: bytes, first_week: list[source.Event]) -> None:
    expected = totals.of_source(flights, days=7)
    records = [json.loads(event.data) for event in first_week]
    assert expected.flights == len(first_week)
    assert expected.by_day == Counter(event.day for event in first_week)
    assert expected.by_carrier == Counter(record["carrier"] for record in records)
    assert expected.sums["distance"] == sum(record["distance"] for record in records)


def test_the_source_is_whole(flights: bytes) -> None:
    expected = totals.of_source(flights)
    assert expected.flights == FLIGHTS
    assert expected.sums["event_id"] == FLIGHTS * (FLIGHTS + 1) // 2
    assert expected.reference == {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115}


def test_the_demo_runs_to_its_end_and_its_totals_agree(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pocketlake.cli.main",
        "demo",
        "--days",
        "5",
        "--directory",
        str(tmp_path / "lake"),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "all totals agree" in finished.stdout
    assert "pocketlake up --directory" in finished.stdout
