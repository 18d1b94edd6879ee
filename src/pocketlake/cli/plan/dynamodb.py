"""pocketlake plan dynamodb"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import click

from pocketlake.cli.endpoint import ask, url_option
from pocketlake.services.dynamodb.capacity import prices, sizing
from pocketlake.services.dynamodb.capacity.sizing import Load


@click.command()
@url_option
@click.option("--item-kb", type=click.FloatRange(0, 400, min_open=True), help="Mean item size in KB.")
@click.option("--reads-per-second", type=click.FloatRange(0), help="Mean rate of reads of one item.")
@click.option("--writes-per-second", type=click.FloatRange(0), help="Mean rate of writes of one item.")
@click.option("--consistent", is_flag=True, help="Reads are strongly consistent.")
@click.option("--transactional", is_flag=True, help="Reads and writes are of transactions.")
@click.option("--gsi", type=click.IntRange(0, 20), help="Global indexes that hold every item.  [default: 0]")
@click.option("--peak", type=click.FloatRange(1), help="The busiest second, in times of the mean.  [default: 1]")
@click.option("--hot", type=click.FloatRange(0, 1), help="The busiest key's share of the traffic.  [default: 0]")
@click.option("--storage-gb", type=click.FloatRange(0), help="Size of the table.")
@click.option("--dax-hits", type=click.FloatRange(0, 1), default=0.9, show_default=True, help="A cache's hit ratio.")
@click.option("--from", "table", help="Take what is not given from this table of the running lake.")
def dynamodb(
    url: str,
    item_kb: float | None,
    reads_per_second: float | None,
    writes_per_second: float | None,
    consistent: bool,
    transactional: bool,
    gsi: int | None,
    peak: float | None,
    hot: float | None,
    storage_gb: float | None,
    dax_hits: float,
    table: str | None,
) -> None:
    """Units by AWS's formula, the cost of either capacity mode, and where the load would be throttled."""
    if consistent and transactional:
        raise click.UsageError("Reads are --consistent or --transactional.")
    reads: sizing.Reads = "transactional" if transactional else "consistent" if consistent else "eventual"
    sampled = ask(url, f"/_pocketlake/views/dynamodb/spread?table={quote(table)}") if table is not None else None
    given = {
        "item_kb": item_kb,
        "reads_per_second": reads_per_second,
        "writes_per_second": writes_per_second,
        "indexes": gsi,
        "peak": peak,
        "hot": hot,
        "storage_gb": storage_gb,
    }
    wanted: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if sampled is not None:
        wanted = {**_recorded(sampled, reads, transactional, wanted), **wanted}
    if not {"item_kb", "reads_per_second", "writes_per_second"} <= wanted.keys():
        raise click.UsageError("Give --item-kb, --reads-per-second and --writes-per-second, or --from.")
    load = Load(reads=reads, transactional_writes=transactional, **wanted)
    if sampled is not None:
        _print_sample(sampled)
    _print_units(load)
    _print_cost(load)
    _print_throttles(load, sampled)
    _print_dax(load, dax_hits)


def _recorded(sampled: dict[str, Any], reads: sizing.Reads, transactional: bool, given: dict[str, Any]) -> Any:
    """What the table tells of itself."""
    if not sampled["sampled"]:
        raise click.ClickException(f"{sampled['table']} holds no items to plan from.")
    item_kb = given.get("item_kb", sampled["mean_bytes"] / 1024)
    means = {kind: sampled[kind]["mean"] for kind in ("reads", "writes")}
    ratios = [sampled[kind]["peak"] / means[kind] for kind in means if means[kind]]
    shares = [one["share"] for one in sampled["by_requests"] or sampled["by_items"]]
    return {
        "item_kb": item_kb,
        "reads_per_second": means["reads"] / sizing.rcu(1, item_kb, reads),
        "writes_per_second": means["writes"] / sizing.wcu(1, item_kb, transactional),
        "indexes": sampled["global_indexes"],
        "peak": max(ratios, default=1.0),
        "hot": max(shares, default=0.0) if sampled["keys"] > 1 or sampled["by_requests"] else 0.0,
        "storage_gb": sampled["bytes"] / 1024**3,
    }


def _print_sample(sampled: dict[str, Any]) -> None:
    click.echo(
        f"{sampled['table']} ({sampled['mode'].lower().replace('_', '-')}, {sampled['global_indexes']} global indexes) "
        f"holds {sampled['items']:,} items, {sampled['bytes'] / 1024:,.0f} KB; {sampled['sampled']:,} were sampled, "
        f"under {sampled['keys']:,} partition keys."
    )
    for kind in ("reads", "writes"):
        units = sampled[kind]
        click.echo(
            f"  {kind} of the last day: {units['mean']:,.1f} units/s in minutes that had any, "
            f"busiest minute {units['peak']:,.1f}"
        )
    for member, what in (("by_requests", "requests"), ("by_items", "items")):
        for one in sampled[member]:
            click.echo(f"  {_said(one['key'])}: {one['share']:.1%} of the {what}")
    click.echo()


def _said(key: dict[str, dict[str, Any]]) -> str:
    return ", ".join(f"{name} = {next(iter(value.values()))}" for name, value in key.items())


def _print_units(load: Load) -> None:
    reads, writes, index_writes = sizing.provisioned(load)
    click.echo(
        f"Load     items of {load.item_kb:,.2f} KB, {load.reads_per_second:,.1f} {load.reads} reads/s and "
        f"{load.writes_per_second:,.1f} writes/s, peak {load.peak:g} times that"
    )
    click.echo(f"Reads    {reads:,} RCU = {sizing.read_units(load) * load.peak:,.1f} units/s at the peak, rounded up")
    click.echo(f"Writes   {writes:,} WCU = {sizing.write_units(load) * load.peak:,.1f} units/s at the peak, rounded up")
    if load.indexes:
        click.echo(f"Indexes  {index_writes:,} WCU for each of {load.indexes} that hold every item")
    count = sizing.partitions(load)
    click.echo(f"         {count:,} partition{'s' * (count > 1)}, if keys spread the load evenly")


def _print_cost(load: Load) -> None:
    both = {"Provisioned": sizing.provisioned_cost(load), "On-demand": sizing.on_demand_cost(load)}
    click.echo(
        f"\nA month of {prices.HOURS_A_MONTH} hours in {prices.REGION} (prices as of {prices.AS_OF}, {prices.SOURCE})"
    )
    for mode, items in both.items():
        parts = ", ".join(f"{item} {dollars:,.2f}" for item, dollars in items.items() if dollars)
        click.echo(f"  {mode:<12} ${sum(items.values()):>12,.2f}   {parts}")
    cheaper = min(both, key=lambda mode: sum(both[mode].values()))
    click.echo(f"  {cheaper} is cheaper for this load; provisioned units are paid for while they are not used.")


def _print_throttles(load: Load, sampled: dict[str, Any] | None) -> None:
    found = sizing.throttles(load if sampled is None else replace(load, hot=0.0))
    reads, writes = sizing.read_units(load) * load.peak, sizing.write_units(load) * load.peak
    for one in (sampled["by_requests"] or sampled["by_items"]) if sampled else []:
        found += sizing.hot_key(one["share"], reads, writes, _said(one["key"]))
    click.echo("\nThrottled:" if found else "\nThrottled: nowhere, if keys spread the load evenly.")
    for sentence in found:
        click.echo(f"  {sentence}")
    click.echo(
        f"  One partition key gets at most a partition: {sizing.KEY_READS:,.0f} RCU and {sizing.KEY_WRITES:,.0f} WCU; "
        "its items, a partition each where they stay hot and there is no local index."
    )


def _print_dax(load: Load, hits: float) -> None:
    if sizing.recommends_dax(load):
        before, after = sizing.read_units(load) * load.peak, sizing.with_dax(load, hits) * load.peak
        click.echo(
            f"\nDAX: reads outnumber writes and go to few items. A cache that answers {hits:.0%} of them leaves "
            f"{after:,.0f} of {before:,.0f} RCU."
        )
