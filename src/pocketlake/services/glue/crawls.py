"""The history of crawlers' runs, and what it amounts to."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import Any

from pocketlake.kernel.call import Call

from . import crawlers, store
from .service import errors, glue, page_start, page_token

PAGE = 20
METRICS_PAGE = 1000
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq, "NE": operator.ne, "GT": operator.gt, "GE": operator.ge, "LT": operator.lt, "LE": operator.le,
}  # fmt: skip
MEMBERS = {
    "CRAWL_ID": "CrawlId",
    "STATE": "State",
    "START_TIME": "StartTime",
    "END_TIME": "EndTime",
    "DPU_HOUR": "DPUHour",
}
UNORDERED = ("CRAWL_ID", "STATE")
NOT_SHOWN = ("ADD", "UPDATE", "DELETE")


@glue.operation
def list_crawls(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Runs of one crawler that meet every filter, newest first."""
    name = request["CrawlerName"]
    if call.resources("crawler").find(name) is None:
        raise errors.EntityNotFoundException(f"Crawler entry with name {name} does not exist")
    tests = [_test(wanted) for wanted in request.get("Filters", [])]
    found = [crawl for crawl in store.crawls(call, name) if all(test(crawl) for test in tests)]
    start = int(page_start(call, request, "crawls") or 0)
    limit = request.get("MaxResults", PAGE)
    shown = [
        {member: value for member, value in crawl.items() if member not in NOT_SHOWN}
        for crawl in found[start : start + limit]
    ]
    answer: dict[str, Any] = {"Crawls": shown}
    if len(found) > start + limit:
        answer["NextToken"] = page_token(call, "crawls", str(start + limit))
    return answer


def _test(wanted: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    field, sign, text = (wanted.get(name) for name in ("FieldName", "FilterOperator", "FieldValue"))
    if field is None or sign is None or text is None:
        shown = ", ".join(
            f"{name}: {wanted.get(name, 'null')}" for name in ("FieldName", "FilterOperator", "FieldValue")
        )
        raise errors.InvalidInputException(f"Invalid Filter Provided: {shown}")
    if field in UNORDERED and sign not in ("EQ", "NE"):
        raise errors.InvalidInputException(f"Only EQ or NE operator is allowed for field : {field}")
    value = text if field in UNORDERED else _number(field, text)
    return lambda crawl: MEMBERS[field] in crawl and COMPARE[sign](crawl[MEMBERS[field]], value)


def _number(field: str, text: str) -> float:
    """Times are epoch milliseconds or ISO 8601."""
    try:
        return float(text) if field == "DPU_HOUR" else float(text) / 1000
    except ValueError:
        pass  # not a number: it may still be a date
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise errors.InvalidInputException(f"Invalid value for field {field}: {text}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@glue.operation
def get_crawler_metrics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """How long runs took and how many tables they made, changed and deleted in all."""
    names = request.get("CrawlerNameList")
    after = page_start(call, request, "metrics")
    if names is None:
        names = [crawler.name for crawler in call.resources("crawler").list()]
    else:
        names = sorted(crawlers.find(call, name).name for name in names)
    names = [name for name in names if name > after]
    limit = request.get("MaxResults", METRICS_PAGE)
    answer: dict[str, Any] = {"CrawlerMetricsList": [_metrics(call, name) for name in names[:limit]]}
    if len(names) > limit:
        answer["NextToken"] = page_token(call, "metrics", names[limit - 1])
    return answer


def _metrics(call: Call, name: str) -> dict[str, Any]:
    done = [crawl for crawl in store.crawls(call, name) if "EndTime" in crawl]
    runtimes = [crawl["EndTime"] - crawl["StartTime"] for crawl in done]
    return {
        "CrawlerName": name,
        "TimeLeftSeconds": 0.0,
        "StillEstimating": crawlers.find(call, name)["State"] == "RUNNING",
        "LastRuntimeSeconds": runtimes[0] if runtimes else 0.0,
        "MedianRuntimeSeconds": median(runtimes) if runtimes else 0.0,
        "TablesCreated": sum(int(crawl.get("ADD", 0)) for crawl in done),
        "TablesUpdated": sum(int(crawl.get("UPDATE", 0)) for crawl in done),
        "TablesDeleted": sum(int(crawl.get("DELETE", 0)) for crawl in done),
    }
