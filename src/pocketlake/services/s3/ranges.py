"""Byte ranges: the Range header, and CopyObject's stricter one. Pure rules."""

from __future__ import annotations

import re

RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*")


class Unsatisfiable(ValueError):
    """The range begins past the object's end."""


def span(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and length that a Range header asks for, of an object of `size` bytes.

    None means the whole object: without a header, and where it is no single byte range (RFC 9110, 14.2: what can't be
    understood is ignored). Raises Unsatisfiable.
    """
    found = RANGE.fullmatch(header) if header else None
    if found is None:
        return None
    first, last = found[1], found[2]
    if not first:
        if not last:
            return None
        length = min(int(last), size)
        if length == 0:
            raise Unsatisfiable(header)
        return size - length, length
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable(header)
    stop = min(int(last), size - 1) if last else size - 1
    return start, stop - start + 1


def copied_span(header: str, size: int) -> tuple[int, int]:
    """First byte and length of an x-amz-copy-source-range, which has both ends and lies within the source.

    Raises ValueError for another form, Unsatisfiable when it leaves the source.
    """
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", header)
    if found is None or int(found[2]) < int(found[1]):
        raise ValueError(header)
    start, stop = int(found[1]), int(found[2])
    if stop >= size:
        raise Unsatisfiable(header)
    return start, stop - start + 1
