"""Blobs: a file lives as long as a committed row refers to it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pocketlake.kernel import blobs
from pocketlake.kernel.store import Store

LARGE = b"x" * (blobs.INLINE_BYTES + 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    store.migrate("kernel", blobs.MIGRATIONS)
    yield store
    store.close()


@pytest.fixture
def bytes_on_disk(store: Store, tmp_path: Path) -> Iterator[blobs.Blobs]:
    with ThreadPoolExecutor(1) as executor:
        yield blobs.Blobs(store, tmp_path / "blobs", executor)


def kept(store: Store, room: blobs.Blobs, data: bytes = LARGE) -> blobs.Blob:
    blob = room.put(data)
    store.enter()
    room.keep(blob)
    store.end_tick()
    return blob


def test_the_last_reference_takes_the_file_after_the_commit(store: Store, bytes_on_disk: blobs.Blobs) -> None:
    blob = kept(store, bytes_on_disk)
    assert blob.path is not None
    with store.transaction():
        bytes_on_disk.keep(bytes_on_disk.find(blob.id))
        bytes_on_disk.drop(blob.id)
    store.end_tick()
    assert Path(blob.path).read_bytes() == LARGE
    with store.transaction():
        bytes_on_disk.drop(blob.id)
    assert Path(blob.path).exists()
    store.end_tick()
    assert not Path(blob.path).exists()
    with pytest.raises(KeyError):
        bytes_on_disk.find(blob.id)


def test_a_drop_that_is_taken_back_leaves_the_file(store: Store, bytes_on_disk: blobs.Blobs) -> None:
    blob = kept(store, bytes_on_disk)
    assert blob.path is not None
    with pytest.raises(ZeroDivisionError), store.transaction():
        bytes_on_disk.drop(blob.id)
        raise ZeroDivisionError
    store.end_tick()
    assert Path(blob.path).read_bytes() == LARGE


def test_ids_grow_over_a_restart(store: Store, bytes_on_disk: blobs.Blobs, tmp_path: Path) -> None:
    first = [kept(store, bytes_on_disk, b"small").id for _ in range(3)]
    with ThreadPoolExecutor(1) as executor:
        later = kept(store, blobs.Blobs(store, tmp_path / "blobs", executor), b"small").id
    assert sorted([*first, later]) == [*first, later]
