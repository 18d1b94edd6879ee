"""The ledger itself: facts are well formed, and tests name facts that exist."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from pocketlake import claims as ledger
from pocketlake.cli.claims import claims as command

TESTS = Path(__file__).resolve().parents[1]


def test_ids_are_unique() -> None:
    counts = Counter(claim.id for claim in ledger.load())
    assert [claim for claim, count in counts.items() if count > 1] == []


def test_every_fact_says_how_it_could_be_shown() -> None:
    for claim in ledger.load():
        assert claim.status in {"executable", "plannable", "advice"}, claim.id
        assert claim.fact, claim.id
        assert claim.check or claim.status == "advice", claim.id


def test_every_claim_that_a_test_names_exists() -> None:
    known = {claim.id for claim in ledger.load()}
    assert {claim: tests for claim, tests in ledger.named_by_tests(TESTS).items() if claim not in known} == {}


def test_what_waits_for_something_to_be_built_is_named_by_no_test() -> None:
    named = ledger.named_by_tests(TESTS)
    assert [claim.id for claim in ledger.load() if claim.later and claim.id in named] == []


SOURCE = """
import pytest
pytestmark = pytest.mark.claim("A-1")

@pytest.mark.claim("B-1", "B-2")
def test_function(): ...

@pytest.mark.claim("C-1")
class TestClass:
    @pytest.mark.parametrize("x", [1])
    @pytest.mark.claim("D-1")
    def test_method(self, x): ...

def helper(): ...
"""


def test_marks_on_modules_classes_and_functions_are_found() -> None:
    found = sorted(ledger._marks(ast.parse(SOURCE), "tests/test_x.py"))
    function, method = "tests/test_x.py::test_function", "tests/test_x.py::TestClass::test_method"
    assert found == sorted(
        [(function, claim) for claim in ("A-1", "B-1", "B-2")] + [(method, claim) for claim in ("A-1", "C-1", "D-1")]
    )


@pytest.mark.parametrize(
    ("tests", "results", "expected"),
    [
        ([], {}, "open"),
        (["t"], {}, "named"),
        (["t"], {"t": "passed"}, "proven"),
        (["t", "u"], {"t": "passed"}, "named"),
        (["t", "u"], {"t": "passed", "u": "failed"}, "failing"),
        (["t"], {"t": "skipped"}, "named"),
    ],
)
def test_state_of_a_fact(tests: list[str], results: dict[str, str], expected: str) -> None:
    assert ledger.state(tests, results) == expected


def test_a_fact_that_no_test_can_prove_yet_says_why() -> None:
    assert ledger.state([], {}, "there are no jobs") == "later"
    assert ledger.state(["t"], {"t": "failed"}, "there are no jobs") == "failing"


def test_command_tells_what_facts_wait_for() -> None:
    waiting = next(claim for claim in ledger.load() if claim.later)
    answer = CliRunner().invoke(command, [waiting.service, "--state", "later"])
    assert answer.exit_code == 0, answer.output
    assert f"needs: {waiting.later}" in answer.output


def test_command_lists_facts_of_a_service() -> None:
    answer = CliRunner().invoke(command, ["kinesis"])
    assert answer.exit_code == 0, answer.output
    assert "KDS-001" in answer.output


def test_command_refuses_a_service_without_facts() -> None:
    answer = CliRunner().invoke(command, ["kinesiss"])
    assert answer.exit_code == 1
    assert "there are no facts about kinesiss" in answer.output


def test_command_sums_up() -> None:
    answer = CliRunner().invoke(command, [])
    assert answer.exit_code == 0, answer.output
    assert "kinesis" in answer.output and "proven" in answer.output
