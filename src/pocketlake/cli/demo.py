"""pocketlake demo"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

DEFAULT = Path(".pocketlake-demo")


@click.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"A new directory for the lake. [default: {DEFAULT}, which each run makes anew]",
)
@click.option("--days", type=click.IntRange(1, 365), help="Only the first days of the year.")
def demo(directory: Path | None, days: int | None) -> None:
    """Stream a year of flights through the lake: Kinesis, Firehose, Parquet in S3, Glue, Athena.

    Checks its own totals against the source files, and ends with 1 when they differ.
    """
    from rich.console import Console

    from pocketlake.demo import queries, reference, source, story
    from pocketlake.spawned import DidNotStart

    place = _fresh(directory)
    try:
        agreed = story.tell(place, days, Console())
    except (source.SourceMissing, DidNotStart, queries.QueryFailed, reference.CrawlFailed) as error:
        raise click.ClickException(str(error)) from None
    raise SystemExit(0 if agreed else 1)


def _fresh(directory: Path | None) -> Path:
    """The demo's own directory is made anew; any other must not hold anything yet."""
    if directory is None:
        if (DEFAULT / "lake.sqlite").exists():
            shutil.rmtree(DEFAULT)
        directory = DEFAULT
    if directory.exists() and any(directory.iterdir()):
        raise click.ClickException(f"{directory} is not empty; the demo wants a new directory (--directory)")
    return directory
