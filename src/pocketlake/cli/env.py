"""pocketlake env"""

from __future__ import annotations

import configparser
import os
from pathlib import Path

import click

from pocketlake.cli.endpoint import ask, url_option


@click.command()
@url_option
@click.option("--profile", help="Write these settings as an AWS profile of this name instead.")
def env(url: str, profile: str | None) -> None:
    """Print export lines that point AWS tools at a running lake: eval "$(pocketlake env)"."""
    config = ask(url, "/_pocketlake/config")
    authority = Path(config["directory"]) / "tls" / "ca.pem"
    bundle = str(authority) if url.startswith("https") and authority.exists() else ""
    if profile:
        _write_profile(profile, url, config["region"], bundle)
        click.echo(f"Wrote profile {profile}. Use it: AWS_PROFILE={profile} aws s3 ls")
        return
    variables = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": config["region"],
        "AWS_REGION": config["region"],
    }
    if bundle:
        variables["AWS_CA_BUNDLE"] = bundle
    for name, value in variables.items():
        click.echo(f"export {name}={value}")


def _write_profile(name: str, url: str, region: str, bundle: str) -> None:
    """Add or replace the profile in the AWS config and credentials files, and nothing else in them."""
    home = Path.home() / ".aws"
    settings = {"region": region, "endpoint_url": url}
    if bundle:
        settings["ca_bundle"] = bundle
    _put(Path(os.environ.get("AWS_CONFIG_FILE", home / "config")), f"profile {name}", settings)
    _put(
        Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE", home / "credentials")),
        name,
        {"aws_access_key_id": "test", "aws_secret_access_key": "test"},
    )


def _put(path: Path, section: str, values: dict[str, str]) -> None:
    parser = configparser.RawConfigParser()
    parser.read(path)
    parser[section] = values
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        parser.write(file)
