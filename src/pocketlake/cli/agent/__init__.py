"""pocketlake agent"""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from pocketlake.cli.agent import configuration
from pocketlake.cli.agent.faults import ConfigurationError
from pocketlake.cli.endpoint import url_option

DEFAULT_CONFIGURATION = Path("/etc/aws-kinesis/agent.json")
WAIT_SECONDS = 0.5
SHUTDOWN_SECONDS = 10.0


@click.command()
@url_option
@click.option(
    "-c",
    "--configuration",
    "path",
    type=click.Path(path_type=Path),
    default=DEFAULT_CONFIGURATION,
    show_default=True,
    help="The Kinesis Agent's agent.json.",
)
@click.option("--once", is_flag=True, help="Send what is there by now, and end.")
def agent(url: str, path: Path, once: bool) -> None:
    """Follow log files into streams, by the Kinesis Agent's own configuration file.

    Files are followed through rotations. What was sent is written down, so the agent goes on where it was, and after
    kill -9 too; the batch that was under way then may come twice.
    """
    try:
        settings = configuration.read(path)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    _run(settings, url, stopping, once)


def _run(settings: configuration.Settings, url: str, stopping: threading.Event, once: bool) -> None:
    from pocketlake.cli.agent import sending
    from pocketlake.cli.agent.checkpoints import Checkpoints
    from pocketlake.cli.agent.flows import Flow
    from pocketlake.cli.agent.metrics import Metrics

    def tell(text: str) -> None:
        click.echo(text, err=True)

    metrics = Metrics(sending.client(settings, "cloudwatch", url), tell) if settings.emits_metrics else None
    if metrics is not None:
        threading.Thread(target=metrics.run, args=(stopping,), name="metrics", daemon=True).start()
    checkpoints = Checkpoints(settings.checkpoints, settings.checkpoint_days)
    flows = [
        Flow(flow, sending.client(settings, flow.service, url), checkpoints, stopping, tell, once, metrics)
        for flow in settings.flows
    ]
    for flow, given in zip(flows, settings.flows, strict=True):
        tell(f"{given.pattern} -> {given.service} {given.stream}")
        flow.start()
    while not stopping.is_set() and any(flow.is_alive() for flow in flows):
        stopping.wait(WAIT_SECONDS)
    for flow in flows:
        flow.join(SHUTDOWN_SECONDS)
    if not any(flow.is_alive() for flow in flows):
        checkpoints.close()
    if metrics is not None:
        metrics.publish()
    tell(f"{sum(flow.sent for flow in flows)} records sent")
    for flow in flows:
        if flow.error is not None:
            raise flow.error
