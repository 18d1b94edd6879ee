"""Clients in other languages, unchanged, against a lake: node's and java's, which speak HTTP/2 where ours do not.

Their packages come from npm and Maven Central, by `make clients` (or here, when POCKETLAKE_CLIENTS=1). Without node,
java or the packages a client is skipped, and says so.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketlake.embedded import EmbeddedLake
from scripts import runtimes

PROGRAMS = Path(__file__).parent / "programs"
FILES = {"awssdkjs": "awssdkjs_program.cjs", "awssdkjava": "AwsSdkJava.java"}
SECONDS = 100


@pytest.mark.claim("KDS-013", "KDS-556")
@pytest.mark.timeout(700)
@pytest.mark.parametrize("client", FILES)
def test_client_works_unchanged(
    client: str, lake: EmbeddedLake, packages_of: Callable[[str], Path], tmp_path: Path
) -> None:
    packages = packages_of(client)
    program = str(PROGRAMS / FILES[client])
    settings = {**os.environ, **lake.env(), "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    settings.pop("AWS_PROFILE", None)
    if client in runtimes.NODE:
        settings["NODE_PATH"] = str(packages)
        command = ["node", program]
    else:
        command = ["java", "-cp", f"{packages}/*", program]
    finished = subprocess.run(command, env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS)
    assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
    assert finished.stdout.splitlines()[-1] == "done"
