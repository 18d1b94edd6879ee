"""Where values end: a scanner that goes on where the bytes stopped, so a slow sender costs no second look.

It bounds what a stranger can send before anything is built from it: depth, and bytes altogether.
"""

from __future__ import annotations

from .. import quotas

MOST_LEVELS = int(quotas.LEVELS.value)
MOST_BYTES = int(quotas.REQUEST_BYTES.value)
BREAK = 0xFF
ARGUMENT_BYTES = {24: 1, 25: 2, 26: 4, 27: 8}
ENDLESS = -1


class Malformed(Exception):
    """These bytes are no CBOR, or more than a request may have: the connection cannot go on."""


class Scanner:
    """Looks through values at the beginning of a growing buffer."""

    __slots__ = ("_most_bytes", "_open", "at", "wanted")

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self.at = 0  # bytes known to be part of whole values or their heads
        self.wanted = 0  # bytes that have to be there before looking again is of use
        self._open: list[int] = []  # values still to come, of each container

    def expect(self, values: int) -> None:
        """`values` more from here on."""
        assert not self._open
        if values:
            self._open.append(values)

    def scan(self, data: bytes | bytearray) -> bool:
        """Whether all that is expected is there. Raises Malformed."""
        size, open_, at = len(data), self._open, self.at
        while open_:
            if at >= size:
                return self._wait(at, at + 1)
            first = data[at]
            if first == BREAK and open_[-1] == ENDLESS:
                open_.pop()
                at += 1
                _count(open_)
                continue
            major, low = first >> 5, first & 31
            if low < 24:
                argument, end = low, at + 1
            elif low in ARGUMENT_BYTES:
                end = at + 1 + ARGUMENT_BYTES[low]
                if end > size:
                    return self._wait(at, end)
                argument = int.from_bytes(data[at + 1 : end], "big")
            elif low == 31 and 2 <= major <= 5:
                argument, end = ENDLESS, at + 1
            else:
                raise Malformed("no CBOR")
            if major == 2 or major == 3:
                if argument != ENDLESS:
                    end += argument
                    if end > size:
                        return self._wait(at, end)
            elif major == 4 or major == 5:
                if argument > self._most_bytes:
                    raise Malformed("a container too large")
                argument = argument * 2 if major == 5 and argument > 0 else argument
            at = end
            if major == 6:
                continue  # a tag belongs to the value behind it
            if argument == ENDLESS or (major in (4, 5) and argument > 0):
                if len(open_) >= MOST_LEVELS:
                    raise Malformed("nested too deeply")
                open_.append(argument)
                continue
            _count(open_)
        self.at = self.wanted = at
        return True

    def _wait(self, at: int, wanted: int) -> bool:
        if wanted > self._most_bytes:
            raise Malformed("a request too large")
        self.at, self.wanted = at, wanted
        return False


def _count(open_: list[int]) -> None:
    """One value more is whole, and so may be the containers that it ended."""
    while open_ and open_[-1] != ENDLESS:
        open_[-1] -= 1
        if open_[-1]:
            return
        open_.pop()
