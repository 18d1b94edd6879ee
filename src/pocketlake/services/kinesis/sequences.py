"""Sequence numbers and shard IDs, as AWS forms them: pure rules.

A sequence number is one integer of 186 bits, written in decimal (56 digits). From the highest bit:

    2 | epoch 36 | shard 4 | counter 64 | 0 (7 bits) | between 1 | seconds 36 | shard 32 | version 4

`epoch` is the second in which the shard was opened, `counter` numbers the shard's records, `seconds` is the second of
arrival. So numbers rise strictly within a shard, across restarts, and from a parent to its children. `between` marks
a place behind the record of that counter and before the next one, which is what a subscription goes on from.
Source: the layout is the one observed on AWS by kinesalite (db/index.js, version 2).
"""

from __future__ import annotations

import re
from typing import NamedTuple

VERSION = 2
COUNTER_BITS = 80  # how far the counter stands from the lowest bit
COUNTER_STEP = 1 << COUNTER_BITS
BETWEEN = 1 << 72
HEAD = 2 << 184
LARGEST_SHARD = 2**31 - 1
SHARD_ID = re.compile(r"(?:shardId-)?(\d{1,12})")


class Sequence(NamedTuple):
    epoch: int
    shard: int
    counter: int
    seconds: int
    is_between: bool = False


def number(epoch: int, shard: int, counter: int, seconds: int, is_between: bool = False) -> int:
    """The sequence number. Adding COUNTER_STEP gives the next of the same second."""
    head = HEAD | epoch << 148 | (shard & 15) << 144
    return head | counter << COUNTER_BITS | is_between << 72 | seconds << 36 | shard << 4 | VERSION


def parse(text: str) -> Sequence:
    """Raises ValueError when it is no sequence number of this form."""
    value = int(text)
    sequence = Sequence(
        epoch=(value >> 148) & (2**36 - 1),
        shard=(value >> 4) & (2**32 - 1),
        counter=(value >> COUNTER_BITS) & (2**64 - 1),
        seconds=(value >> 36) & (2**36 - 1),
        is_between=bool(value & BETWEEN),
    )
    if number(*sequence) != value or sequence.shard > LARGEST_SHARD:
        raise ValueError(f"{text} is no sequence number")
    return sequence


def shard_id(shard: int) -> str:
    return f"shardId-{shard:012d}"


def shard_number(name: str) -> int | None:
    """`shardId-000000000003`, and as AWS takes them also `3`: 3. None when it names no shard."""
    match = SHARD_ID.fullmatch(name)
    if match is None or int(match[1]) > LARGEST_SHARD:
        return None
    return int(match[1])
