from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def iam(lake: Any) -> Any:
    return lake.client("iam")
