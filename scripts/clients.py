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
    "celery": ("celery[sqs]>=5.4,<6",),
    "pynamodb": ("pynamodb>=6.0,<7",),
}

# Producers and consumers of streams, each with a test of its own. amazon_kclpy brings its jars from Maven Central.
STREAMS: dict[str, tuple[str, ...]] = {
    "sqs_extended": ("amazon-sqs-extended-client>=1.0.1",),
    "kpl": ("aws_kinesis_agg==1.2.3", "six>=1.16", "boto3>=1.40"),
    "kcl": ("amazon_kclpy==3.1.3", "aws_kinesis_agg==1.2.3", "six>=1.16"),
}
CACHES: dict[str, tuple[str, ...]] = {"amazondax": ("amazon-dax-client>=2.1,<3", "boto3>=1.40")}
ALL = {**CLIENTS, **STREAMS, **CACHES}


def find(name: str) -> Path | None:
    return environments.find(f"client-{name}", ALL[name])


def make(name: str) -> Path:
    return environments.environment(f"client-{name}", ALL[name])


def main(names: list[str]) -> int:
    for name in names or (*ALL, *runtimes.NODE, *runtimes.JAVA):
        if name in ALL:
            print(f"{name}: {make(name)}")
        elif program := runtimes.missing(name):
            print(f"{name}: not made, there is no {program} here")
        else:
            print(f"{name}: {runtimes.make(name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
