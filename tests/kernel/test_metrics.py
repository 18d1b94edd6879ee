"""Meters: what they count is written minute by minute, once, and nothing wakes an idle lake."""

import asyncio

import pytest

from pocketlake.kernel.access import Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.config import Config
from pocketlake.kernel.lake import Lake
from pocketlake.kernel.metrics import LONGEST_NAP, MEASURES_A_TURN, Family, Meter
from pocketlake.kernel.service import Service
from pocketlake.kernel.spread import EXACT, Spread, merged

NOON = 1_709_640_000.0
FAMILY = Family("App", {"size": "Bytes", "depth": "Count"})


def keeping() -> Service:
    """Keeps what it is handed in a table, in the place of CloudWatch; fails as often as it is told to."""
    service = Service(
        "cloudwatch", ["CREATE TABLE kept (name TEXT, minute INTEGER, metric TEXT, count REAL, sum REAL)"]
    )

    @service.keeper
    def keep(call, measured):
        call.lake.most_at_once = max(len(measured), getattr(call.lake, "most_at_once", 0))
        for one in measured:
            for metric, spread in one.figures.items():
                row = (one.dimensions.get("name", ""), (one.minute - int(NOON)) // 60, metric, spread.count, spread.sum)
                call.db.execute("INSERT INTO kept VALUES (?, ?, ?, ?, ?)", row)
        if call.lake.__dict__.setdefault("failures", 0):
            call.lake.failures -= 1
            raise RuntimeError("told to")

    return service


async def open_lake(directory) -> tuple[Lake, Call]:
    lake = Lake(Config(directory=directory))
    service = keeping()
    lake.store.migrate("kept", service.migrations)
    lake._services["cloudwatch"] = service
    lake.start(asyncio.get_running_loop())
    await lake.clock.freeze()
    await lake.clock.set(NOON)
    return lake, Call(lake, service, "1" * 12, "us-east-1", "test", Principal.root("1" * 12, "key"), "id")


def whoever(_: Meter) -> bool:
    return True


def kept(lake: Lake) -> list[tuple]:
    return lake.store.rows("SELECT * FROM kept ORDER BY name, minute, metric, count")


def test_values_are_written_in_the_minute_in_which_they_came(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        meter = lake.metrics.meter(call, FAMILY, {"name": "a"})
        meter.add("size", 1, call.now)
        meter.add("size", 2, call.now)
        await lake.clock.advance(59)
        assert kept(lake) == []
        meter.add("size", 4, call.now)
        await lake.clock.advance(1)
        assert kept(lake) == [("a", 0, "size", 3.0, 7.0)]
        meter.add("size", 8, call.now)
        await lake.clock.advance(3600)
        assert kept(lake)[1:] == [("a", 1, "size", 1.0, 8.0)]
        await lake.close()

    asyncio.run(scenario())


def test_an_idle_lake_has_nothing_to_wake_for(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        meter = lake.metrics.meter(call, FAMILY)
        assert lake.clock._next_due() == float("inf")
        meter.add("size", 1, call.now)
        assert lake.clock._next_due() == NOON + 60
        await lake.clock.advance(365 * 86400)
        assert lake.clock._next_due() == float("inf")
        assert len(kept(lake)) == 1
        await lake.close()

    asyncio.run(scenario())


def test_what_could_not_be_written_is_written_later_and_once(tmp_path, caplog):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        meter = lake.metrics.meter(call, FAMILY, {"name": "a"})
        lake.failures = 2
        meter.add("size", 1, call.now)
        await lake.clock.advance(60)
        assert kept(lake) == []
        meter.add("size", 2, call.now)
        await lake.clock.advance(300)
        assert kept(lake) == [("a", 0, "size", 1.0, 1.0), ("a", 1, "size", 1.0, 2.0)]
        await lake.close()

    asyncio.run(scenario())
    assert "a timer failed" in caplog.text


def test_a_reader_whose_call_is_taken_back_loses_nothing(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        lake.metrics.meter(call, FAMILY).add("size", 1, call.now)
        with pytest.raises(ValueError, match="no"), call.transaction():
            lake.metrics.ask(whoever)
            assert len(kept(lake)) == 1
            raise ValueError("no")
        assert kept(lake) == []
        lake.metrics.ask(whoever)
        assert len(kept(lake)) == 1
        await lake.close()

    asyncio.run(scenario())


def test_many_meters_are_written_turn_by_turn(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        count = MEASURES_A_TURN * 2 + 1
        for at in range(count):
            lake.metrics.meter(call, FAMILY, {"name": str(at)}).add("size", at, call.now)
        await lake.clock.advance(60)
        assert len(kept(lake)) == count
        assert lake.most_at_once == MEASURES_A_TURN
        await lake.close()

    asyncio.run(scenario())


def test_gauges_of_quiet_minutes_are_read_afterwards_until_they_are_zero(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        meter = lake.metrics.meter(call, FAMILY, {"name": "a"})
        meter.naps = True
        meter.gauges = lambda at: {"depth": max(0, 5 - (at - NOON) // 60)}
        meter.add("size", 1, call.now)
        await lake.clock.advance(600)
        lake.metrics.ask(whoever)
        depths = [(minute, total) for _, minute, metric, _, total in kept(lake) if metric == "depth"]
        assert depths == [(0, 4.0), (1, 3.0), (2, 2.0), (3, 1.0)]
        assert lake.clock._next_due() == float("inf")
        await lake.close()

    asyncio.run(scenario())


def test_a_gauge_is_read_once_a_minute_whether_it_slept_or_not(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        meter = lake.metrics.meter(call, FAMILY, {"name": "a"})
        meter.naps = True
        meter.gauges = lambda at: {"depth": 1.0}
        meter.add("size", 1, call.now)
        await lake.clock.advance(180)
        meter.add("size", 1, call.now)
        lake.metrics.ask(whoever)
        depths = [(minute, count) for _, minute, metric, count, _ in kept(lake) if metric == "depth"]
        assert depths == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)]
        await lake.close()

    asyncio.run(scenario())


def test_an_emptied_lake_has_forgotten_who_sleeps(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        meter = lake.metrics.meter(call, FAMILY, {"name": "a"})
        meter.naps = True
        meter.gauges = lambda at: {"depth": 1.0}
        meter.add("size", 1, call.now)
        await lake.clock.advance(60)
        await lake.reset()
        lake.metrics.ask(whoever)
        assert kept(lake) == []
        await lake.close()

    asyncio.run(scenario())


def test_a_reader_wakes_only_what_it_reads(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        for name in "ab":
            meter = lake.metrics.meter(call, FAMILY, {"name": name})
            meter.naps = True
            meter.gauges = lambda at: {"depth": 1.0}
            meter.add("size", 1, call.now)
        await lake.clock.advance(600)
        lake.metrics.ask(lambda meter: meter.dimensions == {"name": "a"})
        minutes = [name for name, _, metric, _, _ in kept(lake) if metric == "depth"]
        assert (minutes.count("a"), minutes.count("b")) == (11, 1)
        await lake.close()

    asyncio.run(scenario())


def test_meters_that_slept_long_are_written_turn_by_turn_as_well(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        meters = [lake.metrics.meter(call, FAMILY, {"name": name}) for name in "abc"]
        for meter in meters:
            meter.naps = True
            meter.gauges = lambda at: {"depth": 1.0}
            meter.add("size", 1, call.now)
        await lake.clock.advance(2 * 86_400)
        for meter in meters:
            meter.add("size", 1, call.now)
        await lake.clock.advance(60)
        assert LONGEST_NAP < lake.most_at_once <= LONGEST_NAP + 1
        assert [name for name, *_ in kept(lake)].count("c") > LONGEST_NAP
        await lake.close()

    asyncio.run(scenario())


def test_what_is_counted_when_the_lake_closes_is_written(tmp_path):
    async def scenario():
        lake, call = await open_lake(tmp_path)
        lake.metrics.meter(call, FAMILY).add("size", 1, call.now)
        await lake.close()
        lake, _ = await open_lake(tmp_path)
        assert len(kept(lake)) == 1
        await lake.close()

    asyncio.run(scenario())


def test_many_values_stay_right_to_two_percent():
    values = [float(at % 9973 + 1) for at in range(100_000)] + [-5.0, 0.0, 0.0]
    whole = merged(Spread(values[:50_000]), None, Spread(values[50_000:]))
    assert (whole.count, whole.sum, whole.least, whole.most) == (len(values), sum(values), -5.0, max(values))
    assert whole.counts is not None
    assert sum(whole.counts.values()) == len(values)
    assert (whole.counts[-5.0], whole.counts[0.0]) == (1, 2)
    middle = sorted(values)[len(values) // 2]
    passed, found = 0.0, 0.0
    for value, times in sorted(whole.counts.items()):
        passed, found = passed + times, value
        if passed >= len(values) / 2:
            break
    assert found == pytest.approx(middle, rel=0.02)


def test_few_values_stay_exact():
    spread = Spread([float(at % EXACT) for at in range(10_000)])
    assert spread.counts is not None
    assert set(spread.counts) == {float(at) for at in range(EXACT)}
