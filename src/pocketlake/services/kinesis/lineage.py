"""How shards become other shards: which to split and which to merge. Pure rules over hash ranges.

AWS grows a stream by splitting every shard, and merges what is too much: 4 shards to 5 closes ten of fifteen, 10 to 13
closes 24 of 37. It shrinks by merging alone. Source: counted on AWS by moto's contributors (test_update_shard_count).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import NamedTuple


class Piece(NamedTuple):
    """An open shard: its number, both ends of its hash range, and the load it bears (0 where load does not matter)."""

    number: int
    low: int
    high: int
    load: float = 0.0

    @property
    def width(self) -> int:
        return self.high - self.low + 1


class Split(NamedTuple):
    """`at` is the first hash key of the second child; the children are the next two numbers."""

    parent: int
    at: int


class Merge(NamedTuple):
    """Two shards, the lower range first; the child is the next number."""

    parent: int
    adjacent: int


Step = Split | Merge


class Lineage:
    """Open shards under change: `steps` is what has to be done, in order; `pieces` what is open after it."""

    def __init__(self, pieces: Iterable[Piece], following: int) -> None:
        """`following` is the number of the next shard to be made."""
        self.pieces = sorted(pieces, key=lambda piece: piece.low)
        self.following = following
        self.steps: list[Step] = []

    def split_until(self, count: int, above: float = -1.0) -> None:
        """Halve the shard with most load, among equals the widest, until `count` are open or none can be split.

        Only those that bear more than `above`.
        """
        heap = [(-piece.load, -piece.width, piece.low, piece) for piece in self.pieces]
        heapq.heapify(heap)
        done: list[Piece] = []
        while heap and len(heap) + len(done) < count and -heap[0][0] > above:
            piece = heapq.heappop(heap)[3]
            if piece.width < 4:  # AWS splits no narrower ones
                done.append(piece)
                continue
            for child in self._halves(piece):
                heapq.heappush(heap, (-child.load, -child.width, child.low, child))
        self.pieces = sorted([*done, *(entry[3] for entry in heap)], key=lambda piece: piece.low)

    def _halves(self, piece: Piece) -> tuple[Piece, Piece]:
        at = piece.low + piece.width // 2
        self.steps.append(Split(piece.number, at))
        low = Piece(self.following, piece.low, at - 1, piece.load / 2)
        high = Piece(self.following + 1, at, piece.high, piece.load / 2)
        self.following += 2
        return low, high

    def merge_until(self, count: int) -> None:
        """Merge neighbours, those with least load and then the narrowest first, in rounds, until `count` are open."""
        while len(self.pieces) > max(count, 1):
            pairs = sorted(
                range(len(self.pieces) - 1),
                key=lambda at: (
                    self.pieces[at].load + self.pieces[at + 1].load,
                    self.pieces[at].width + self.pieces[at + 1].width,
                    at,
                ),
            )
            taken: set[int] = set()
            for at in pairs:
                if len(self.pieces) - len(taken) // 2 > count and not {at, at + 1} & taken:
                    taken |= {at, at + 1}
            self.pieces = self._merged(taken)

    def _merged(self, taken: set[int]) -> list[Piece]:
        """`taken` holds the places of whole pairs; two that touch are told apart by going from the left."""
        result: list[Piece] = []
        at = 0
        while at < len(self.pieces):
            piece = self.pieces[at]
            if at in taken:
                other = self.pieces[at + 1]
                self.steps.append(Merge(piece.number, other.number))
                piece = Piece(self.following, piece.low, other.high, piece.load + other.load)
                self.following += 1
                at += 1
            result.append(piece)
            at += 1
        return result


def resized(pieces: list[Piece], following: int, count: int, at_once: bool = False) -> list[Step]:
    """From as many shards as there are to `count`, of as equal size as halving gives.

    UpdateShardCount doubles the shards before it merges; `at_once` splits only as many as are wanted.
    """
    lineage = Lineage(pieces, following)
    if count > len(pieces):
        lineage.split_until(count if at_once else max(count, 2 * len(pieces)))
    lineage.merge_until(count)
    return lineage.steps
