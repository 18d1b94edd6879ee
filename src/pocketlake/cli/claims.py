"""pocketlake claims"""

from __future__ import annotations

from collections import Counter

import click

from pocketlake import claims as ledger
from pocketlake.claims import Claim, State

COLOURS: dict[State, str] = {
    "proven": "green", "failing": "red", "named": "yellow", "open": "bright_black", "later": "blue",
}  # fmt: skip


@click.command()
@click.argument("services", nargs=-1)
@click.option("--state", "wanted", type=click.Choice(list(COLOURS)), help="Only facts in this state.")
def claims(services: tuple[str, ...], wanted: State | None) -> None:
    """Which promised facts hold. With SERVICES, fact by fact.

    A fact is proven when a test names it and every test that names it passed when it last ran here; `named` tests have
    not run yet (or were skipped), `open` facts have no test, `later` facts wait for something that is not built.
    """
    facts = ledger.load()
    known = {fact.service for fact in facts}
    for service in services:
        if service not in known:
            raise click.ClickException(f"there are no facts about {service}; there are {', '.join(sorted(known))}")
    tests = ledger.CHECKOUT / "tests"
    named = ledger.named_by_tests(tests) if tests.is_dir() else {}
    results = ledger.last_results(ledger.CHECKOUT)
    states = {fact.id: ledger.state(named.get(fact.id, []), results, fact.later) for fact in facts}
    if services or wanted:
        _list([fact for fact in facts if not services or fact.service in services], states, named, wanted)
    else:
        _summary(facts, states)
    if not tests.is_dir():
        click.echo("Tests come with the source checkout, not with the installed package: nothing can be proven here.")
    elif not results:
        click.echo("No test run was found here: make test, then ask again.")


def _summary(facts: list[Claim], states: dict[str, State]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_footer=True)
    columns = ("facts", "executable", "named", "proven", "failing", "later")
    totals: Counter[str] = Counter()
    rows = []
    for service in sorted({fact.service for fact in facts}):
        counts = _count([fact for fact in facts if fact.service == service], states)
        totals.update(counts)
        rows.append((service, *(str(counts[column]) for column in columns)))
    table.add_column("service", footer="all")
    for column in columns:
        table.add_column(column, justify="right", footer=str(totals[column]))
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _count(facts: list[Claim], states: dict[str, State]) -> dict[str, int]:
    return {
        "facts": len(facts),
        "executable": sum(fact.is_executable for fact in facts),
        "named": sum(states[fact.id] not in ("open", "later") for fact in facts),
        "proven": sum(states[fact.id] == "proven" for fact in facts),
        "failing": sum(states[fact.id] == "failing" for fact in facts),
        "later": sum(states[fact.id] == "later" for fact in facts),
    }


def _list(facts: list[Claim], states: dict[str, State], named: dict[str, list[str]], wanted: State | None) -> None:
    for fact in facts:
        state = states[fact.id]
        if wanted and state != wanted:
            continue
        click.echo(f"{click.style(f'{state:8}', fg=COLOURS[state])}{fact.id}  {fact.fact}")
        if fact.today:
            click.echo(f"        today: {fact.today}")
        if state == "later":
            click.echo(f"        needs: {fact.later}")
        for test in named.get(fact.id, []):
            click.echo(f"        {test}")
