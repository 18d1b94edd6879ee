"""Replication of global tables: the last writer's item stays in every region, whatever happens."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest

from pocketlake.services.dynamodb.replicas import replication
from tests.faults.mortal import Mortal
from tests.faults.writers import IMPATIENT, Writers

from .conftest import make
from .regions import EAST, EUROPE, HOME, REGIONS, Clients, connect, delete, put, replicate, statuses, values

HOUR = 3600
AT_ONCE = (0.0, 0.0)


def check_converged(lake: Any, clients: Clients, written: dict[str, str | None]) -> None:
    lake.clock.advance(2)
    wanted = {key: value for key, value in written.items() if value is not None}
    for region in REGIONS:
        assert values(clients[region]) == wanted, region


def write(chance: random.Random, clients: Clients, written: dict[str, str | None], number: int) -> None:
    """A random write in a random region; a deletion only where the item is known."""
    client, key = clients[chance.choice(REGIONS)], f"k{chance.randrange(12)}"
    kind = chance.random()
    if kind < 0.6:
        put(client, key, str(number))
        written[key] = str(number)
    elif kind < 0.8:
        gone = client.delete_item(TableName="things", Key={"p": {"S": key}}, ReturnValues="ALL_OLD")
        if "Attributes" in gone:
            written[key] = None
    else:
        items = [{"Put": {"TableName": "things", "Item": item(one, number)}} for one in ("t1", key)]
        client.transact_write_items(TransactItems=items)
        written |= {"t1": str(number), key: str(number)}


def item(key: str, number: int) -> dict[str, Any]:
    return {"p": {"S": key}, "v": {"S": str(number)}}


@pytest.mark.claim("DDB-642")
@pytest.mark.parametrize("seed", range(4))
def test_replicas_end_with_what_the_last_writer_wrote(lake, spread, seed):
    """Writes at random in three regions, the clock moved by less and more than the lag."""
    chance = random.Random(seed)
    written: dict[str, str | None] = {}
    lake.clock.set(lake.clock.now())
    for number in range(250):
        write(chance, spread, written, number)
        lake.clock.advance(chance.choice((0.001, 0.002, 0.05, 0.3, 0.7)))
    check_converged(lake, spread, written)


@pytest.mark.claim("DDB-642")
@pytest.mark.timeout(180)
def test_replicas_agree_after_kill_9(tmp_path: Path):
    """What was acknowledged in any region is in all of them in the end, wherever the lake died."""
    with Mortal(tmp_path / "lake", "--limits", "off") as mortal:
        lake, chance = mortal.lake, mortal.chance
        clients = connect(lake)
        make(clients[HOME], "things", "p:S")
        replicate(lake, clients, EAST, EUROPE)
        written: dict[str, str | None] = {}
        for number in range(4):
            for count in range(60):
                write(chance, clients, written, number * 1000 + count)
                lake.clock.advance(chance.choice((0.002, 0.1)))
            lake = mortal.die(seconds=AT_ONCE)
            clients = connect(lake)
        check_converged(lake, clients, written)


@pytest.mark.claim("DDB-642", "DDB-645")
@pytest.mark.parametrize("seed", range(3))
def test_replicas_that_come_and_go_agree(lake, clients, seed):
    """Writes of few values to few items, many in one millisecond, while replicas are made and removed."""
    chance = random.Random(seed)
    make(clients[HOME], "things", "p:S")
    lake.clock.set(lake.clock.now())
    members = [HOME]
    for _ in range(150):
        kind, region = chance.random(), chance.choice(members)
        if kind < 0.55:
            put(clients[region], f"k{chance.randrange(4)}", str(chance.randrange(3)))
        elif kind < 0.7:
            delete(clients[region], f"k{chance.randrange(4)}")
        elif kind < 0.85:
            lake.clock.advance(chance.choice((0.001, 0.2, 0.5, 1)))
        elif kind < 0.95:
            new = chance.choice(REGIONS)
            if new not in members:
                replicate(lake, clients, new, source=region)
                members.append(new)
        elif len(members) > 1 and region != HOME:
            lake.clock.advance(25 * HOUR)  # it may have been a source
            clients[HOME].update_table(TableName="things", ReplicaUpdates=[{"Delete": {"RegionName": region}}])
            members.remove(region)
    lake.clock.advance(2)
    found = [values(clients[region]) for region in members]
    assert all(one == found[0] for one in found), members


@pytest.mark.claim("DDB-642")
def test_a_new_replica_writes_later_than_all_before_it_in_the_same_millisecond(lake, clients):
    make(clients[HOME], "things", "p:S")
    replicate(lake, clients, EUROPE)
    lake.clock.freeze()
    for number in range(50):
        put(clients[HOME], "k", f"old {number}")
    clients[HOME].update_table(TableName="things", ReplicaUpdates=[{"Create": {"RegionName": EAST}}])
    lake.clock.advance(0)
    assert statuses(clients[HOME])[EAST] == "ACTIVE"
    put(clients[EAST], "k", "new")
    lake.clock.advance(2)
    assert [values(clients[region]) for region in REGIONS] == [{"k": "new"}] * 3


@pytest.mark.claim("DDB-641")
def test_more_changes_than_one_turn_sends_arrive(lake, spread, monkeypatch):
    monkeypatch.setattr(replication, "AT_ONCE", 3)
    for number in range(10):
        put(spread[HOME], "k", str(number))
        put(spread[HOME], f"k{number}")
    lake.clock.advance(2)
    assert values(spread[EAST]) == values(spread[HOME]) == {"k": "9", **{f"k{number}": "v" for number in range(10)}}


class Load(Writers):
    """Three writers at once, one in each region: each has items of its own, and all share some."""

    def __init__(self, lake: Any, chance: random.Random, name: str) -> None:
        self.acknowledged: set[str] = set()
        super().__init__(
            *(
                self._writing(lake.client("dynamodb", region=region, config=IMPATIENT), region, name, chance)
                for region in REGIONS
            )
        )

    def _writing(self, client: Any, region: str, name: str, chance: random.Random) -> Any:
        numbers = itertools.count()

        def write() -> None:
            number = next(numbers)
            own = f"{name}-{region}-{number}"
            put(client, own, region)
            self.acknowledged.add(own)
            put(client, f"shared-{chance.randrange(5)}", own)
            if number % 3 == 0:
                delete(client, f"shared-{chance.randrange(5)}")

        return write


@pytest.mark.claim("DDB-642")
@pytest.mark.timeout(180)
def test_replicas_are_equal_after_kill_9_under_load_in_all_regions(tmp_path: Path):
    """Nothing acknowledged is lost, and of what was contended all replicas have the same."""
    with Mortal(tmp_path / "lake", "--limits", "off") as mortal:
        lake = mortal.lake
        clients = connect(lake)
        make(clients[HOME], "things", "p:S")
        replicate(lake, clients, EAST, EUROPE)
        acknowledged: set[str] = set()
        for number in range(3):
            load = Load(lake, mortal.chance, str(number))
            lake = mortal.die(load)
            acknowledged |= load.acknowledged
        clients = connect(lake)
        lake.clock.advance(2)
        found = [values(clients[region]) for region in REGIONS]
        assert found[0] == found[1] == found[2]
        assert acknowledged <= found[0].keys()
        assert len(acknowledged) > 30, "there was hardly any load"


@pytest.mark.timeout(120)
def test_a_large_table_is_filled_over_kill_9(tmp_path: Path):
    with Mortal(tmp_path / "lake", "--limits", "off") as mortal:
        lake = mortal.lake
        clients = connect(lake)
        make(clients[HOME], "things", "p:S")
        for start in range(0, 3000, 25):
            puts = [{"PutRequest": {"Item": item(f"k{start + one}", 1)}} for one in range(25)]
            clients[HOME].batch_write_item(RequestItems={"things": puts})
        clients[HOME].update_table(TableName="things", ReplicaUpdates=[{"Create": {"RegionName": EAST}}])
        put(clients[HOME], "k0", "2")
        lake = mortal.die(seconds=AT_ONCE)
        clients = connect(lake)
        put(clients[HOME], "k1", "2")
        lake.clock.advance(2)
        assert statuses(clients[HOME]) == {EAST: "ACTIVE"}
        found = values(clients[EAST])
        assert len(found) == 3000
        assert {key for key, value in found.items() if value == "2"} == {"k0", "k1"}
