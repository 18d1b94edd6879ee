"""Delivery policies: how often and when a refused HTTP delivery is tried again.

Source: SNS developer guide, "Message delivery retries", "Creating an HTTP/S delivery policy".
"""

from __future__ import annotations

import math
from typing import Any

import orjson

from . import quotas
from .service import invalid

DEFAULT_RETRIES: dict[str, Any] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
DEFAULT_REQUEST = {"headerContentType": "text/plain; charset=UTF-8"}
FUNCTIONS = ("linear", "arithmetic", "geometric", "exponential")
COUNTS = ("numRetries", "numMaxDelayRetries", "numNoDelayRetries", "numMinDelayRetries")
CONTENT_TYPES = (
    "application/atom+xml", "application/json", "application/octet-stream", "application/soap+xml",
    "application/x-www-form-urlencoded", "application/xhtml+xml", "application/xml", "text/css", "text/csv",
    "text/html", "text/plain", "text/xml",
)  # fmt: skip


def check_topic(text: str, prefix: str) -> None:
    """`{"http": {"defaultHealthyRetryPolicy": ..., "disableSubscriptionOverrides": ..., ...}}`."""
    http = _section(_document(text, prefix), "http", f"{prefix}DeliveryPolicy") or {}
    where = f"{prefix}DeliveryPolicy: http."
    for name, check in (
        ("defaultHealthyRetryPolicy", _check_retries),
        ("defaultThrottlePolicy", _check_throttle),
        ("defaultRequestPolicy", _check_request),
    ):
        check(_section(http, name, where + name), where + name)


def check_subscription(text: str, prefix: str) -> None:
    """`{"healthyRetryPolicy": ..., "throttlePolicy": ..., "requestPolicy": ...}`."""
    document = _document(text, prefix)
    where = f"{prefix}DeliveryPolicy: "
    for name, check in (
        ("healthyRetryPolicy", _check_retries),
        ("throttlePolicy", _check_throttle),
        ("requestPolicy", _check_request),
    ):
        check(_section(document, name, where + name), where + name)


def _document(text: str, prefix: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise invalid(f"{prefix}DeliveryPolicy: failed to parse JSON.")
    return document


def _section(document: dict[str, Any], name: str, where: str) -> dict[str, Any] | None:
    found = document.get(name)
    if found is not None and not isinstance(found, dict):
        raise invalid(f"{where}: must be a JSON object")
    return found


def _check_retries(given: dict[str, Any] | None, where: str) -> None:
    if given is None:
        return
    policy = {**DEFAULT_RETRIES, **given}
    if any(not isinstance(policy[name], int) or policy[name] < 0 for name in COUNTS):
        raise invalid(f"{where}: the number of retries must be zero or greater")
    if policy["numRetries"] > quotas.RETRY_COUNT.value:
        raise invalid(f"{where}: numRetries must be less than or equal to {int(quotas.RETRY_COUNT.value)}")
    if policy["numMaxDelayRetries"] + policy["numNoDelayRetries"] + policy["numMinDelayRetries"] > policy["numRetries"]:
        raise invalid(
            f"{where}: numMaxDelayRetries, numNoDelayRetries and numMinDelayRetries must not exceed numRetries"
        )
    low, high = policy["minDelayTarget"], policy["maxDelayTarget"]
    if not isinstance(low, int) or not isinstance(high, int) or not 1 <= low <= high <= quotas.RETRY_SECONDS.value:
        raise invalid(f"{where}: minDelayTarget must be at least 1 and at most maxDelayTarget")
    if policy["backoffFunction"] not in FUNCTIONS:
        raise invalid(f"{where}: backoffFunction must be one of {', '.join(FUNCTIONS)}")
    if sum(pauses(policy)) > quotas.RETRY_SECONDS.value:
        raise invalid(f"{where}: Total policy retry time cannot be greater than 3600 seconds")


def _check_throttle(given: dict[str, Any] | None, where: str) -> None:
    rate = None if given is None else given.get("maxReceivesPerSecond")
    if rate is not None and (not isinstance(rate, int) or rate < 1):
        raise invalid(f"{where}: maxReceivesPerSecond must be at least 1")


def _check_request(given: dict[str, Any] | None, where: str) -> None:
    kind = None if given is None else given.get("headerContentType")
    if kind is not None and str(kind).partition(";")[0].strip() not in CONTENT_TYPES:
        raise invalid(f"{where}: headerContentType is not supported")


def pauses(policy: dict[str, Any]) -> list[float]:
    """Seconds before each retry: at once, then the least pause, growing ones, the longest."""
    low, high = float(policy["minDelayTarget"]), float(policy["maxDelayTarget"])
    first, early, late = (policy[name] for name in ("numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries"))
    growing = policy["numRetries"] - first - early - late
    between = [_between(policy["backoffFunction"], low, high, index, growing) for index in range(growing)]
    return [0.0] * first + [low] * early + between + [high] * late


def _between(function: str, low: float, high: float, index: int, count: int) -> float:
    """AWS draws these functions without saying them; each begins at `low` and ends at `high`."""
    if count == 1 or low == high:
        return low
    part = index / (count - 1)
    match function:
        case "linear":
            return low + (high - low) * part
        case "arithmetic":
            return low + (high - low) * part * (index + 1) / count
        case "geometric":
            return float(low * math.pow(high / low, part))
        case _:
            return low + (high - low) * (math.pow(2, index) - 1) / (math.pow(2, count - 1) - 1)


def effective_topic(text: str | None) -> dict[str, Any]:
    """The topic's policy with AWS's defaults."""
    http = (orjson.loads(text).get("http") or {}) if text else {}
    effective = {
        "defaultHealthyRetryPolicy": {**DEFAULT_RETRIES, **(http.get("defaultHealthyRetryPolicy") or {})},
        "disableSubscriptionOverrides": http.get("disableSubscriptionOverrides", False),
        "defaultRequestPolicy": {**DEFAULT_REQUEST, **(http.get("defaultRequestPolicy") or {})},
    }
    if http.get("defaultThrottlePolicy"):
        effective["defaultThrottlePolicy"] = http["defaultThrottlePolicy"]
    return {"http": effective}


def effective(topic: str | None, subscription: str | None) -> dict[str, Any]:
    """What holds for a subscription: its own policy, the topic's, AWS's defaults."""
    http = effective_topic(topic)["http"]
    own = orjson.loads(subscription) if subscription and not http["disableSubscriptionOverrides"] else {}
    return {
        "healthyRetryPolicy": {**http["defaultHealthyRetryPolicy"], **(own.get("healthyRetryPolicy") or {})},
        "sicklyRetryPolicy": None,
        "throttlePolicy": own.get("throttlePolicy") or http.get("defaultThrottlePolicy"),
        "requestPolicy": {**http["defaultRequestPolicy"], **(own.get("requestPolicy") or {})},
        "guaranteed": False,
    }
