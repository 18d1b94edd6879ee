"""Lists of attributes' names, each with a number: on the wire an item is the number and its values.

Clients remember numbers for as long as they live, so a number means the same list for ever, over restarts and resets:
it is made of the names. A reset forgets it, until the names are seen again.
"""

from __future__ import annotations

from hashlib import sha256

import orjson

from pocketlake.kernel.call import Call

from . import quotas
from .service import refuse

EMPTY = 1  # the list without names, as all clients know
LARGEST = 1 << 53  # JavaScript counts exactly up to here
REMEMBERED, LONGEST_REMEMBERED = 20_000, 4096  # lists, bytes of one

Names = tuple[str, ...]


def number_of(call: Call, names: Names) -> int:
    """The list's number, which it gets when it is seen for the first time."""
    if not names:
        return EMPTY
    known: int | None = call.memory.get(names)
    if known is None:
        body = orjson.dumps(names)
        if len(body) > quotas.NAMES_BYTES.value:
            raise refuse(f"A list of attributes' names has at most {quotas.NAMES_BYTES.value:.0f} bytes")
        known = _define(call, body)
        _remember(call, known, names, len(body))
    return known


def _define(call: Call, body: bytes) -> int:
    """A number of 52 bits, which JavaScript counts exactly, made of the names; the next one where it is taken."""
    number = int.from_bytes(sha256(body).digest()[:7], "big") >> 4
    while True:
        number |= 1 << 51
        # The primary key serves these.
        row = call.db.one("SELECT names FROM dax_attribute_lists WHERE id = ?", (number,))
        if row is None:
            call.db.enter()
            call.db.execute("INSERT INTO dax_attribute_lists VALUES (?, ?)", (number, body))
        elif bytes(row[0]) != body:
            number += 1
            continue
        return number


def names_of(call: Call, number: int) -> Names:
    """ValidationException where no list has this number."""
    if number == EMPTY:
        return ()
    known: Names | None = call.memory.get(number)
    if known is None:
        row = None
        if 0 < number < LARGEST:  # clients may say any
            # The primary key serves this.
            row = call.db.one("SELECT names FROM dax_attribute_lists WHERE id = ?", (number,))
        if row is None:
            raise refuse(f"Unknown attribute list: {number}")
        known = tuple(orjson.loads(row[0]))
        _remember(call, number, known, len(row[0]))
    return known


def _remember(call: Call, number: int, names: Names, size: int) -> None:
    if size > LONGEST_REMEMBERED:
        return
    memory = call.memory
    if len(memory) >= REMEMBERED:
        memory.clear()
    memory[names], memory[number] = number, names

    def forget() -> None:
        memory.pop(names, None)
        memory.pop(number, None)

    call.undo(forget)
