"""What the demo shows: steps, progress, tables, a chart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .checks import Check
from .pipeline import Streamed
from .queries import Answer, Question
from .source import Event

NUMERIC = {"tinyint", "smallint", "integer", "bigint", "float", "real", "double", "decimal"}
BAR_WIDTH = 40
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Screen:
    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, text: str) -> None:
        self.console.print(f"[bold cyan]>[/] {text}", highlight=False)

    @contextmanager
    def streaming(self, total: int) -> Iterator[Ticker]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.fields[date]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:>7,.0f} records/s"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            yield Ticker(progress, progress.add_task("streaming", total=total, date="2013-01-01", rate=0.0))

    def answer(self, question: Question, answer: Answer) -> None:
        title = f"{question.title}  [dim]{amount(answer.scanned_bytes)} scanned, {answer.seconds * 1000:,.0f} ms[/]"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        for name, kind in answer.columns:
            table.add_column(name.replace("_", " "), justify="right" if kind in NUMERIC else "left")
        for row in answer.rows:
            table.add_row(*[Text("-", style="dim") if cell is None else Text(cell) for cell in row])
        self.console.print(table)

    def chart(self, answer: Answer) -> None:
        """Bars of a query whose first column is a month and whose last is a number."""
        values = [(MONTHS[int(row[0] or 1) - 1], float(row[-1] or 0)) for row in answer.rows]
        longest = max((value for _, value in values), default=1.0)
        self.console.print("  Mean departure delay, minutes", style="bold")
        for month, value in values:
            eighths = round(max(0.0, value) / longest * BAR_WIDTH * 8)
            bar = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
            self.console.print(f"  {month} [cyan]{bar}[/] {value:.1f}", highlight=False)
        self.console.print()

    def checks(self, checks: list[Check]) -> None:
        table = Table(title="Held against the source files", title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("total")
        table.add_column("source", justify="right")
        table.add_column("lake", justify="right")
        table.add_column("")
        for check in checks:
            verdict = Text("ok", style="green") if check.agrees else Text("WRONG", style="bold red")
            table.add_row(check.what, _brief(check.expected), _brief(check.found), verdict)
        self.console.print(table)


class Ticker:
    """Moves the progress bar; called after each batch."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def __call__(self, event: Event, streamed: Streamed) -> None:
        rate = streamed.records / streamed.seconds if streamed.seconds else 0.0
        date = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%d")
        self._progress.update(self._task, completed=streamed.records, date=date, rate=rate)


def amount(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


def _brief(value: object) -> str:
    if isinstance(value, dict):
        return f"{sum(value.values()):,} in {len(value)} groups"
    return f"{value:,}" if isinstance(value, int) else str(value)
