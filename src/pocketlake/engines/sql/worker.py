"""A worker process: one query at a time on a DuckDB instance of its own, used once.

`python -m pocketlake.engines.sql.worker` reads jobs from its standard input and answers on its standard output, each
message pickled behind its length. It holds the next instance ready while it waits.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import threading
import time
from typing import Any, BinaryIO

from . import functions, readers, results, udfs
from .failures import Failure, failure_of
from .jobs import Job, Outcome, Output

THREADS = 2
MEMORY_LIMIT = "4GB"
SPILL_LIMIT = "20GB"
WATCH_SECONDS = 0.002


def prepared() -> Any:
    """An instance with our functions, not yet locked."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": THREADS, "memory_limit": MEMORY_LIMIT})
    for statement in [
        "SET TimeZone = 'UTC'",
        "SET integer_division = true",
        "SET enable_external_file_cache = false",
        "SET enable_progress_bar = false",
        "SET python_enable_replacements = false",
        "SET default_null_order = 'nulls_last'",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        *results.SETUP,
        *functions.setup(),
    ]:
        connection.execute(statement)
    udfs.register(connection)
    return connection


def lock(connection: Any, directory: str) -> None:
    """From here on the engine reads and writes nothing but this query's directory."""
    place = readers.text(directory)
    connection.execute(f"SET temp_directory = {readers.text(directory + '/spill')}")
    connection.execute(f"SET max_temp_directory_size = '{SPILL_LIMIT}'")
    connection.execute(f"SET allowed_directories = [{place}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET enable_profiling = 'no_output'")
    connection.execute("SET lock_configuration = true")


def run(connection: Any, job: Job) -> Outcome:
    outcome = Outcome()
    started = time.perf_counter()
    guard = Guard(connection, job.timeout, job.cutoff)
    try:
        lock(connection, job.directory)
        read = sum(readers.unpack(scan) for scan in job.scans) + sum(
            readers.view(connection, scan) for scan in job.scans
        )
        guard.start()
        _execute(connection, job, outcome)
        outcome.bytes_scanned += read
        if job.cutoff is not None and outcome.bytes_scanned > job.cutoff:
            guard.reason = "cutoff"
    except Exception as error:
        outcome.failure = failure_of(error)
        outcome.bytes_scanned = max(outcome.bytes_scanned, guard.bytes_read())
    finally:
        guard.stop()
    if guard.reason:
        outcome.failure = Failure(guard.reason, "")
    outcome.seconds = time.perf_counter() - started
    return outcome


def _execute(connection: Any, job: Job, outcome: Outcome) -> None:
    if job.output.kind == "text":
        rows = connection.execute(f"EXPLAIN {job.sql}").fetchall()
        outcome.text = "\n".join(str(row[-1]) for row in rows)
        return
    described = connection.execute(f"DESCRIBE {job.sql}").fetchall()
    outcome.columns = [(label, row[1]) for label, row in zip(job.output.labels, described, strict=True)]
    write = {"csv": _write_csv, "table": _write_table}[job.output.kind]
    outcome.rows = write(connection, job, outcome.columns)
    outcome.bytes_scanned = _bytes_read(connection)


def _write_csv(connection: Any, job: Job, columns: list[tuple[str, str]]) -> int:
    """Athena's result file, every field quoted, NULL as nothing at all; formatted by the engine."""
    inner = ", ".join(f"c{number}" for number in range(len(columns)))
    texts = [
        f"{results.text(f'q.c{number}', kind)} AS {readers.quote(f'c{number}')}"
        for number, (_, kind) in enumerate(columns)
    ]
    header = ",".join('"' + label.replace('"', '""') + '"' for label, _ in columns) + "\n"
    body = job.output.path + ".rows"
    rows = connection.execute(
        f"COPY (SELECT {', '.join(texts)} FROM ({job.sql}) AS q({inner})) TO {readers.text(body)}"
        " (FORMAT csv, HEADER false, FORCE_QUOTE *, NULL '', ESCAPE '\"')"
    ).fetchone()
    _join(header.encode(), body, job.output.path)
    return int(rows[0])


def _join(header: bytes, body: str, target: str) -> None:
    with open(target, "wb") as file, open(body, "rb") as rows:
        file.write(header)
        file.flush()
        left, at = os.path.getsize(body), 0
        while left:
            sent = os.sendfile(file.fileno(), rows.fileno(), at, left)
            at, left = at + sent, left - sent
    os.unlink(body)


def _write_table(connection: Any, job: Job, columns: list[tuple[str, str]]) -> int:
    """The files of a new table (CTAS, INSERT, UNLOAD), under the output's directory."""
    inner = ", ".join(f"c{number}" for number in range(len(columns)))
    given = []
    for number, (label, kind) in enumerate(columns):
        target = job.output.casts.get(label.lower(), "BIGINT" if kind == "HUGEINT" else kind)
        value = f"q.c{number}" if target == kind else f"CAST(q.c{number} AS {target})"
        given.append(f"{value} AS {readers.quote(label.lower())}")
    sql = f"SELECT {', '.join(given)} FROM ({job.sql}) AS q({inner})"
    if job.output.format == "orc":
        return _write_orc(connection, sql, job.output)
    rows = connection.execute(f"COPY ({sql}) TO {readers.text(job.output.path)} ({job.output.options})").fetchone()
    return int(rows[0])


def _write_orc(connection: Any, sql: str, output: Output) -> int:
    from pyarrow import orc

    table = connection.sql(sql).to_arrow_table()
    os.makedirs(output.path, exist_ok=True)
    orc.write_table(table, f"{output.path}/part.orc", compression=output.options or "zlib")
    return int(table.num_rows)


def _bytes_read(connection: Any) -> int:
    import json

    profile = json.loads(connection.get_profiling_information(format="json"))
    return int(profile.get("io", {}).get("total_bytes_read", 0))


class Guard:
    """Stops a query that takes too long or reads too much. The kernel counts this process's reads as they happen."""

    def __init__(self, connection: Any, timeout: float, cutoff: int | None) -> None:
        self._connection = connection
        self._timeout = timeout
        self._cutoff = cutoff
        self._stopped = threading.Event()
        self._before = _process_bytes()
        self._parent = os.getppid()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.reason = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def bytes_read(self) -> int:
        return max(_process_bytes() - self._before, 0)

    def _watch(self) -> None:
        deadline = time.perf_counter() + self._timeout
        pause = WATCH_SECONDS if self._cutoff is not None else 0.1
        while not self._stopped.wait(pause):
            if os.getppid() != self._parent:
                os._exit(1)  # the lake was killed: nobody waits for the answer
            if self._cutoff is not None and self.bytes_read() > self._cutoff:
                self.reason = "cutoff"
            elif time.perf_counter() > deadline:
                self.reason = "timeout"
            if self.reason:
                self._connection.interrupt()
                return


def _process_bytes() -> int:
    """Bytes this process has read so far; 0 where the system does not say (the exact check follows at the end)."""
    try:
        with open("/proc/self/io", "rb") as file:
            return int(file.readline().split()[1])
    except OSError:
        return 0


def send(stream: BinaryIO, message: Any) -> None:
    data = pickle.dumps(message, protocol=5)
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


def main() -> None:
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that prints may tear a message
    connection = prepared()
    while head := source.read(4):
        job = pickle.loads(source.read(struct.unpack(">I", head)[0]))
        send(target, run(connection, job))
        connection.close()
        connection = prepared()


if __name__ == "__main__":
    main()
