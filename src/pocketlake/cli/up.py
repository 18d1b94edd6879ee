"""pocketlake up"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from pocketlake.kernel.config import DEFAULT_ACCOUNT, DEFAULT_DIRECTORY, DEFAULT_PORT, DEFAULT_REGION, Config


@click.command()
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind to.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="Where the lake lives.",
)
@click.option("--account", default=DEFAULT_ACCOUNT, show_default=True, help="Account of keys that name none.")
@click.option("--region", default=DEFAULT_REGION, show_default=True, help="Region of requests that name none.")
@click.option(
    "--durability",
    type=click.Choice(["process", "power", "memory"]),
    default="process",
    show_default=True,
    help="What acknowledged data survives: kill -9, power loss, or nothing.",
)
@click.option(
    "--limits",
    type=click.Choice(["aws", "off"]),
    default="aws",
    show_default=True,
    help="AWS's rates and quotas, or none.",
)
@click.option(
    "--auth",
    type=click.Choice(["open", "signed"]),
    default="open",
    show_default=True,
    help="open lets access keys in that the lake does not know.",
)
@click.option(
    "--streams",
    default="",
    metavar="URL",
    help="Where records of Kinesis streams lie: kafka://HOST:PORT; by default in the lake's directory.",
)
@click.option("--allow-open", is_flag=True, help="Bind beyond loopback in open mode all the same.")
@click.option("--tls", is_flag=True, help="Serve HTTPS, with a certificate of a local authority unless one is given.")
@click.option("--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM file.")
@click.option("--certificate-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM file.")
@click.option("--verbose", is_flag=True, help="Log more.")
def up(allow_open: bool, verbose: bool, **options: Any) -> None:
    """Start Pocketlake here, and serve until Ctrl-C."""
    from pocketlake.engines.streams import StreamsUnavailable
    from pocketlake.gateway.server import Server, UnsafeAddress, serve
    from pocketlake.kernel.lake import DirectoryInUse

    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    _check_account(options["account"])
    config = Config(**options)
    try:
        server = Server(config, allow_open)
        serve(server, lambda url: _announce(server, url))
    except (UnsafeAddress, DirectoryInUse, StreamsUnavailable) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"can't listen on {config.host}:{config.port}: {error.strerror or error}") from None


def _announce(server: Any, url: str) -> None:
    click.echo(f"Pocketlake ready at {url}")
    click.echo(f"  directory {server.lake.directory}, limits {server.config.limits}, auth {server.config.auth}")
    click.echo('  point AWS tools here: eval "$(pocketlake env)"')
    if server.config.auth == "signed" and server.credentials_file.exists():
        click.echo(f"  keys of the root user: AWS_SHARED_CREDENTIALS_FILE={server.credentials_file}")


def _check_account(account: str) -> None:
    if len(account) != 12 or not account.isdigit():
        raise click.BadParameter(f"{account!r} is not an account ID of 12 digits", param_hint="--account")
