"""The Kinesis Client Library, unchanged, with a record processor in Python: reading by polling, and by fan-out.

Its leases lie in the lake's DynamoDB.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "kcl_program.py"
SECONDS = 280


@pytest.fixture
def run(packages_of, surroundings, tmp_path) -> Callable[[str], None]:
    """Run the program in one of its modes to its good end."""
    python = packages_of("kcl")
    if shutil.which("java") is None:
        pytest.skip("NOT TESTED: kcl needs java, which is not on this machine")

    def run(mode: str) -> None:
        command = [str(python), str(PROGRAM), mode]
        finished = subprocess.run(
            command, env=surroundings, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
        assert finished.stdout.splitlines()[-1] == "done"

    return run


@pytest.mark.claim("KDS-040", "KDS-557", "KDS-558", "KDS-559", "KDS-561", "KDS-616", "KDS-610", "KDS-612")
@pytest.mark.timeout(SECONDS + 700)
def test_polling_sees_each_record_once_parents_first(run):
    run("POLLING")


@pytest.mark.claim("KDS-555", "KDS-558", "KDS-559", "KDS-561", "KDS-567", "KDS-609")
@pytest.mark.timeout(SECONDS + 700)
def test_fan_out_sees_each_record_once_parents_first_and_survives_its_worker(run):
    run("FANOUT")


@pytest.mark.claim("KDS-568", "KDS-608")
@pytest.mark.timeout(SECONDS + 700)
def test_a_worker_that_joins_sees_again_what_was_not_checkpointed(run):
    run("JOIN")
