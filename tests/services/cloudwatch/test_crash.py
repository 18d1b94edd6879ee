"""kill -9: what was put is there afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pocketlake import spawned

from .conftest import put, statistics


@pytest.mark.claim("CW-611")
def test_what_was_put_before_a_kill_is_in_the_sums_after_it(tmp_path: Path) -> None:
    lake = spawned.start(tmp_path / "lake")
    begun = datetime.now(UTC)
    try:
        cloudwatch = lake.client("cloudwatch")
        for _ in range(50):
            put(cloudwatch, 1, 2)
        lake.kill()
        lake = spawned.start(tmp_path / "lake")
        asked = {"StartTime": begun, "EndTime": begun + timedelta(minutes=10)}
        found = statistics(lake.client("cloudwatch"), "Sum", "SampleCount", **asked)
        assert (sum(point["Sum"] for point in found), sum(point["SampleCount"] for point in found)) == (150, 100)
    finally:
        if lake.process.poll() is None:
            lake.stop()
