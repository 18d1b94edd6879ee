"""pocketlake plan kinesis"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from pocketlake.cli.endpoint import ask, url_option
from pocketlake.services.kinesis import prices, sizing
from pocketlake.services.kinesis.sizing import Load


@click.command()
@url_option
@click.option("--record-kb", type=click.FloatRange(0, 10_240, min_open=True), help="Mean record size in KiB.")
@click.option("--records-per-second", type=click.FloatRange(0, min_open=True), help="Mean rate.")
@click.option("--peak", type=click.FloatRange(0, min_open=True), help="Records/s of the busiest second.")
@click.option("--consumers", type=click.IntRange(0), default=1, show_default=True, help="Polling readers.")
@click.option("--fan-out", type=click.IntRange(0), default=0, show_default=True, help="Registered consumers.")
@click.option("--shards", type=click.IntRange(1), help="Judge this many shards instead of the formula's.")
@click.option("--latency-ms", type=click.FloatRange(0), help="What readers can wait for a record.")
@click.option("--stream", help="Take size, rate and peak from what this stream of the running lake has recorded.")
def kinesis(
    url: str,
    record_kb: float | None,
    records_per_second: float | None,
    peak: float | None,
    consumers: int,
    fan_out: int,
    shards: int | None,
    latency_ms: float | None,
    stream: str | None,
) -> None:
    """Shards by AWS's formula, the cost of either capacity mode, and where the load would be throttled."""
    recorded = None
    if stream is not None:
        recorded = ask(url, f"/_pocketlake/views/kinesis/traffic?stream={quote(stream)}")
        if not recorded["records"]:
            raise click.ClickException(f"{stream} holds no records to plan from.")
        record_kb = record_kb or recorded["bytes"] / recorded["records"] / 1024
        records_per_second = records_per_second or recorded["records"] / recorded["seconds"]
        peak = peak or _peak(recorded, record_kb)
        fan_out = fan_out or recorded["consumers"]
    if record_kb is None or records_per_second is None:
        raise click.UsageError("Give --record-kb and --records-per-second, or --stream.")
    load = Load(record_kb, records_per_second, consumers, fan_out, peak)
    needed = sizing.shards_for(load)
    if recorded is not None:
        _print_recorded(recorded)
    _print_shards(load, needed)
    _print_cost(load, shards or needed)
    _print_throttles(load, shards or needed, recorded)
    if latency_ms is not None:
        fan = sizing.recommends_fan_out(latency_ms)
        click.echo(
            f"\nReaders that can wait {latency_ms:g} ms: {'register them (about 70 ms)' if fan else 'polling will do'}"
            f"; polling takes some {sizing.SHARED_LATENCY_MS:.0f} ms and more with each reader."
        )


def _peak(recorded: dict[str, Any], record_kb: float) -> float:
    """The busiest second, in records of the mean size: by count or by bytes, whichever is more."""
    return max(recorded["peak_records"], recorded["peak_bytes"] / 1024 / record_kb)


def _print_recorded(recorded: dict[str, Any]) -> None:
    total = recorded["records"]
    click.echo(
        f"{recorded['stream']} ({recorded['mode'].lower().replace('_', '-')}, {recorded['open_shards']} open shards) "
        f"took {total:,} records, {recorded['bytes'] / 1024:,.0f} KiB, in {recorded['seconds']:,} s."
    )
    for shard in recorded["shards"]:
        if shard["records"]:
            click.echo(
                f"  {shard['shard']}{'' if shard['is_open'] else ' (closed)'}: {shard['records'] / total:.0%} of them, "
                f"busiest second {shard['peak_records']:,} records, {shard['peak_bytes'] / 1024:,.0f} KiB"
            )
    click.echo()


def _print_shards(load: Load, needed: int) -> None:
    write = sizing.write_kib(load.record_kib, load.peak)
    read = sizing.read_kib(write, load.shared)
    click.echo(
        f"Load     {load.records_per_second:,.1f} records/s of {load.record_kib:,.2f} KiB, peak {load.peak:,.1f}/s"
    )
    click.echo(f"Writes   {write:,.0f} KiB/s at the peak")
    click.echo(
        f"Reads    {read:,.0f} KiB/s by {load.shared} polling consumers; {load.fan_out} with fan-out do not count"
    )
    click.echo(
        f"Shards   {needed} = max({write:,.0f} / {sizing.WRITE_KIB:,.0f}, {read:,.0f} / {sizing.READ_KIB:,.0f}, "
        f"{load.peak:,.0f} / {sizing.quotas.WRITE_RECORDS.value:,.0f}), rounded up"
    )


def _print_cost(load: Load, shards: int) -> None:
    both = {
        f"Provisioned, {shards} shard{'s' * (shards > 1)}": sizing.provisioned_cost(load, shards),
        "On-demand": sizing.on_demand_cost(load),
    }
    click.echo(
        f"\nA month of {prices.HOURS_A_MONTH} hours in {prices.REGION} (prices as of {prices.AS_OF}, {prices.SOURCE})"
    )
    for mode, items in both.items():
        parts = ", ".join(f"{item} {dollars:,.2f}" for item, dollars in items.items() if dollars)
        click.echo(f"  {mode:<24} ${sum(items.values()):>12,.2f}   {parts}")
    if shards >= sizing.shards_for(load):
        cheaper = min(both, key=lambda mode: sum(both[mode].values()))
        click.echo(f"  {cheaper} is cheaper for this mean load; on-demand follows peaks by itself.")


def _print_throttles(load: Load, shards: int, recorded: dict[str, Any] | None) -> None:
    found = sizing.throttles(load, shards)
    for shard in recorded["shards"] if recorded else []:
        records, kib = shard["peak_records"], shard["peak_bytes"] / 1024
        if shard["is_open"] and (records > 0.8 * sizing.quotas.WRITE_RECORDS.value or kib > 0.8 * sizing.WRITE_KIB):
            found.append(f"{shard['shard']} is hot: {records:,} records, {kib:,.0f} KiB in its busiest second")
    click.echo("\nThrottled:" if found else "\nThrottled: nowhere, if keys spread the records evenly.")
    for sentence in found:
        click.echo(f"  {sentence}")
    click.echo(
        f"  One partition key gets at most one shard: {sizing.quotas.WRITE_RECORDS.value:,.0f} records/s "
        f"and {sizing.WRITE_KIB:,.0f} KiB/s."
    )
