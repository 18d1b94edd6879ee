"""How many shards a load needs, what it costs in either mode, and where it would be throttled: pure rules.

Sources: developer guide, "Choose the right mode" and "Determine the initial size of a stream" (KiB, 1,024 and 2,048);
prices.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from . import prices, quotas

KIB = 1024
WRITE_KIB = quotas.WRITE_BYTES.value / KIB
READ_KIB = quotas.READ_BYTES.value / KIB
SECONDS_A_MONTH = prices.HOURS_A_MONTH * 3600
SHARED_LATENCY_MS = 200.0  # one polling consumer; fan-out takes about 70


@dataclass(slots=True, frozen=True)
class Load:
    """Records of a mean size and rate, read by `shared` pollers and by `fan_out` registered consumers.

    `peak_records_per_second` is what shards are needed for; cost follows the mean.
    """

    record_kib: float
    records_per_second: float
    shared: int = 1
    fan_out: int = 0
    peak_records_per_second: float | None = None

    @property
    def peak(self) -> float:
        return max(self.records_per_second, self.peak_records_per_second or 0.0)


def write_kib(record_kib: float, records_per_second: float) -> float:
    """KiB/s.  [KDS-606]"""
    return record_kib * records_per_second


def read_kib(write: float, consumers: int) -> float:
    """KiB/s of shared consumers; each reads everything.  [KDS-607]"""
    return write * consumers


def shards(write: float, read: float, records_per_second: float = 0.0) -> int:
    """By KiB/s written and read by shared consumers, and by records/s.  [KDS-024, KDS-605]"""
    by_limit = (write / WRITE_KIB, read / READ_KIB, records_per_second / quotas.WRITE_RECORDS.value)
    return max(1, *(math.ceil(needed - 1e-9) for needed in by_limit))


def shards_for(load: Load) -> int:
    write = write_kib(load.record_kib, load.peak)
    return shards(write, read_kib(write, load.shared), load.peak)


def per_consumer_kib(shard_count: int, consumers: int) -> float:
    """What each of `consumers` polling readers gets: 400 KiB/s of one shard for five.  [KDS-552, KDS-553]"""
    return shard_count * READ_KIB / max(1, consumers)


def recommends_fan_out(latency_ms: float) -> bool:
    """Pollers see 200 ms or more; below that a consumer has to be registered.  [KDS-015]"""
    return latency_ms <= SHARED_LATENCY_MS


def provisioned_cost(load: Load, shard_count: int) -> dict[str, float]:
    """Dollars a month, by item.  [KDS-031, KDS-032, KDS-525]"""
    records = load.records_per_second * SECONDS_A_MONTH
    units = records * max(1, math.ceil(load.record_kib / prices.PUT_UNIT_KIB))
    gigabytes = records * load.record_kib / prices.GIB_KIB
    return {
        "shard hours": shard_count * prices.HOURS_A_MONTH * prices.SHARD_HOUR,
        "PUT payload units": units / 1e6 * prices.PUT_UNITS_MILLION,
        "consumer-shard hours": load.fan_out * shard_count * prices.HOURS_A_MONTH * prices.FAN_OUT_SHARD_HOUR,
        "fan-out data": load.fan_out * gigabytes * prices.FAN_OUT_GB,
    }


def on_demand_cost(load: Load) -> dict[str, float]:
    """Dollars a month, by item.  [KDS-529]"""
    records = load.records_per_second * SECONDS_A_MONTH
    gigabytes_in = records * math.ceil(load.record_kib) / prices.GIB_KIB
    gigabytes = records * load.record_kib / prices.GIB_KIB
    return {
        "stream hours": prices.HOURS_A_MONTH * prices.STREAM_HOUR,
        "data in": gigabytes_in * prices.IN_GB,
        "data out": load.shared * gigabytes * prices.OUT_GB,
        "fan-out data": load.fan_out * gigabytes * prices.OUT_FAN_OUT_GB,
    }


def throttles(load: Load, shard_count: int) -> list[str]:
    """Where this load on so many shards meets a limit, or comes close, in sentences."""
    found = []
    records, write = load.peak / shard_count, write_kib(load.record_kib, load.peak) / shard_count
    if records > quotas.WRITE_RECORDS.value:
        found.append(f"writes: {records:,.0f} records/s a shard, {quotas.WRITE_RECORDS.value:,.0f} are let in")
    if write > WRITE_KIB:
        found.append(f"writes: {write:,.0f} KiB/s a shard, {WRITE_KIB:,.0f} are let in")
    if load.shared and write * load.shared > READ_KIB:
        found.append(
            f"shared reads: {load.shared} consumers want {write * load.shared:,.0f} KiB/s of each shard, "
            f"which gives {READ_KIB:,.0f} in all"
        )
    if load.shared > quotas.READ_CALLS.value:
        found.append(f"shared reads: {load.shared} consumers share {quotas.READ_CALLS.value:.0f} calls/s a shard")
    if load.fan_out > quotas.CONSUMERS.value:
        found.append(f"fan-out: {load.fan_out} consumers, {quotas.CONSUMERS.value:.0f} may be registered")
    needed, first = shards_for(load), int(quotas.ON_DEMAND_SHARDS.value)
    if needed > first:
        found.append(f"a new on-demand stream: it starts with {first} shards and needs {needed}")
    return found
