"""Each example runs as its first lines say, and prints what it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXPECTED = {"clicks_to_athena": "basket     100\nhome       100\nsearch     100\n"}


def test_every_example_is_expected_to_print_something() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_example(name: str) -> None:
    program = [sys.executable, str(EXAMPLES / f"{name}.py")]
    finished = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == EXPECTED[name]
