"""A table's journal: the table as it was after any change, read in pages while it goes on changing."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

import pocketlake
from pocketlake.embedded import EmbeddedLake
from pocketlake.kernel.store import Store
from pocketlake.services.dynamodb import history, journal, store
from pocketlake.services.dynamodb.journal import Change
from pocketlake.services.dynamodb.store import Place

from .conftest import make

OWNER = 7
State = dict[tuple[bytes, bytes], bytes]


class Table:
    """Items and their journal, and beside them every state there was."""

    def __init__(self, directory: Path) -> None:
        self.db = Store(directory, "memory")
        self.db.migrate("dynamodb", store.MIGRATIONS)
        self.state: State = {}
        self.past: dict[int, State] = {0: {}}

    def change(self, key: tuple[bytes, bytes], new: bytes | None) -> None:
        sequence, old = max(self.past) + 1, self.state.pop(key, None)
        if new is None:
            store.delete(self.db, OWNER, *key)
        else:
            store.put(self.db, OWNER, *key, len(new), new)
            self.state[key] = new
        change = Change(sequence, "", *key, len(old or b""), old, len(new or b""), new)
        journal.put(self.db, OWNER, change)
        self.past[sequence] = dict(self.state)

    def as_of(self, at: int, most: int, meanwhile: random.Random | None = None) -> State:
        found: State = {}
        after: Place | None = None
        while True:
            page, after = history.page_as_of(self.db, OWNER, at, after, most)
            for hash, sort, size, body in page:
                assert (hash, sort) not in found
                assert size == len(body)
                found[hash, sort] = body
            if after is None:
                return found
            if meanwhile is not None:
                self.change(*anything(meanwhile))


def anything(chance: random.Random) -> tuple[tuple[bytes, bytes], bytes | None]:
    key = (b"h%d" % chance.randrange(4), b"s%d" % chance.randrange(4))
    return key, None if chance.random() < 0.4 else b"x" * chance.randrange(1, 9)


@pytest.mark.parametrize("seed", range(20))
def test_a_table_as_it_was(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    table = Table(tmp_path)
    for _ in range(60):
        table.change(*anything(chance))
    for at in range(61):
        assert table.as_of(at, most=chance.choice([1, 2, 5, 100])) == table.past[at]
    for at in range(0, 61, 6):
        assert table.as_of(at, most=2, meanwhile=chance) == table.past[at]


def test_emptied_since(tmp_path: Path) -> None:
    table = Table(tmp_path)
    for number in range(10):
        table.change((b"h", b"%d" % number), b"old")
    for number in range(10):
        table.change((b"h", b"%d" % number), None)
    assert table.as_of(10, most=3) == {(b"h", b"%d" % number): b"old" for number in range(10)}
    assert table.as_of(20, most=3) == {}


def test_sequences_name_moments() -> None:
    for moment in (0.0, 1_700_000_000.123, 7_900_000_000.5):  # the last in the year 2220
        sequence = history.sequence_at(moment)
        assert sequence < 2**63
        assert history.moment(sequence) == pytest.approx(moment, abs=0.001)
        assert history.sequence_at(moment + 0.002) > sequence


def test_all_pages_together_read_the_journal_once(tmp_path: Path) -> None:
    """Counted in steps of SQLite's machine: a table with a long journal costs what its length costs, not its square."""

    def steps(count: int) -> int:
        table = Table(tmp_path)
        with table.db.transaction():
            for number in range(count):
                store.put(table.db, OWNER, b"%06d" % number, b"", 3, b"new")
                journal.put(table.db, OWNER, Change(number + 1, "", b"%06d" % number, b"", 0, None, 3, b"new"))
        table.state = {(b"%06d" % number, b""): b"new" for number in range(count)}
        counted = [0]
        table.db.db.set_progress_handler(lambda: counted.__setitem__(0, counted[0] + 1) or False, 100)
        assert len(table.as_of(count, most=50)) == count
        return counted[0]

    few, many = steps(500), steps(4000)
    assert many < 12 * few


def test_a_table_that_nobody_follows_any_more_has_no_journal(tmp_path: Path) -> None:
    def changes() -> int:
        with sqlite3.connect(tmp_path / "lake.sqlite") as db:
            (found,) = db.execute("SELECT count(*) FROM dynamodb_changes").fetchone()
        return int(found)

    def put(lake: EmbeddedLake, name: str) -> None:
        lake.client("dynamodb").put_item(TableName="things", Item={"p": {"S": name}})

    with pocketlake.run(tmp_path) as lake:
        dynamodb = lake.client("dynamodb")
        make(dynamodb, "things", "p:S", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        put(lake, "a")
        dynamodb.update_table(TableName="things", StreamSpecification={"StreamEnabled": False})
        put(lake, "b")
    assert changes() == 2
    with pocketlake.run(tmp_path) as lake:
        lake.clock.advance(days=2)
        put(lake, "c")
    assert changes() == 0
