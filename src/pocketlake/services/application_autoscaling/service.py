"""The service's declaration."""

from __future__ import annotations

from pocketlake.kernel.service import Service

from . import store

autoscaling = Service("application-autoscaling", migrations=store.MIGRATIONS)
errors = autoscaling.errors
