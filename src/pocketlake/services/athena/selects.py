"""SELECT: bind, authorise, lower, gather the files, run, and leave the result as Athena's CSV."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocketlake.engines.sql import statements
from pocketlake.engines.sql.bind import BoundQuery
from pocketlake.engines.sql.catalog import Snapshot
from pocketlake.engines.sql.scan import ScanFile, ScanPlan, place, plan
from pocketlake.kernel.call import Call

from . import files, runs, tables
from .runs import Answer, Run

if TYPE_CHECKING:
    from pocketlake.engines.sql.jobs import Output


@dataclass(slots=True)
class Lowered:
    query: BoundQuery
    sql: str


def front_end(sql: str, known: Snapshot) -> Lowered:
    """Everything between the text and the engine, in a thread."""
    from pocketlake.engines.sql import authorise, bind, lower

    bound = authorise.authorise(bind.bind(sql, known), authorise.EverythingAllowed())
    return Lowered(bound, lower.lower(bound))


async def prepare(call: Call, run: Run, sql: str, with_files: bool = True) -> tuple[Lowered, list[ScanPlan]]:
    """The engine's text and its scans, the files laid out in the run's directory; without, every table is empty."""
    began = time.perf_counter()
    known = await tables.snapshot(call, sql, run.database)
    lowered = await call.offload(front_end, sql, known)
    scans = [await _scan(call, run, scan, with_files) for scan in lowered.query.scans]
    run.planning += time.perf_counter() - began
    return lowered, scans


async def _scan(call: Call, run: Run, scan: Any, with_files: bool) -> ScanPlan:
    if scan.table.database == tables.INFORMATION_SCHEMA:
        rows = tables.information_rows(call, scan.table.name)
        names = [column.name for column in scan.table.columns]
        kept = [names.index(name) for name in scan.columns]
        columns = [(name, "BIGINT" if name == "ordinal_position" else "VARCHAR") for name in scan.columns]
        return ScanPlan(scan.handle, "given", columns, [], {}, "", rows=[tuple(row[at] for at in kept) for row in rows])
    files.require_location(scan.table)
    target = plan(scan, run.directory)
    if not with_files:
        return target
    objects = run.directory / f"{scan.handle}.objects"
    objects.mkdir()
    found: list[ScanFile] = await files.files_of(call, scan, objects)
    if len(found) > 50:
        await call.offload(place, target, found)
    else:
        place(target, found)
    return target


async def select(call: Call, run: Run, statement: statements.Query) -> Answer:
    """[ATH-505, ATH-526]"""
    from pocketlake.engines.sql.jobs import Output

    lowered, scans = await prepare(call, run, statement.sql)
    path = run.directory / "result.csv"
    outcome = await execute(call, run, lowered, scans, Output("csv", str(path), lowered.query.labels))
    return Answer(outcome.columns, path, rows=outcome.rows)


async def execute(call: Call, run: Run, lowered: Lowered, scans: list[ScanPlan], output: Output) -> Any:
    from pocketlake.engines.sql.jobs import Job

    job = Job(lowered.sql, scans, str(run.directory), output, run.cutoff, runs.MINUTES * 60.0)
    return await runs.ask_engine(call, run, job)


async def explain(call: Call, run: Run, statement: statements.Explain) -> Answer:
    """The engine's plan, as text. Its operators are DuckDB's, not Trino's."""
    from pocketlake.engines.sql.jobs import Output

    lowered, scans = await prepare(call, run, statement.sql)
    outcome = await execute(call, run, lowered, scans, Output("text", "", lowered.query.labels))
    return Answer([("Query Plan", "VARCHAR")], lines=["Query Plan", *outcome.text.split("\n")])
