"""Makes the environments of the third-party clients in tests/clients: one each, since their pins exclude each other.

`python -m scripts.clients [NAME ...]`
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts import environments, runtimes

CLIENTS: dict[str, tuple[str, ...]] = {
    "awscli": ("awscli>=1.40,<2",),
    "s3fs": ("s3fs>=2025.3",),
    "awswrangler": ("awswrangler>=3.12", "setuptools<81"),
    "pyathena": ("PyAthena[pandas]>=3.12",),
    "polars": ("polars>=1.20", "obstore>=0.6"),
}


def find(name: str) -> Path | None:
    return environments.find(f"client-{name}", CLIENTS[name])


def make(name: str) -> Path:
    return environments.environment(f"client-{name}", CLIENTS[name])


def main(names: list[str]) -> int:
    for name in names or (*CLIENTS, *runtimes.NODE, *runtimes.JAVA):
        if name in CLIENTS:
            print(f"{name}: {make(name)}")
        elif program := runtimes.missing(name):
            print(f"{name}: not made, there is no {program} here")
        else:
            print(f"{name}: {runtimes.make(name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
