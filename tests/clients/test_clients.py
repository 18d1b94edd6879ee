"""Clients that people use, unchanged, against a lake. Each program in programs/ runs under that client's own Python.

boto3 and pyarrow come with our own environment; the others have one each, made by `make clients` (or here, when
POCKETLAKE_CLIENTS=1). A client without its environment is skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocketlake.embedded import EmbeddedLake
from scripts import clients

PROGRAMS = Path(__file__).parent / "programs"
OWN = ("boto3", "boto3_dynamodb", "boto3_sqs", "pyarrow")
SECONDS = 100


def python_of(client: str) -> Path:
    if client in OWN:
        return Path(sys.executable)
    if os.environ.get("POCKETLAKE_CLIENTS") == "1":
        return clients.make(client)
    python = clients.find(client)
    if python is None:
        pytest.skip(f"NOT TESTED: {client} has no environment yet; make clients")
    return python


@pytest.mark.parametrize("client", [*OWN, *clients.CLIENTS])
def test_client_works_unchanged(client: str, lake: EmbeddedLake, tmp_path: Path) -> None:
    run_program(client, lake, tmp_path)


@pytest.mark.claim("SQS-520")
def test_large_messages_go_through_s3_with_the_extended_client(lake: EmbeddedLake, tmp_path: Path) -> None:
    run_program("sqs_extended", lake, tmp_path)


def run_program(client: str, lake: EmbeddedLake, tmp_path: Path) -> None:
    python = python_of(client)
    settings = {**os.environ, **lake.env(), "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    for name in ("AWS_PROFILE", "PYTHONPATH", "AWS_SESSION_TOKEN"):
        settings.pop(name, None)
    program = [str(python), str(PROGRAMS / f"{client}_program.py")]
    finished = subprocess.run(program, env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS)
    assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
    assert finished.stdout.splitlines()[-1] == "done"


@pytest.mark.claim("IAM-502")
def test_the_command_line_reads_the_arn_of_a_role(lake: EmbeddedLake, tmp_path: Path) -> None:
    aws = python_of("awscli").parent / "aws"
    name = "FH-KinesisAgentFirehoseRole"
    principal = {"Service": "firehose.amazonaws.com"}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    }
    lake.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    settings = {**os.environ, **lake.env(), "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    words = [str(aws), "iam", "get-role", "--role-name", name]
    told = subprocess.run(words, env=settings, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    (line,) = [line.strip() for line in told.splitlines() if "Arn" in line]
    assert line.rstrip(",") == f'"Arn": "arn:aws:iam::000000000000:role/{name}"'
