"""Libraries over DynamoDB for node, and the command line, unchanged. boto3 and PynamoDB: test_clients.py."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
SECONDS = 100


def run(command: list[str], surroundings: Mapping[str, str], folder: Path) -> None:
    finished = subprocess.run(command, env=surroundings, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
    assert finished.stdout.splitlines()[-1] == "done"


@pytest.mark.timeout(700)
@pytest.mark.parametrize("program", ["documents", "electrodb", "toolbox"])
def test_library_of_node_works_unchanged(
    program: str, packages_of: Callable[[str], Path], surroundings: Mapping[str, str], tmp_path: Path
) -> None:
    settings = {**surroundings, "NODE_PATH": str(packages_of("dynamodbjs"))}
    run(["node", str(PROGRAMS / f"{program}_program.cjs")], settings, tmp_path)


@pytest.mark.claim("DDB-558")
@pytest.mark.timeout(700)
def test_the_command_line_works_with_tables_and_their_indexes(
    packages_of: Callable[[str], Path], surroundings: Mapping[str, str], tmp_path: Path
) -> None:
    run([str(packages_of("awscli")), str(PROGRAMS / "awscli_dynamodb_program.py")], surroundings, tmp_path)
