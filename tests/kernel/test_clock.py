"""The clock: moved, frozen, run at a rate; what becomes due is done in order before an advance returns."""

import asyncio
import time

import pytest

from pocketlake.kernel.clock import TURN_SECONDS, Clock


def run(test):
    return asyncio.run(test)


async def clock_on_this_loop() -> Clock:
    clock = Clock()
    clock.attach(asyncio.get_running_loop())
    return clock


def test_an_advance_fires_what_becomes_due_in_order_of_time():
    async def scenario():
        clock, fired = await clock_on_this_loop(), []
        await clock.freeze()
        start = clock.now()
        for seconds in (30, 10, 20, 500):
            clock.at(start + seconds, lambda seconds=seconds: fired.append((seconds, clock.now() - start)))
        await clock.advance(60)
        return fired, clock.now() - start

    fired, moved = run(scenario())
    assert fired == [(10, 10), (20, 20), (30, 30)]
    assert moved == 60


def test_an_advance_waits_for_the_work_that_a_timer_began():
    async def scenario():
        clock, done = await clock_on_this_loop(), []

        async def work():
            await asyncio.sleep(0)
            done.append("worked")

        clock.at(clock.now() + 5, lambda: clock.work(work()))
        await clock.advance(10)
        return done

    assert run(scenario()) == ["worked"]


def test_a_timer_set_by_a_timer_within_the_advance_fires_too():
    async def scenario():
        clock, fired = await clock_on_this_loop(), []
        await clock.freeze()

        def again():
            fired.append(clock.now())
            clock.at(clock.now() + 10, again)

        clock.at(clock.now() + 10, again)
        await clock.advance(35)
        return fired

    assert len(run(scenario())) == 3


@pytest.mark.parametrize("is_moved", [True, False])
def test_timers_that_take_long_leave_the_loop_to_others_in_between(is_moved):
    async def scenario():
        clock, fired, turns = await clock_on_this_loop(), [], []

        def busy(number):
            fired.append(number)
            turns[-1] += 1
            until = time.perf_counter() + TURN_SECONDS / 3
            while time.perf_counter() < until:
                pass

        def turn():
            turns.append(0)
            asyncio.get_running_loop().call_soon(turn)

        turn()
        start = clock.now()
        for number in range(30):
            clock.at(start + (5 if is_moved else 0), lambda number=number: busy(number))
        await clock.advance(10 if is_moved else 0)
        return fired, max(turns)

    fired, most_in_a_turn = run(scenario())
    assert fired == list(range(30))
    assert most_in_a_turn <= 4


def test_a_frozen_clock_still_fires_what_is_due_now():
    async def scenario():
        clock, fired = await clock_on_this_loop(), asyncio.Event()
        await clock.freeze()
        clock.at(clock.now(), fired.set)
        await asyncio.wait_for(fired.wait(), 5)
        return fired.is_set()

    assert run(scenario())


def test_timers_fire_by_themselves_when_the_clock_runs():
    async def scenario():
        clock, fired = await clock_on_this_loop(), asyncio.Event()
        await clock.run(1000.0)
        clock.at(clock.now() + 20, fired.set)
        await asyncio.wait_for(fired.wait(), 5)
        return fired.is_set()

    assert run(scenario())


def test_an_advance_leaves_later_timers_to_real_time():
    async def scenario():
        clock, fired = await clock_on_this_loop(), asyncio.Event()
        clock.at(clock.now() + 100.02, fired.set)
        await clock.advance(100)
        assert not fired.is_set()
        await asyncio.wait_for(fired.wait(), 5)
        return True

    assert run(scenario())


def test_set_goes_back_without_firing():
    async def scenario():
        clock, fired = await clock_on_this_loop(), []
        await clock.freeze()
        start = clock.now()
        clock.at(start + 5, lambda: fired.append(1))
        await clock.set(start - 3600)
        return fired, clock.now() - start

    assert run(scenario()) == ([], -3600)


def test_an_advance_is_forward():
    async def scenario():
        clock = await clock_on_this_loop()
        with pytest.raises(ValueError, match="forward"):
            await clock.advance(-1)

    run(scenario())
