"""A lake that dies of kill -9, at random moments and as often as one likes.

POCKETLAKE_FAULT_ROUNDS says how often (2 by default, 20 in `make faults`), POCKETLAKE_FAULT_SEED repeats its choices.
"""

from __future__ import annotations

import os
import random
import time
from functools import partial
from pathlib import Path
from typing import Any, Self

from pocketlake import spawned
from pocketlake.spawned import SpawnedLake

from .writers import Writers

ROUNDS = int(os.environ.get("POCKETLAKE_FAULT_ROUNDS", "2"))
SEED = int(os.environ.get("POCKETLAKE_FAULT_SEED", str(random.SystemRandom().randrange(2**32))))
LOAD_SECONDS = (0.3, 2.0)


class Mortal:
    """`lake` is the one that lives; all are in one directory. A context that leaves none behind."""

    def __init__(self, directory: Path, *options: str) -> None:
        print(f"POCKETLAKE_FAULT_SEED={SEED}")
        self.chance = random.Random(SEED)
        self._spawn = partial(spawned.start, directory, *options)
        self.lake = self._spawn()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        if self.lake.process.poll() is None:
            self.lake.kill()

    def die(self, load: Writers | None = None, seconds: tuple[float, float] = LOAD_SECONDS) -> SpawnedLake:
        """Kill the lake some seconds into what `load` does; the one that takes its place."""
        self.kill(load, seconds)
        return self.rise()

    def kill(self, load: Writers | None = None, seconds: tuple[float, float] = LOAD_SECONDS) -> None:
        if load is not None:
            load.start()
        time.sleep(self.chance.uniform(*seconds))  # the moment of death is what these tests are about
        self.lake.kill()
        if load is not None:
            load.join()

    def rise(self) -> SpawnedLake:
        self.lake = self._spawn()
        return self.lake
