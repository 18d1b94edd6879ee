"""The commands as a person runs them: a process of their own against a running lake."""

import os
import subprocess
import sys

import pytest

from pocketlake.gateway.server import Server, UnsafeAddress
from pocketlake.kernel.config import Config


def pocketlake(lake, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "pocketlake.cli.main", *arguments],
        env={**os.environ, **lake.env(), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_clock_shows_and_moves(lake):
    assert "running at 1x" in pocketlake(lake, "clock").stdout
    assert "2020-01-01T00:00:00" in pocketlake(lake, "clock", "set", "2020-01-01").stdout
    assert "frozen" in pocketlake(lake, "clock", "freeze").stdout
    before = lake.clock.now()
    pocketlake(lake, "clock", "advance", "1h30m")
    assert (lake.clock.now() - before).total_seconds() == 5400
    assert pocketlake(lake, "clock", "advance", "soon").returncode == 2


def test_sql_prints_a_table_and_what_was_scanned(lake):
    ran = pocketlake(lake, "sql", "SELECT 7 AS seven, 'x' AS letter")
    assert ran.returncode == 0, ran.stderr
    assert "seven" in ran.stdout
    assert "bytes scanned" in ran.stdout


def test_sql_says_what_is_wrong_with_the_query(lake):
    ran = pocketlake(lake, "sql", "SELECT nope")
    assert ran.returncode == 1
    assert "COLUMN_NOT_FOUND" in ran.stderr


def test_services_says_what_runs(lake):
    assert "kinesis" in pocketlake(lake, "services").stdout
    assert "runs             put_records" in pocketlake(lake, "services", "kinesis").stdout
    assert pocketlake(lake, "services", "nonsense").returncode == 1


def test_env_prints_exports_and_writes_a_profile(lake, tmp_path):
    assert f"export AWS_ENDPOINT_URL={lake.endpoint_url}" in pocketlake(lake, "env").stdout
    config = tmp_path / "config"
    config.write_text("[profile other]\nregion = eu-west-1\n")
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    assert pocketlake(lake, "env", "--profile", "lake", **files).returncode == 0
    assert "[profile other]" in config.read_text()
    assert lake.endpoint_url in config.read_text()


def test_reset_asks_first(lake):
    lake.client("s3").create_bucket(Bucket="kept")
    assert pocketlake(lake, "reset").returncode == 1
    assert [bucket["Name"] for bucket in lake.client("s3").list_buckets()["Buckets"]] == ["kept"]
    assert pocketlake(lake, "reset", "--yes").returncode == 0
    assert lake.client("s3").list_buckets()["Buckets"] == []


def test_without_a_lake_a_command_says_how_to_start_one(lake):
    ran = pocketlake(lake, "clock", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert ran.returncode == 1
    assert "pocketlake up" in ran.stderr


def test_open_mode_stays_on_loopback_unless_told(tmp_path):
    with pytest.raises(UnsafeAddress):
        Server(Config(directory=tmp_path, host="0.0.0.0"))
