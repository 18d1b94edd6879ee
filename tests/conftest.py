"""Remembers, in pytest's cache, what became of the tests that prove claims: `pocketlake claims` reads it.

Tests may run in several processes (xdist): what a test proves travels with its report to the one that collects them.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from pocketlake.claims import RESULTS_KEY

# A busy machine is no fault of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SEVERITY = {"failed": 0, "skipped": 1, "passed": 2}


class Outcomes:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.by_test: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = getattr(report, "proving", None)
        if test is not None and (report.when == "call" or report.outcome != "passed"):
            verdict = "failed" if hasattr(report, "wasxfail") else report.outcome
            # One bad case is enough: a parametrised test proves its claim with all of its cases.
            self.by_test[test] = min(self.by_test.get(test, "passed"), verdict, key=SEVERITY.__getitem__)

    def pytest_sessionfinish(self) -> None:
        cache = getattr(self.config, "cache", None)  # there is none with -p no:cacheprovider
        if self.by_test and cache is not None:
            known = cache.get(RESULTS_KEY, {})
            cache.set(RESULTS_KEY, {**known, **self.by_test})


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    if any(item.iter_markers("claim")):
        report.proving = item.nodeid.partition("[")[0]
    return report
