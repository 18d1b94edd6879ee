"""Remembers, in pytest's cache, what became of the tests that prove claims: `pocketlake claims` reads it."""

from __future__ import annotations

import pytest

from pocketlake.claims import RESULTS_KEY

OUTCOMES = pytest.StashKey[dict[str, str]]()
NAMING = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = {}
    config.stash[NAMING] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.iter_markers("claim")):
            config.stash[NAMING][item.nodeid] = item.nodeid.partition("[")[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    test = item.config.stash[NAMING].get(item.nodeid)
    if test is not None and (report.when == "call" or report.outcome != "passed"):
        outcomes = item.config.stash[OUTCOMES]
        verdict = "failed" if hasattr(report, "wasxfail") else report.outcome
        # One bad case is enough: a parametrised test proves its claim with all of its cases.
        worst = {"failed": 0, "skipped": 1, "passed": 2}
        outcomes[test] = min(outcomes.get(test, "passed"), verdict, key=worst.__getitem__)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    outcomes = session.config.stash[OUTCOMES]
    if outcomes and session.config.cache is not None:
        known = session.config.cache.get(RESULTS_KEY, {})
        session.config.cache.set(RESULTS_KEY, {**known, **outcomes})
