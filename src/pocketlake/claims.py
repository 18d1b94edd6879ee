"""The ledger of facts that the system promises, and what tests prove of it.

`claims/<service>.toml` holds the facts. A test names the facts that it proves with `@pytest.mark.claim("KDS-012")`;
what became of those tests is kept in pytest's own cache by `tests/conftest.py`. A fact is proven when a test names it
and every test that names it passed when it last ran.
"""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGED = Path(__file__).resolve().parent / "_claims"
RESULTS_KEY = "pocketlake/claims"

State = Literal["proven", "failing", "named", "open", "later"]


@dataclass(slots=True, frozen=True)
class Claim:
    """One fact. `today` says where AWS documents something else now; then that holds.

    `later` says what has to be built before a test can prove it.
    """

    id: str
    service: str
    fact: str
    kind: str
    status: str
    source: str
    check: str = ""
    today: str = ""
    later: str = ""

    @property
    def is_executable(self) -> bool:
        return self.status == "executable"


def directory() -> Path:
    """The checkout's `claims/` where there is one, otherwise the copy in the installed package."""
    checkout = CHECKOUT / "claims"
    return checkout if checkout.is_dir() else PACKAGED


def load(folder: Path | None = None) -> list[Claim]:
    """All facts, service by service, in the order of their files."""
    claims: list[Claim] = []
    for path in sorted((folder or directory()).glob("*.toml")):
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("claim", [])
        claims.extend(Claim(service=path.stem, **entry) for entry in entries)
    return claims


def named_by_tests(folder: Path) -> dict[str, list[str]]:
    """Claim ID -> node IDs of the tests that name it, read from the sources without running them."""
    named: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        node_id = path.relative_to(folder.parent).as_posix()
        for test, claim in _marks(ast.parse(path.read_text(encoding="utf-8")), node_id):
            named.setdefault(claim, []).append(test)
    return named


def _marks(tree: ast.Module, node_id: str) -> Iterator[tuple[str, str]]:
    def visit(body: list[ast.stmt], prefix: str, inherited: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        for node in body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                yield from visit(node.body, f"{prefix}::{node.name}", (*inherited, *_ids(node.decorator_list)))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
                for claim in (*inherited, *_ids(node.decorator_list)):
                    yield f"{prefix}::{node.name}", claim

    yield from visit(tree.body, node_id, tuple(_module_marks(tree)))


def _module_marks(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets):
            marks = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            yield from _ids(marks)


def _ids(decorators: list[ast.expr]) -> list[str]:
    """The claim IDs in `pytest.mark.claim("A", "B")` among these expressions."""
    return [
        argument.value
        for call in decorators
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "claim"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def last_results(checkout: Path) -> dict[str, str]:
    """Node ID (without parameters) -> outcome, as the last runs of pytest left it; empty when none ran here."""
    path = checkout / ".pytest_cache" / "v" / RESULTS_KEY
    if not path.is_file():
        return {}
    results: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return results


def state(tests: list[str], results: Mapping[str, str], later: str = "") -> State:
    """What is known of a fact.

    open: no test names it; later: nor can one, for the reason that `later` gives; named: named, but not all of its
    tests ran to a verdict; otherwise proven or failing.
    """
    if not tests:
        return "later" if later else "open"
    outcomes = {results.get(test, "unknown") for test in tests}
    if "failed" in outcomes:
        return "failing"
    return "proven" if outcomes == {"passed"} else "named"
