"""The `lake` fixture: a lake a test can use, empty, its clock running with the machine.

One server serves the whole session (`lake_server`); `lake` empties it before each test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pocketlake.embedded import EmbeddedLake


@pytest.fixture(scope="session")
def lake_server() -> Iterator[EmbeddedLake]:
    """The session's lake, as it was left by whoever used it last."""
    from pocketlake.embedded import run

    with run() as lake:
        yield lake


@pytest.fixture
def lake(lake_server: EmbeddedLake) -> EmbeddedLake:
    """An empty lake."""
    lake_server.reset()
    return lake_server
