"""ListMetrics: which metrics there are."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.pages import InvalidToken

from . import keeping, quotas, store
from .service import cloudwatch, errors
from .store import Metric

PAGE = int(quotas.LIST_PAGE.value)


@cloudwatch.operation
def list_metrics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Metrics that had data within two weeks, or three hours; at most 500 at a time.

    A new one is listed at once; AWS takes up to fifteen minutes.
    """
    if request.get("OwningAccount", call.account) != call.account:
        raise NotImplemented501("ListMetrics of another account (OwningAccount)")
    after = 0
    if "NextToken" in request:
        try:
            after = call.pages.open(request["NextToken"])["list_metrics"]
        except (InvalidToken, KeyError, TypeError):
            raise errors.InvalidParameterValueException("Request parameter NextToken is invalid") from None
    wanted = [(one["Name"], one.get("Value")) for one in request.get("Dimensions", ())]
    age = quotas.RECENT.value if "RecentlyActive" in request else quotas.LISTED.value
    found: list[Metric] = []
    more = False
    namespace, name = request.get("Namespace"), request.get("MetricName")
    # What is quiet has had data, but perhaps not lately.
    lately = keeping.meters_of(namespace) if "RecentlyActive" in request else lambda _: False
    call.lake.metrics.ask(lately)
    for metric in store.metrics(call.db, call.account, call.region, namespace, name, after, call.now - age):
        if matches(metric, wanted):
            if len(found) == PAGE:
                more = True
                break
            found.append(metric)
    return {
        "Metrics": [describe(metric.namespace, metric.name, metric.dimensions) for metric in found],
        "NextToken": call.pages.seal({"list_metrics": found[-1].number}) if more else None,
        "OwningAccounts": [call.account] * len(found) if request.get("IncludeLinkedAccounts") else None,
    }


def matches(metric: Metric, wanted: list[tuple[str, str | None]]) -> bool:
    """Whether the metric has all of these dimensions, with these values where they are given."""
    held = dict(metric.dimensions)
    return all(name in held and value in (None, held[name]) for name, value in wanted)


def describe(namespace: str, name: str, dimensions: store.Dimensions) -> dict[str, Any]:
    return {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": one, "Value": value} for one, value in dimensions],
    }
