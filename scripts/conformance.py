"""Run moto's public test suite against Pocketlake: `make conformance`, or `make conformance SERVICES=kinesis,s3`.

The suite comes with moto's source distribution on PyPI, is unpacked into the cache, and runs in its own server mode:
its clients talk to our endpoint. `tests/conformance/exclusions.toml` names the tests that are about moto itself, each
with the reason. Tests that meet a 501 are counted apart, as not built: that stays true while more gets built.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pocketlake import spawned
from scripts.environments import cache, environment

MOTO = "5.2.5"
ACCOUNT = "123456789012"  # the account that moto's tests expect
SUITES = (  # of what is built, as moto names them
    *("kinesis", "firehose", "s3", "glue", "athena", "sqs", "sns", "dynamodb", "dynamodbstreams", "dax"),
    *("backup", "applicationautoscaling", "cloudwatch", "iam", "sts"),
)
REQUIREMENTS = (f"moto[all,server]=={MOTO}", "boto3", "pytest>=8,<9", "pytest-timeout", "freezegun", "requests")
EXCLUSIONS = Path(__file__).resolve().parents[1] / "tests" / "conformance" / "exclusions.toml"
TEST_SECONDS = 30
GAP = re.compile(r"'NotImplemented'|\(NotImplemented\)|is not implemented by Pocketlake yet|assert 501 ==")
MISSING = re.compile(r": ([^:\n]+) is not implemented by Pocketlake yet")


@dataclass(slots=True)
class Outcome:
    """What one service's part of the suite said."""

    service: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    not_built: int = 0
    excluded: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    gaps: dict[str, str] = field(default_factory=dict)
    needless: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        ran = self.passed + self.failed
        return 100.0 * self.passed / ran if ran else 0.0


def suite() -> Path:
    """The unpacked source distribution."""
    home = cache("conformance")
    source = home / f"moto-{MOTO}"
    if not source.is_dir():
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*download, "--dest", str(home), f"moto=={MOTO}"], check=True)
        with tarfile.open(next(home.glob(f"moto-{MOTO}*.tar.gz"))) as archive:
            archive.extractall(home, filter="data")
    return source


def exclusions(service: str) -> list[str]:
    """Files and node IDs (with all of their parameters, or one) that do not count for this service."""
    entries = tomllib.loads(EXCLUSIONS.read_text(encoding="utf-8")).get("exclude", [])
    return [f"tests/{test}" for entry in entries if entry["service"] == service for test in entry["tests"]]


def run(service: str, endpoint: str, python: Path, source: Path, only: str | None) -> Outcome:
    """Run one service's tests and read what pytest wrote about them."""
    outcome = Outcome(service)
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [str(python), "-m", "pytest", f"tests/test_{service}", "-q", "--no-header", "-p", "no:cacheprovider"]
        command += ["-o", "addopts=", f"--timeout={TEST_SECONDS}", f"--junitxml={report}", "--tb=line"]
        command += ["-k", only] if only else []
        finished = subprocess.run(command, cwd=source, env=_environment(endpoint), capture_output=True, text=True)
        if not report.is_file():
            raise SystemExit(
                f"pytest did not finish for {service}:\n{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}"
            )
        _read(report, outcome, exclusions(service))
    return outcome


def _environment(endpoint: str) -> dict[str, str]:
    return {
        **os.environ,
        "TEST_SERVER_MODE": "true",
        "TEST_SERVER_MODE_ENDPOINT": endpoint,
        "TESTS_SKIP_REQUIRES_DOCKER": "true",
        "AWS_ACCESS_KEY_ID": "FOOBARKEY",
        "AWS_SECRET_ACCESS_KEY": "FOOBARSECRET",
    }


def _read(report: Path, outcome: Outcome, excluded: list[str]) -> None:
    for case in ElementTree.parse(report).iter("testcase"):
        trouble = case.find("failure") if case.find("failure") is not None else case.find("error")
        test = _node_id(case)
        if test.partition("::")[0] in excluded:
            outcome.excluded += 1
        elif test in excluded or test.partition("[")[0] in excluded:
            outcome.excluded += 1
            outcome.needless += [test] if trouble is None else []
        elif case.find("skipped") is not None:
            outcome.skipped += 1
        elif trouble is None:
            outcome.passed += 1
        elif GAP.search(text := f"{trouble.get('message')} {trouble.text}"):
            outcome.not_built += 1
            missing = MISSING.search(text)
            outcome.gaps[test] = missing.group(1) if missing else "(the test names no operation)"
        else:
            outcome.failed += 1
            outcome.failures[test] = _first_line(trouble.get("message") or trouble.text or "")


def _node_id(case: ElementTree.Element) -> str:
    """`tests.test_s3.test_s3.TestX` + `test_y` -> `tests/test_s3/test_s3.py::TestX::test_y`."""
    parts = case.get("classname", "").split(".")
    module = [part for part in parts if not part[:1].isupper()]
    classes = parts[len(module) :]
    return "::".join(["/".join(module) + ".py", *classes, case.get("name", "")])


def _first_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[0][:200] if lines else ""


def table(outcomes: list[Outcome]) -> str:
    columns = ("passed", "failed", "not built", "skipped", "excluded", "passed of built")
    rows = [f"{'service':<12}" + "".join(f"{column:>{len(column) + 4}}" for column in columns)]
    for o in outcomes:
        figures = (o.passed, o.failed, o.not_built, o.skipped, o.excluded, f"{o.share:.1f}%")
        cells = zip(columns, figures, strict=True)
        rows.append(f"{o.service:<12}" + "".join(f"{figure:>{len(column) + 4}}" for column, figure in cells))
    return "\n".join(rows)


def failures(outcomes: list[Outcome]) -> str:
    lines = [f"FAILED {test}\n       {reason}" for o in outcomes for test, reason in o.failures.items()]
    gaps = Counter(what for o in outcomes for what in o.gaps.values())
    lines += [f"not built, {count} tests: {what}" for what, count in gaps.most_common()]
    lines += [f"excluded, yet it passes: {test}" for o in outcomes for test in o.needless]
    return "\n".join([*lines, ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", default=",".join(SUITES), help="as moto names them")
    parser.add_argument("--only", help="pytest's -k, for work on single tests")
    parser.add_argument("--endpoint", help="a lake that runs already (account 123456789012)")
    parser.add_argument("--json", type=Path, help="where the results go (default: in the cache)")
    options = parser.parse_args()
    source, python = suite(), environment("moto-suite", REQUIREMENTS)
    with tempfile.TemporaryDirectory(prefix="pocketlake-conformance-") as directory:
        lake = None if options.endpoint else spawned.start(Path(directory) / "lake", "--account", ACCOUNT)
        endpoint = options.endpoint or (lake.endpoint_url if lake else "")
        try:
            outcomes = [run(name, endpoint, python, source, options.only) for name in options.services.split(",")]
        finally:
            if lake is not None:
                lake.stop()
    results = options.json or cache("conformance") / "latest.json"
    results.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")
    print(f"{failures(outcomes)}\nmoto {MOTO}'s suite against Pocketlake\n{table(outcomes)}\nwritten to {results}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
