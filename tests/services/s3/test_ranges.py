"""Byte ranges, as tables."""

from __future__ import annotations

import pytest

from pocketlake.services.s3 import ranges

UNSATISFIABLE = "unsatisfiable"


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        (None, 10, None),
        ("bytes=0-4", 10, (0, 5)),
        ("bytes=3-3", 10, (3, 1)),
        ("bytes=3-", 10, (3, 7)),
        ("bytes=3-99999999999999999999", 10, (3, 7)),
        ("bytes=-4", 10, (6, 4)),
        ("bytes=-99", 10, (0, 10)),
        ("bytes = 1 - 2", 10, (1, 2)),
        ("bytes=10-", 10, UNSATISFIABLE),
        ("bytes=-0", 10, UNSATISFIABLE),
        ("bytes=0-", 0, UNSATISFIABLE),
        ("bytes=-1", 0, UNSATISFIABLE),
        ("bytes=4-3", 10, None),
        ("bytes=-", 10, None),
        ("bytes=0-1,3-4", 10, None),
        ("items=0-1", 10, None),
        ("bytes=a-b", 10, None),
    ],
)
def test_range_header(header: str | None, size: int, expected: tuple[int, int] | str | None) -> None:
    if expected == UNSATISFIABLE:
        with pytest.raises(ranges.Unsatisfiable):
            ranges.span(header, size)
    else:
        assert ranges.span(header, size) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=2-3", (2, 2)),
        ("bytes=0-10", ranges.Unsatisfiable),
        ("bytes=3-2", ValueError),
        ("bytes=-3", ValueError),
        ("bytes=3-", ValueError),
        ("0-3", ValueError),
    ],
)
def test_copy_source_range_has_both_ends_within_the_source(
    header: str, expected: tuple[int, int] | type[Exception]
) -> None:
    if isinstance(expected, tuple):
        assert ranges.copied_span(header, 10) == expected
    else:
        with pytest.raises(expected):
            ranges.copied_span(header, 10)
