"""How commands reach a running lake."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import click
import orjson

from pocketlake.kernel.config import DEFAULT_PORT

DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


def url_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--url",
        default=lambda: os.environ.get("AWS_ENDPOINT_URL", DEFAULT_URL),
        show_default=f"$AWS_ENDPOINT_URL or {DEFAULT_URL}",
        help="The running lake.",
    )(command)


def ask(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """GET `path`, or POST `body` to it; the answer's JSON. Says in plain words when no lake answers."""
    data = None if body is None else orjson.dumps(body)
    request = urllib.request.Request(url.rstrip("/") + path, data=data, method="GET" if body is None else "POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return orjson.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise click.ClickException(_message(error.read())) from None
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise click.ClickException(f"no lake answers at {url} ({reason}). Start one with: pocketlake up") from None


def client(url: str, service: str) -> Any:
    """botocore's client of a service of the running lake."""
    import botocore.session

    session = botocore.session.get_session()
    return session.create_client(
        service,
        endpoint_url=url,
        region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
    )


def _message(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return body.decode(errors="replace")
