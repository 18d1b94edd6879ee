"""Pocketlake: the AWS data platform in one process.

import pocketlake

with pocketlake.run() as lake:
    lake.client("s3").create_bucket(Bucket="raw")
    lake.clock.advance(hours=24)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketlake.embedded import EmbeddedLake, run

__version__ = "0.1.0"
__all__ = ["EmbeddedLake", "__version__", "run"]


def __getattr__(name: str) -> object:
    # The command line starts faster without what only embedding needs.
    if name in {"run", "EmbeddedLake"}:
        from pocketlake import embedded

        return getattr(embedded, name)
    raise AttributeError(f"module 'pocketlake' has no attribute {name!r}")
