"""How many units a load needs, what it costs in either mode, and where it would be throttled: pure rules.

Sources: developer guide, Provisioned capacity mode (units), Designing partition keys; prices.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .. import quotas
from . import prices
from .partitions import needed

Reads = Literal["eventual", "consistent", "transactional"]
FACTORS: dict[str, float] = {"eventual": 0.5, "consistent": 1.0, "transactional": 2.0}
READ_KB = quotas.READ_UNIT_BYTES.value / 1024
KEY_READS, KEY_WRITES = quotas.PARTITION_READS.value, quotas.PARTITION_WRITES.value
SECONDS_A_MONTH = prices.HOURS_A_MONTH * 3600
READ_HEAVY = 5.0  # reads for a write from which a cache is worth a thought


@dataclass(slots=True, frozen=True)
class Load:
    """Items of a mean size, read and written at mean rates; `hot` is the busiest key's share of them, 0 to 1.

    `indexes` global indexes hold every item whole. `peak` times the mean is what capacity is needed for.
    """

    item_kb: float
    reads_per_second: float
    writes_per_second: float
    reads: Reads = "eventual"
    transactional_writes: bool = False
    indexes: int = 0
    hot: float = 0.0
    peak: float = 1.0
    storage_gb: float = 0.0


def rcu(rate: float, item_kb: float, reads: Reads = "eventual") -> float:
    """Read units a second: 4 KB each, half of it eventually consistent, twice in transactions.  [DDB-521, DDB-522]"""
    return rate * max(1, math.ceil(item_kb / READ_KB - 1e-9)) * FACTORS[reads]


def wcu(rate: float, item_kb: float, transactional: bool = False) -> float:
    """Write units a second: 1 KB each, twice in transactions.  [DDB-515, DDB-516]"""
    return rate * max(1, math.ceil(item_kb - 1e-9)) * (2 if transactional else 1)


def read_units(load: Load) -> float:
    return rcu(load.reads_per_second, load.item_kb, load.reads)


def write_units(load: Load) -> float:
    """Of the table alone."""
    return wcu(load.writes_per_second, load.item_kb, load.transactional_writes)


def provisioned(load: Load) -> tuple[int, int, int]:
    """Read units, write units, and write units of each global index, for the peak."""
    writes = max(1, math.ceil(write_units(load) * load.peak - 1e-9))
    return max(1, math.ceil(read_units(load) * load.peak - 1e-9)), writes, writes if load.indexes else 0


def provisioned_cost(load: Load) -> dict[str, float]:
    """Dollars a month, by item."""
    reads, writes, index_writes = provisioned(load)
    return {
        "read units": reads * prices.READ_UNIT_HOUR * prices.HOURS_A_MONTH,
        "write units": writes * prices.WRITE_UNIT_HOUR * prices.HOURS_A_MONTH,
        "index writes": index_writes * load.indexes * prices.WRITE_UNIT_HOUR * prices.HOURS_A_MONTH,
        "storage": storage_cost(load),
    }


def on_demand_cost(load: Load) -> dict[str, float]:
    """Dollars a month, by item."""
    writes = write_units(load) * SECONDS_A_MONTH / 1e6 * prices.WRITE_UNITS_MILLION
    return {
        "reads": read_units(load) * SECONDS_A_MONTH / 1e6 * prices.READ_UNITS_MILLION,
        "writes": writes,
        "index writes": writes * load.indexes,
        "storage": storage_cost(load),
    }


def storage_cost(load: Load) -> float:
    return load.storage_gb * (1 + load.indexes) * prices.STORAGE_GB_MONTH


def partitions(load: Load) -> int:
    """That the load needs, if its keys are spread."""
    reads, writes = read_units(load) * load.peak, write_units(load) * load.peak
    return needed(reads - 1e-6, writes - 1e-6, int(load.storage_gb * 1024**3))


def throttles(load: Load) -> list[str]:
    """Which limits this load meets, in sentences.  [DDB-506, DDB-507, DDB-514]"""
    found = []
    reads, writes = read_units(load) * load.peak, write_units(load) * load.peak
    if load.item_kb * 1024 > quotas.ITEM_BYTES.value:
        found.append(f"items: {load.item_kb:,.0f} KB, {quotas.ITEM_BYTES.value / 1024:,.0f} KB are the most")
    found += hot_key(load.hot, reads, writes, "the busiest key")
    for kind, units, first in (
        ("reads", reads, quotas.ON_DEMAND_READS.value),
        ("writes", writes, quotas.ON_DEMAND_WRITES.value),
    ):
        if units > first:
            found.append(
                f"a new on-demand table: it bears {first:,.0f} {kind}/s and is to bear {units:,.0f}; that doubles in "
                "half an hour, or is asked for (WarmThroughput)"
            )
        if units > quotas.TABLE_UNITS.value:
            found.append(
                f"the table's quota: {units:,.0f} {kind}/s, {quotas.TABLE_UNITS.value:,.0f} unless it is raised"
            )
    return found


def hot_key(share: float, reads: float, writes: float, what: str) -> list[str]:
    """Whether a key with this share of the units meets the limits of a partition."""
    found = []
    for kind, units, most in (("reads", reads * share, KEY_READS), ("writes", writes * share, KEY_WRITES)):
        if units > most:
            found.append(f"{what}: {units:,.0f} {kind}/s ({share:.0%} of all), one partition bears {most:,.0f}")
    return found


def recommends_dax(load: Load) -> bool:
    """Reads that go to few items and outnumber writes are a cache's to answer.  [DAX-501]"""
    is_read_heavy = load.reads_per_second >= READ_HEAVY * max(load.writes_per_second, 1e-9)
    is_hot = read_units(load) * load.peak * load.hot > KEY_READS / 2
    return load.reads == "eventual" and is_read_heavy and is_hot


def with_dax(load: Load, hit_ratio: float) -> float:
    """Read units a second that are left when so many reads are hits."""
    return read_units(load) * (1 - hit_ratio)
