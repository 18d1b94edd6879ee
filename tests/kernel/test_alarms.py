"""Alarms are durable: they fire after a restart, once, and their writes stand or fall with them."""

import asyncio

import pytest

from pocketlake.kernel.access import Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.config import Config
from pocketlake.kernel.lake import Lake
from pocketlake.kernel.service import Service


def bells() -> Service:
    service = Service("bells", ["CREATE TABLE bells_rung (key TEXT)"])

    @service.alarm
    def ring(call, key):
        call.db.execute("INSERT INTO bells_rung VALUES (?)", (key,))
        if key == "broken" and not call.memory.setdefault("failed", False):
            call.memory["failed"] = True
            raise RuntimeError("once")

    @service.alarm
    async def ring_slowly(call, key):
        await asyncio.sleep(0)
        call.memory["running"] = call.memory.get("running", 0) + 1
        assert call.memory["running"] == 1
        await asyncio.sleep(0)
        with call.transaction():
            call.db.execute("INSERT INTO bells_rung VALUES (?)", (key,))
            if key == "twice" and len(rung(call.lake)) < 2:
                call.alarms.set(ring_slowly, key, call.now)
        call.memory["running"] -= 1

    return service


def open_lake(directory) -> Lake:
    lake = Lake(Config(directory=directory))
    service = bells()
    lake.store.migrate("bells", service.migrations)
    lake._services["bells"] = service
    lake.start(asyncio.get_running_loop())
    return lake


def call_of(lake: Lake) -> Call:
    return Call(lake, lake.service("bells"), "1" * 12, "us-east-1", "test", Principal.root("1" * 12, "key"), "id")


def rung(lake: Lake) -> list[str]:
    return [key for (key,) in lake.store.rows("SELECT key FROM bells_rung")]


def test_an_alarm_set_before_a_restart_fires_after_it(tmp_path):
    async def scenario():
        lake = open_lake(tmp_path)
        await lake.clock.freeze()
        call = call_of(lake)
        call.alarms.set("ring", "a", call.now + 60)
        await lake.close()
        lake = open_lake(tmp_path)
        before = rung(lake)
        await lake.clock.advance(61)
        after = rung(lake)
        await lake.clock.advance(1000)
        assert rung(lake) == after
        await lake.close()
        return before, after

    assert asyncio.run(scenario()) == ([], ["a"])


def test_a_handler_that_fails_leaves_nothing_and_is_tried_again(tmp_path):
    async def scenario():
        lake = open_lake(tmp_path)
        await lake.clock.freeze()
        call = call_of(lake)
        call.alarms.set("ring", "broken", call.now + 1)
        await lake.clock.advance(1.5)
        first = rung(lake)
        await lake.clock.advance(10)
        second = rung(lake)
        await lake.close()
        return first, second

    assert asyncio.run(scenario()) == ([], ["broken"])


def test_a_waiting_handler_may_set_its_own_alarm_and_never_overlaps_itself(tmp_path):
    async def scenario():
        lake = open_lake(tmp_path)
        await lake.clock.freeze()
        call = call_of(lake)
        call.alarms.set("ring_slowly", "twice", call.now)
        await lake.clock.advance(1)
        found = rung(lake), lake.store.one("SELECT count(*) FROM alarms")
        await lake.close()
        return found

    assert asyncio.run(scenario()) == (["twice", "twice"], (0,))


def test_an_alarm_of_a_call_that_is_taken_back_does_not_fire(tmp_path):
    async def scenario():
        lake = open_lake(tmp_path)
        await lake.clock.freeze()
        call = call_of(lake)
        with pytest.raises(RuntimeError), call.transaction():
            call.alarms.set("ring", "a", call.now + 1)
            raise RuntimeError
        await lake.clock.advance(10)
        found = rung(lake)
        await lake.close()
        return found

    assert asyncio.run(scenario()) == []


def test_a_notified_topic_wakes_its_watchers_once_after_their_delay(tmp_path):
    async def scenario():
        lake = open_lake(tmp_path)
        await lake.clock.freeze()
        call = call_of(lake)
        call.watches.add("topic", "ring", "w", delay=5.0)
        for _ in range(10):
            call.notify("topic")
        await lake.clock.advance(4)
        early = rung(lake)
        await lake.clock.advance(2)
        late = rung(lake)
        call.watches.remove("topic", "ring", "w")
        call.notify("topic")
        await lake.clock.advance(60)
        after = rung(lake)
        await lake.close()
        return early, late, after

    assert asyncio.run(scenario()) == ([], ["w"], ["w"])


def test_the_clock_keeps_its_time_over_a_restart(tmp_path):
    async def scenario():
        lake = open_lake(tmp_path)
        await lake.clock.freeze()
        await lake.clock.set(1_357_000_000.0)
        await lake.close()
        lake = open_lake(tmp_path)
        now, rate = lake.clock.now(), lake.clock.rate
        await lake.close()
        return now, rate

    assert asyncio.run(scenario()) == (1_357_000_000.0, 0.0)
