"""The service's declaration: what its operations register with."""

from __future__ import annotations

from pocketlake.kernel.service import Service

from . import store

firehose = Service("firehose", migrations=store.MIGRATIONS)
errors = firehose.errors
