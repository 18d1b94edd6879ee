"""What runs, operation by operation: asked of the services themselves, so that it can't be wrong."""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING, Any

from pocketlake import services
from pocketlake.gateway.model import load

if TYPE_CHECKING:
    from pocketlake.kernel.lake import Lake


def built_services() -> list[str]:
    """boto3's names of the services there are."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(services.__path__))


def inventory(lake: Lake) -> dict[str, Any]:
    """Per service: the operations that run, and those of AWS that answer 501."""
    found = {}
    for name in built_services():
        model = load(name)
        runs = lake.service(name).operations
        every = {model.operation(operation).python_name for operation in model.names()}
        found[name] = {"runs": sorted(every & set(runs)), "not_implemented": sorted(every - set(runs))}
    return found
