"""Conditional requests: the table of RFC 9110 and of S3's own rules."""

from __future__ import annotations

from typing import Any

import pytest

from pocketlake.kernel.errors import ServiceError
from pocketlake.services.s3 import conditions
from pocketlake.services.s3.store import Version

ETAG, OTHER, WRITTEN = "abc", '"xyz"', 1000.0

CASES = [
    ({}, None),
    ({"IfMatch": '"abc"'}, None),
    ({"IfMatch": "abc"}, None),
    ({"IfMatch": "*"}, None),
    ({"IfMatch": f'{OTHER}, "abc"'}, None),
    ({"IfMatch": OTHER}, "IfMatch"),
    ({"IfNoneMatch": OTHER}, None),
    ({"IfNoneMatch": 'W/"abc"'}, "IfNoneMatch"),
    ({"IfNoneMatch": "*"}, "IfNoneMatch"),
    ({"IfModifiedSince": 999.0}, None),
    ({"IfModifiedSince": 1000.0}, "IfModifiedSince"),
    ({"IfUnmodifiedSince": 1000.0}, None),
    ({"IfUnmodifiedSince": 999.0}, "IfUnmodifiedSince"),
    ({"IfMatch": ETAG, "IfUnmodifiedSince": 1.0}, None),
    ({"IfNoneMatch": OTHER, "IfModifiedSince": 2000.0}, None),
    ({"IfNoneMatch": ETAG, "IfModifiedSince": 1.0}, "IfNoneMatch"),
]


@pytest.mark.parametrize(("request_members", "failed"), CASES)
def test_reads(request_members: dict[str, Any], failed: str | None) -> None:
    assert conditions.failed(request_members, ETAG, WRITTEN) == failed


@pytest.mark.parametrize(("request_members", "failed"), CASES)
def test_the_source_of_a_copy_has_the_same_rules(request_members: dict[str, Any], failed: str | None) -> None:
    source = {f"CopySource{name}": value for name, value in request_members.items()}
    expected = None if failed is None else f"CopySource{failed}"
    assert conditions.failed(source, ETAG, WRITTEN, "CopySource") == expected


def version(is_marker: int = 0) -> Version:
    return Version("k", "null", is_marker, WRITTEN, 1, ETAG, "b", None, "STANDARD", "", b"{}", None)


@pytest.mark.parametrize(
    ("request_members", "existing", "code"),
    [
        ({}, None, None),
        ({"IfNoneMatch": "*"}, None, None),
        ({"IfNoneMatch": "*"}, version(is_marker=1), None),
        ({"IfNoneMatch": "*"}, version(), "PreconditionFailed"),
        ({"IfNoneMatch": ETAG}, version(), "NotImplemented"),
        ({"IfMatch": ETAG}, version(), None),
        ({"IfMatch": OTHER}, version(), "PreconditionFailed"),
        ({"IfMatch": ETAG}, None, "NoSuchKey"),
        ({"IfMatch": ETAG}, version(is_marker=1), "NoSuchKey"),
    ],
)
def test_writes(request_members: dict[str, Any], existing: Version | None, code: str | None) -> None:
    try:
        conditions.check_write(request_members, "k", existing)
    except ServiceError as error:
        assert error.code == code
    else:
        assert code is None
