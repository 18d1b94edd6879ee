"""Where a client's packages lie: its own Python, or the folder of its jars or modules."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pocketlake.embedded import EmbeddedLake
from scripts import clients, runtimes

MINUTES = ("kcl",)  # of the clients in Python


@pytest.fixture(scope="session")
def packages_of() -> Callable[[str], Path]:
    """Makes them first where POCKETLAKE_CLIENTS=1; without them the test is skipped, and says so."""

    def packages_of(client: str) -> Path:
        of = clients if client in clients.ALL else runtimes
        if of is runtimes and (program := runtimes.missing(client)):
            pytest.skip(f"NOT TESTED: {client} needs {program}, which is not on this machine")
        if os.environ.get("POCKETLAKE_CLIENTS") == "1":
            return of.make(client)
        if of is runtimes or client in MINUTES:  # minutes each: not in make test, even where they are installed
            pytest.skip(f"NOT TESTED: {client} is run by make clients")
        found = of.find(client)
        if found is None:
            pytest.skip(f"NOT TESTED: {client} has no environment yet; make clients")
        return found

    return packages_of


@pytest.fixture
def surroundings(lake: EmbeddedLake, tmp_path: Path) -> Mapping[str, str]:
    """The environment of a program that is pointed at the lake, and that knows nothing else of this machine."""
    settings = {**os.environ, **lake.env(), "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    for name in ("AWS_PROFILE", "PYTHONPATH", "AWS_SESSION_TOKEN"):
        settings.pop(name, None)
    return settings
