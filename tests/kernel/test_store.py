"""The tick: one commit for a turn's calls, answers after it; a refused call takes back its own writes and no others."""

import asyncio

import apsw
import pytest

from pocketlake.kernel.store import CHECKPOINT_PAGES, Store, _checkpoint


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    store.migrate("test", ["CREATE TABLE kept (value INTEGER CHECK (value < 100))"])
    store.end_tick()
    yield store
    store.close()


def values(store: Store, committed: bool = False) -> list[int]:
    source = store.reader() if committed else store
    return [value for (value,) in source.execute("SELECT value FROM kept ORDER BY value")]


def test_answers_wait_for_the_commit_of_their_turn(store):
    async def scenario():
        store.attach(asyncio.get_running_loop())
        seen = []
        store.after_commit(lambda _: seen.append(values(store, committed=True)), "answer")
        store.execute("INSERT INTO kept VALUES (1)")
        before = list(seen), values(store, committed=True)
        await asyncio.sleep(0.01)
        return before, seen

    before, after = asyncio.run(scenario())
    assert before == ([], [])
    assert after == [[1]]


def test_a_failed_block_takes_back_its_writes_only(store):
    store.execute("INSERT INTO kept VALUES (1)")
    undone = []
    with pytest.raises(RuntimeError), store.transaction():
        store.undo(lambda: undone.append("inner"))
        store.execute("INSERT INTO kept VALUES (2)")
        raise RuntimeError
    store.execute("INSERT INTO kept VALUES (3)")
    store.end_tick()
    assert values(store) == [1, 3]
    assert undone == ["inner"]


def test_undo_of_an_inner_block_runs_when_the_outer_one_fails(store):
    undone = []
    with pytest.raises(RuntimeError), store.transaction():
        with store.transaction():
            store.undo(lambda: undone.append("inner"))
        raise RuntimeError
    assert undone == ["inner"]


def test_a_commit_that_fails_refuses_every_answer_of_the_turn(store):
    store.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    store.execute("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    store.execute("PRAGMA foreign_keys = ON")
    answers, undone = [], []
    store.after_commit(answers.append, "yes", "refused")
    store.undo(lambda: undone.append(True))
    store.execute("INSERT INTO kept VALUES (1)")
    store.execute("INSERT INTO child VALUES (7)")  # the deferred constraint breaks at COMMIT
    store.end_tick()
    assert answers == ["refused"]
    assert undone == [True]
    assert values(store) == []


def test_migrations_run_once_and_in_order(store):
    scripts = ["CREATE TABLE kept (value INTEGER)", "ALTER TABLE kept ADD COLUMN extra TEXT"]
    store.migrate("test", scripts)
    store.migrate("test", scripts)
    assert store.one("SELECT count(*) FROM migrations WHERE room = 'test'") == (2,)


INSERT = "INSERT INTO kept VALUES (?)"


def test_appended_rows_are_there_for_the_next_statement_and_in_the_commit(store):
    store.append(INSERT, (1,))
    store.append(INSERT, (2,))
    assert values(store) == [1, 2]
    store.append(INSERT, (3,))
    store.end_tick()
    assert values(store, committed=True) == [1, 2, 3]


@pytest.mark.parametrize("statement", [False, True])
def test_a_failed_block_takes_back_its_appended_rows_only(store, statement):
    store.append(INSERT, (1,))
    with pytest.raises(RuntimeError), store.transaction():
        store.append(INSERT, (2,))
        if statement:
            assert values(store) == [1, 2]
            store.append(INSERT, (3,))
        raise RuntimeError
    store.append(INSERT, (4,))
    store.end_tick()
    assert values(store, committed=True) == [1, 4]


@pytest.mark.parametrize("reads", [(), ("outer",), ("inner",), ("outer", "inner"), ("after",)])
def test_blocks_nest_wherever_the_first_statement_comes(store, reads):
    def read(place):
        if place in reads:
            values(store)

    with store.transaction():
        store.append(INSERT, (1,))
        read("outer")
        with pytest.raises(RuntimeError), store.transaction():
            store.append(INSERT, (2,))
            read("inner")
            raise RuntimeError
        store.append(INSERT, (3,))
        with store.transaction():
            store.append(INSERT, (4,))
        read("after")
        store.append(INSERT, (5,))
    store.end_tick()
    assert values(store, committed=True) == [1, 3, 4, 5]


def test_a_row_that_cannot_be_written_refuses_the_whole_turn(store):
    """Who appended it has its answer ready, so no answer of that turn may go out."""
    answers = []
    store.after_commit(answers.append, "yes", "refused")
    store.append(INSERT, (100,))  # against the table's CHECK
    with pytest.raises(apsw.Error), store.transaction():
        values(store)
    store.execute(INSERT, (2,))
    store.end_tick()
    assert answers == ["refused"]
    assert values(store) == []
    store.append(INSERT, (3,))
    store.end_tick()
    assert values(store, committed=True) == [3]


def test_what_is_read_beside_the_loop_has_this_turns_writes(store):
    async def scenario():
        store.attach(asyncio.get_running_loop())
        store.enter()
        store.append(INSERT, (1,))
        store.execute(INSERT, (2,))
        return await store.beside(lambda db: db.execute("SELECT value FROM kept ORDER BY value").fetchall())

    assert asyncio.run(scenario()) == [(1,), (2,)]


def fill(store: Store, pages: int) -> None:
    store.enter()
    store.executemany("INSERT INTO large VALUES (?)", [(bytes(8000),)] * pages)
    store.end_tick()


def test_a_thread_copies_the_log(store):
    store.migrate("large", ["CREATE TABLE large (value BLOB)"])
    fill(store, 1000)
    assert _checkpoint(store.path) == store._log_pages > 1000


def test_the_log_begins_again_when_it_was_copied(store):
    store.migrate("large", ["CREATE TABLE large (value BLOB)"])

    async def scenario():
        store.attach(asyncio.get_running_loop())
        for _ in range(3):
            fill(store, CHECKPOINT_PAGES // 2)
            await asyncio.sleep(0)
        assert store._checkpointing
        while store._checkpointing:
            await asyncio.sleep(0.01)
        fill(store, 1)

    asyncio.run(scenario())
    assert store._log_pages < 10
