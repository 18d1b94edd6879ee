"""The caches against a model of them: reads and writes through DAX and beside it, while time passes.

A failing example prints its steps.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from .conftest import TABLE
from .test_item_cache import direct
from .wire_client import UPDATE, WireClient, condition, path, variable

TTL = 300
KEYS = st.sampled_from("abc")
VALUES = st.integers(0, 9)
MISSING = object()
runs = itertools.count()


class CacheMachine(RuleBasedStateMachine):
    """What a read shows must be what the model says, and take capacity exactly when the model asks the table."""

    lake: Any
    table: Any
    client: WireClient

    @initialize()
    def begin(self) -> None:
        self.run = f"run {next(runs)} "  # keys of its own: the table and the cluster are those of all runs
        self.now = 0.0
        self.stored: dict[str, int] = {}
        self.cached: dict[str, tuple[int | None, float]] = {}

    def entry(self, key: str) -> Any:
        value, since = self.cached.get(key, (MISSING, 0.0))
        return MISSING if value is MISSING or self.now - since >= TTL else value

    @rule(key=KEYS, value=VALUES)
    def put(self, key: str, value: int) -> None:
        self.client.put(TABLE, self.run + key, {"n": value})
        self.stored[key] = value
        self.cached[key] = (value, self.now)

    @rule(key=KEYS, value=VALUES)
    def put_beside(self, key: str, value: int) -> None:
        direct(self.table, self.run + key, n=value)
        self.stored[key] = value

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.client.ask("delete", TABLE.encode(), (self.run + key).encode(), None)
        self.stored.pop(key, None)
        self.cached.pop(key, None)

    @rule(key=KEYS)
    def count(self, key: str) -> None:
        more = condition([[20, path("n"), variable(0)]], 1)
        self.client.ask("update", TABLE.encode(), (self.run + key).encode(), {UPDATE: more})
        self.stored[key] = self.stored.get(key, 0) + 1
        self.cached[key] = (self.stored[key], self.now)

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        known = self.entry(key)
        found, units = self.client.got(TABLE, self.run + key)
        expected = self.stored.get(key) if known is MISSING else known
        assert (found or {}).get("n") == expected
        assert (units is None) == (known is not MISSING)
        if known is MISSING:
            self.cached[key] = (expected, self.now)

    @rule(key=KEYS)
    def get_consistent(self, key: str) -> None:
        found, units = self.client.got(TABLE, self.run + key, consistent=True)
        assert (found or {}).get("n") == self.stored.get(key)
        assert units == 1.0

    @rule(keys=st.lists(KEYS, min_size=1, max_size=3, unique=True))
    def batch_get(self, keys: list[str]) -> None:
        asked = {TABLE: [False, None, [(self.run + key).encode() for key in keys]]}
        (found, _), _ = self.client.ask("batch_get", asked, None)
        flat = found[TABLE]
        shown = {
            key.decode().removeprefix(self.run): self.client.opened(item)["n"]
            for key, item in zip(flat[::2], flat[1::2], strict=True)
        }
        for key in keys:
            known = self.entry(key)
            expected = self.stored.get(key) if known is MISSING else known
            assert shown.get(key) == expected
            if known is MISSING:
                self.cached[key] = (expected, self.now)

    @rule(seconds=st.sampled_from((1, 100, 299, 300)))
    def wait(self, seconds: int) -> None:
        self.lake.clock.advance(seconds)
        self.now += seconds


@pytest.mark.claim("DAX-509")
def test_the_item_cache_is_as_its_model(lake, table, client):
    lake.clock.freeze()
    CacheMachine.lake, CacheMachine.table, CacheMachine.client = lake, table, client
    run_state_machine_as_test(
        CacheMachine,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
