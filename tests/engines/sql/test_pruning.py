"""Which partitions survive a WHERE: certain ones go, doubtful ones stay."""

from __future__ import annotations

import pytest

from pocketlake.engines.sql import pruning

KINDS = {"day": "date", "n": "int", "region": "string"}
VALUES = {"day": "2020-01-02", "n": "7", "region": "eu"}
CASES = [
    ("region = 'eu'", True),
    ("region = 'us'", False),
    ("region IN ('us', 'eu')", True),
    ("region IN ('us')", False),
    ("n BETWEEN 1 AND 7", True),
    ("n > 7", False),
    ("7 <= n AND region <> 'us'", True),
    ("day >= DATE '2020-01-03'", False),
    ("day = CAST('2020-01-02' AS DATE)", True),
    ("NOT region = 'eu'", False),
    ("region LIKE 'e%'", True),
    ("region LIKE 'u%'", False),
    ("region = 'us' AND unknown_function(n) = 1", False),
    ("region = 'us' OR unknown_function(n) = 1", True),
    ("other = 1", True),
    ("n = 'x'", True),
]


@pytest.mark.parametrize(("condition", "expected"), CASES, ids=[case[0] for case in CASES])
def test_survives(condition: str, expected: bool) -> None:
    from sqlglot import parse_one

    assert pruning.survives([parse_one(condition, read="athena")], VALUES, KINDS) is expected


def test_a_null_partition_satisfies_no_comparison() -> None:
    from sqlglot import parse_one

    assert not pruning.survives([parse_one("region = 'eu'")], {"region": pruning.HIVE_NULL}, {"region": "string"})
