"""Keys, their order, and the walk over them."""

from __future__ import annotations

import bisect
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketlake.kernel.errors import ServiceError
from pocketlake.services.s3 import keys, listing
from pocketlake.services.s3.buckets import is_valid_name

TEXT = st.text(alphabet="ab/\0é\uffff\U0010ffff", max_size=6)


@given(TEXT, TEXT)
def test_after_prefix_bounds_all_keys_with_the_prefix(prefix: str, key: str) -> None:
    stop = keys.after_prefix(prefix)
    inside = key >= prefix and (isinstance(stop, bytes) or key < stop)
    assert inside == key.startswith(prefix)


@given(TEXT, TEXT)
def test_text_order_is_the_order_of_utf8_bytes(first: str, second: str) -> None:
    assert (first < second) == (first.encode() < second.encode())


@pytest.mark.parametrize(
    ("key", "is_fine"), [("k" * 1024, True), ("k" * 1025, False), ("é" * 512, True), ("é" * 513, False)]
)
def test_keys_have_1024_bytes_at_most(key: str, is_fine: bool) -> None:
    if is_fine:
        assert keys.check(key) == key
    else:
        with pytest.raises(ServiceError, match="Your key is too long"):
            keys.check(key)


@given(st.sets(TEXT.filter(bool), max_size=25), TEXT, st.sampled_from(["", "/", "a", "//"]), st.integers(1, 5))
def test_pages_together_are_the_whole_listing(names: set[str], prefix: str, delimiter: str, limit: int) -> None:
    """Whatever the page size, the pages joined are the keys and common prefixes, each once, in order."""
    ordered = sorted(names)
    expected: list[str] = []
    for name in ordered:
        if name.startswith(prefix):
            cut = name.find(delimiter, len(prefix)) if delimiter else -1
            shown = name if cut < 0 else name[: cut + len(delimiter)]
            if shown not in expected:
                expected.append(shown)

    def rows_from(start: str) -> Iterator[tuple[str]]:
        stop = keys.after_prefix(prefix)
        for name in ordered[bisect.bisect_left(ordered, start) :]:
            if isinstance(stop, bytes) or name < stop:
                yield (name,)

    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = listing.walk(rows_from, prefix, delimiter, after, limit)
        assert len(page.rows) + len(page.prefixes) <= limit
        found += sorted([row[0] for row in page.rows] + page.prefixes)
        after = page.last
    assert found == expected


def test_a_delimiter_listing_reads_no_more_than_it_shows() -> None:
    """Ten folders of a thousand keys each cost ten seeks, not ten thousand rows."""
    ordered = [f"{folder}/{number:04}" for folder in range(10) for number in range(1000)]
    read = 0

    def rows_from(start: str) -> Iterator[tuple[str]]:
        nonlocal read
        for name in ordered[bisect.bisect_left(ordered, start) :]:
            read += 1
            yield (name,)

    page = listing.walk(rows_from, "", "/", "", 1000)
    assert page.prefixes == [f"{folder}/" for folder in range(10)]
    assert read == 10


@pytest.mark.parametrize(
    ("name", "is_valid"),
    [
        ("abc", True),
        ("my-bucket.2026", True),
        ("a" * 63, True),
        ("ab", False),
        ("a" * 64, False),
        ("Upper", False),
        ("under_score", False),
        ("-start", False),
        ("end-", False),
        ("two..dots", False),
        ("192.168.5.4", False),
        ("xn--bucket", False),
        ("sthree-bucket", False),
        ("bucket-s3alias", False),
        ("bucket--x-s3", False),
    ],
)
def test_bucket_names(name: str, is_valid: bool) -> None:
    assert is_valid_name(name) == is_valid
