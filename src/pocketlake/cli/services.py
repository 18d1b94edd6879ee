"""pocketlake services"""

from __future__ import annotations

from typing import Any

import click

from pocketlake.cli.endpoint import ask, url_option


@click.command()
@url_option
@click.argument("names", nargs=-1)
def services(url: str, names: tuple[str, ...]) -> None:
    """What runs. With NAMES, operation by operation; what is not there answers 501 NotImplemented."""
    inventory = ask(url, "/_pocketlake/services")
    for name in names:
        if name not in inventory:
            raise click.ClickException(f"there is no service {name} yet; there are {', '.join(inventory)}")
    _summary(inventory) if not names else _operations({name: inventory[name] for name in names})


def _summary(inventory: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("service", "operations that run", "of", title=None)
    for name, operations in inventory.items():
        runs, gaps = len(operations["runs"]), len(operations["not_implemented"])
        table.add_row(name, str(runs), str(runs + gaps))
    Console().print(table)
    click.echo("pocketlake services NAME lists them. Everything else answers 501 NotImplemented.")


def _operations(inventory: dict[str, Any]) -> None:
    for name, operations in inventory.items():
        click.secho(name, bold=True)
        for operation in operations["runs"]:
            click.echo(f"  runs             {operation}")
        for operation in operations["not_implemented"]:
            click.echo(f"  not implemented  {operation}")
