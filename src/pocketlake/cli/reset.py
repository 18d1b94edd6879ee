"""pocketlake reset"""

from __future__ import annotations

import click

from pocketlake.cli.endpoint import ask, url_option


@click.command()
@url_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(url: str, yes: bool) -> None:
    """Empty a running lake: every stream, bucket, table and timer."""
    config = ask(url, "/_pocketlake/config")
    if not yes:
        click.confirm(f"Empty the lake in {config['directory']}?", abort=True)
    ask(url, "/_pocketlake/reset", {})
    click.echo("The lake is empty.")
