"""What a lake is told at its start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DEFAULT_PORT = 4566
DEFAULT_DIRECTORY = Path(".pocketlake")
DEFAULT_ACCOUNT = "000000000000"
DEFAULT_REGION = "us-east-1"

Durability = Literal["process", "power", "memory"]
Limits = Literal["aws", "off"]
Auth = Literal["open", "signed"]


@dataclass(slots=True, frozen=True)
class Config:
    """`port` 0 takes a free one. `auth` open lets access keys in that the lake does not know; signed refuses them.

    `streams` names the engine that keeps the records of streams, by URL; empty is the lake's own store.
    """

    directory: Path = DEFAULT_DIRECTORY
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION
    durability: Durability = "process"
    limits: Limits = "aws"
    auth: Auth = "open"
    tls: bool = False
    certificate: Path | None = None
    certificate_key: Path | None = None
    streams: str = ""
