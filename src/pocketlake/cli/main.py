"""`pocketlake`: commands are modules of this folder, loaded when they are called."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "up": "Start Pocketlake here.",
    "demo": "Stream a year of flights through the lake.",
    "sql": "Ask Athena from the terminal.",
    "tail": "Print a stream's records as they come.",
    "plan": "Size a stream or table, and say what it would cost.",
    "agent": "Follow log files into streams.",
    "clock": "Show and move the lake's clock.",
    "services": "What runs, operation by operation.",
    "claims": "Which promised facts hold.",
    "env": "Print what points AWS tools here.",
    "reset": "Empty a running lake.",
    "doctor": "Look at this machine and say what is missing.",
}


class LazyGroup(click.Group):
    """Imports a command's module only when it is asked for: `up` is ready sooner."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"pocketlake.cli.{name}"), name)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pocketlake")
def main() -> None:
    """The AWS data platform in one process. Start with: pocketlake up"""


if __name__ == "__main__":
    main()
