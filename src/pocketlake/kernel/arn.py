"""Amazon Resource Names."""

from __future__ import annotations

from typing import NamedTuple

PARTITION = "aws"


class Arn(NamedTuple):
    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def parse(text: str) -> Arn:
    """`arn:partition:service:region:account:resource`; ValueError when it is not one."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise ValueError(f"{text!r} is not an ARN")
    return Arn(*parts[1:])
