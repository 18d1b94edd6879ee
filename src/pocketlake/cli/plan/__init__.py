"""pocketlake plan"""

from __future__ import annotations

import click

from pocketlake.cli.plan.dynamodb import dynamodb
from pocketlake.cli.plan.kinesis import kinesis


@click.group()
def plan() -> None:
    """Size a service for a load, and say what it would cost on AWS."""


plan.add_command(kinesis)
plan.add_command(dynamodb)
