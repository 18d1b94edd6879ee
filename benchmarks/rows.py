"""A question's answers: rows that compare systems on the same requests, and how they are printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.load import Result
from benchmarks.peers import OWN, System

Build = Callable[[System], Sequence[bytes]]
SLOW_SECONDS = 15.0
REST_SECONDS = 30.0  # at most
COMPILED = frozenset({"elasticmq", "dynamodb-local", "nginx"})  # neither Python nor Node: to be ahead of them is enough


@dataclass(slots=True)
class Row:
    """One measurement of all systems. `aim` is what Pocketlake's rate should be over the best Python or Node peer's."""

    question: str
    connections: int
    results: dict[str, Result]
    aim: float | None = None
    per_call: int = 1
    unit: str = "calls/s"
    note: str = ""
    because: str = ""  # why the aim is out of reach so far

    @property
    def ratio(self) -> float | None:
        """Pocketlake's rate over the best of the others', or None where no other answered."""
        return self._over(self.results.keys() - {OWN})

    def _over(self, names: Set[str]) -> float | None:
        others = [self.results[name].rate for name in names & self.results.keys() if self.results[name].rate > 0]
        return self.results[OWN].rate / max(others) if others and OWN in self.results else None

    def figure(self, name: str) -> str:
        result = self.results.get(name)
        if result is None:
            return "-"
        if result.rate == 0:
            return "failed" if result.failed else f"none in {SLOW_SECONDS:.0f} s"
        trouble = f", {result.failed} failed" if result.failed else ""
        return f"{result.rate * self.per_call:,.0f} (p50 {_ms(result.p50_ms)}, p99 {_ms(result.p99_ms)} ms{trouble})"

    @property
    def is_missed(self) -> bool:
        if self.aim is None:
            return False
        compiled, interpreted = self._over(COMPILED), self._over(self.results.keys() - COMPILED - {OWN})
        if interpreted is None:
            return compiled is not None and compiled < self.aim
        return interpreted < self.aim or (compiled is not None and compiled < 1)

    def verdict(self) -> str:
        if self.ratio is None:
            return "-"
        over = self._over(self.results.keys() - COMPILED - {OWN})
        beside = f"{over:.1f}x the best on Python or Node, " if over is not None and over != self.ratio else ""
        if self.aim is None:
            return f"{self.ratio:.1f}x"
        return f"{self.ratio:.1f}x ({beside}{'MISSED, ' if self.is_missed else ''}aim {self.aim:g}x)"


@dataclass(slots=True)
class Bench:
    """What a question gets: the running systems, a scratch folder, and how long to measure."""

    systems: list[System]
    folder: Path
    seconds: float
    rounds: int
    quick: bool = False
    rows: list[Row] = field(default_factory=list)

    @property
    def own(self) -> System:
        return self.systems[0]

    def compare(
        self, question: str, connections: int, build: Build, only: list[System] | None = None, **row: Any
    ) -> None:
        """Measure every system on its requests, taking turns; the run in the middle counts.

        Requests are built for each turn: what they name (a shard iterator) may not live longer.
        """
        if self.quick and connections == 1:
            return
        chosen = only or self.systems
        runs: dict[str, list[Result]] = {system.name: [] for system in chosen}
        seconds = dict.fromkeys(runs, self.seconds)
        for _ in range(self.rounds):
            for system in chosen:
                name, requests = system.name, build(system)
                result = _measure(system, requests, connections, seconds[name])
                if result.answers < connections and seconds[name] < SLOW_SECONDS:
                    # Not even one answer a connection: a peer that is slow gets the time to show how slow.
                    seconds[name] = SLOW_SECONDS
                    result = _measure(system, requests, connections, seconds[name])
                runs[name].append(result)
        results = {name: load.median(measured) for name, measured in runs.items()}
        self.add(Row(question, connections, results, **row))

    def add(self, row: Row) -> None:
        self.rows.append(row)
        figures = "  ".join(f"{name} {row.figure(name)}" for name in row.results)
        print(f"{row.question}, {row.connections} connections: {figures}  -> {row.verdict()}", flush=True)


def _measure(system: System, requests: Sequence[bytes], connections: int, seconds: float) -> Result:
    """One run, after which the system has come to rest: what was cut off would be work in the next run's time."""
    result = load.measure(system.url, requests, connections, seconds)
    load.send(system.url, requests[:1], connections=1, seconds=REST_SECONDS)
    return result


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.2f}" if milliseconds < 10 else f"{milliseconds:.0f}"


def markdown(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row.results))
    lines = [f"| question | connections | {' | '.join(names)} | {OWN} / best other |", "|---" * (len(names) + 3) + "|"]
    for row in rows:
        question = (
            f"{row.question}{f', {row.unit}' if row.unit != 'calls/s' else ''}{f' ({row.note})' if row.note else ''}"
        )
        figures = " | ".join(row.figure(name) for name in names)
        lines.append(f"| {question} | {row.connections} | {figures} | {row.verdict()} |")
    return "\n".join(lines)


def missed(rows: Sequence[Row]) -> str:
    """Each aim that was missed, and why."""
    lines = [f"- {row.question}: {row.verdict()}. {row.because}" for row in rows if row.is_missed]
    return "\n".join(lines) or "None."
