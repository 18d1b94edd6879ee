"""pocketlake clock"""

from __future__ import annotations

import re
from typing import Any

import click

from pocketlake.cli.endpoint import ask, url_option

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Duration(click.ParamType):
    """90, 90s, 15m, 24h, 7d, 1h30m: seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return float(value)
        if not re.fullmatch(r"(\d+(\.\d+)?[smhdw])+", value):
            self.fail(f"{value!r} is not a duration such as 90s, 15m, 24h or 7d", param, ctx)
        return sum(float(number) * UNITS[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)([smhdw])", value))


@click.group(invoke_without_command=True)
@url_option
@click.pass_context
def clock(context: click.Context, url: str) -> None:
    """Show and move the lake's clock: retention, buffers and schedules follow it."""
    context.obj = url
    if context.invoked_subcommand is None:
        _show(ask(url, "/_pocketlake/clock"))


@clock.command()
@click.pass_obj
def show(url: str) -> None:
    """What time it is in the lake."""
    _show(ask(url, "/_pocketlake/clock"))


@clock.command()
@click.argument("duration", type=Duration())
@click.pass_obj
def advance(url: str, duration: float) -> None:
    """Move on by DURATION (90s, 15m, 24h, 7d); returns when all that became due is done."""
    _show(ask(url, "/_pocketlake/clock/advance", {"seconds": duration}))


@clock.command("set")
@click.argument("moment")
@click.pass_obj
def set_(url: str, moment: str) -> None:
    """Move to MOMENT (ISO 8601, UTC unless it says otherwise)."""
    _show(ask(url, "/_pocketlake/clock/set", {"at": moment}))


@clock.command()
@click.pass_obj
def freeze(url: str) -> None:
    """Stop it. Calls still work; only time stands still."""
    _show(ask(url, "/_pocketlake/clock/freeze", {}))


@clock.command()
@click.argument("rate", type=float, default=1.0)
@click.pass_obj
def run(url: str, rate: float) -> None:
    """Let it run at RATE times the machine's speed (1 again by default; 60 makes a minute of a second)."""
    _show(ask(url, "/_pocketlake/clock/run", {"rate": rate}))


def _show(answer: dict[str, Any]) -> None:
    how = "frozen" if answer["frozen"] else f"running at {answer['rate']:g}x"
    click.echo(f"{answer['iso']}  {how}")
