"""Crawlers: what to crawl, when, and how the last runs went. The work itself is in crawl.py."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import orjson

from pocketlake.kernel import schedules
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import classifiers, crawl, databases, quotas, store
from .service import errors, glue, own_catalog, page_start, page_token

log = logging.getLogger("pocketlake.glue")

PAGE = 100
# A run begins this long after its start: Glue provisions capacity first. So RUNNING can be seen, and stopped.
STARTUP_SECONDS = 1.0
NOT_SHOWN = ("RunId", "StartedAt", "ScheduleState", "ScheduleExpression")
INCREMENTAL_NEEDS_LOG = (
    'The SchemaChangePolicy for "Crawl new folders only" Amazon S3 target can have only LOG DeleteBehavior value and'
    " LOG UpdateBehavior value."
)


def find(call: Call, name: str) -> Resource:
    crawler = call.resources("crawler").find(name)
    if crawler is None:
        raise errors.EntityNotFoundException(f"Crawler {name} not found.")
    return crawler


def _describe(call: Call, crawler: Resource) -> dict[str, Any]:
    body = {name: value for name, value in crawler.body.items() if name not in NOT_SHOWN}
    elapsed = round((call.now - crawler["StartedAt"]) * 1000) if crawler["State"] != "READY" else 0
    described = {**body, "CreationTime": crawler.created, "CrawlElapsedTime": elapsed}
    if crawler.get("ScheduleExpression"):
        described["Schedule"] = {
            "ScheduleExpression": crawler["ScheduleExpression"],
            "State": crawler["ScheduleState"],
        }
    return described


def _check(call: Call, request: dict[str, Any]) -> None:
    own_catalog(call, request)
    recrawl = request.get("RecrawlPolicy", {}).get("RecrawlBehavior")
    policy = request.get("SchemaChangePolicy", {})
    if recrawl == "CRAWL_NEW_FOLDERS_ONLY" and (policy.get("UpdateBehavior"), policy.get("DeleteBehavior")) != (
        "LOG",
        "LOG",
    ):
        raise errors.InvalidInputException(INCREMENTAL_NEEDS_LOG)
    for target in request.get("Targets", {}).get("S3Targets", []):
        size = target.get("SampleSize")
        if size is not None and not 1 <= size <= quotas.SAMPLE_FILES.value:
            raise errors.InvalidInputException(f"SampleSize must be between 1 and {quotas.SAMPLE_FILES.value}.")
    for name in request.get("Classifiers", []):
        classifiers.find(call, name)
    if configuration := request.get("Configuration"):
        try:
            orjson.loads(configuration)
        except orjson.JSONDecodeError:
            raise errors.InvalidInputException("Configuration is not valid JSON.") from None
    if request.get("Schedule"):
        _cron(request["Schedule"])


def _cron(expression: str) -> schedules.Cron:
    try:
        return schedules.parse(expression)
    except schedules.ScheduleError as error:
        raise errors.InvalidInputException(str(error)) from None


def _settings(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name not in ("Tags", "Schedule", "CatalogId")}


@glue.operation
def create_crawler(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Define a crawler. Targets that nothing here crawls are refused when it starts, not before."""
    _check(call, request)
    name = request["Name"]
    quotas.check_count(call, quotas.CRAWLERS, "crawler")
    document = {
        "Classifiers": [],
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
        "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"},
        "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
        **_settings(request),
        "State": "READY",
        "LastUpdated": call.now,
        "Version": 1,
    }
    try:
        crawler = call.resources("crawler").create(
            name, document, arn=call.arn(f"crawler/{name}"), tags=request.get("Tags", {})
        )
    except AlreadyExists:
        raise errors.AlreadyExistsException(f"{name} already exists") from None
    if request.get("Schedule"):
        _schedule(call, crawler, request["Schedule"])
    return {}


@glue.operation
def update_crawler(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    crawler = find(call, request["Name"])
    _refuse_while_running(crawler)
    _check(call, {**crawler.body, **request})
    changes = {**_settings(request), "LastUpdated": call.now, "Version": crawler["Version"] + 1}
    crawler = call.resources("crawler").update(crawler, **changes)
    if "Schedule" in request:
        _schedule(call, crawler, request["Schedule"])
    return {}


@glue.operation
def delete_crawler(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    crawler = find(call, request["Name"])
    _refuse_while_running(crawler)
    call.resources("crawler").delete(crawler)
    call.alarms.clear(crawl_on_schedule, crawler.name)
    store.drop_crawler(call, crawler.name)
    return {}


@glue.operation
def get_crawler(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Crawler": _describe(call, find(call, request["Name"]))}


@glue.operation
def get_crawlers(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    limit = request.get("MaxResults", PAGE)
    found = call.resources("crawler").list(after=page_start(call, request, "crawlers"), limit=limit + 1)
    answer: dict[str, Any] = {"Crawlers": [_describe(call, crawler) for crawler in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = page_token(call, "crawlers", found[limit - 1].name)
    return answer


@glue.operation
def batch_get_crawlers(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found, missing = [], []
    for name in request["CrawlerNames"]:
        crawler = call.resources("crawler").find(name)
        if crawler is None:
            missing.append(name)
        else:
            found.append(_describe(call, crawler))
    return {"Crawlers": found, "CrawlersNotFound": missing}


@glue.operation
def list_crawlers(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Names of the crawlers that have all the given tags."""
    limit = request.get("MaxResults", PAGE)
    wanted = request.get("Tags", {}).items()
    after = page_start(call, request, "crawler names")
    found = [crawler.name for crawler in call.resources("crawler").list(after=after) if wanted <= crawler.tags.items()]
    answer: dict[str, Any] = {"CrawlerNames": found[:limit]}
    if len(found) > limit:
        answer["NextToken"] = page_token(call, "crawler names", found[limit - 1])
    return answer


# Running


def _refuse_while_running(crawler: Resource) -> None:
    if crawler["State"] != "READY":
        raise errors.CrawlerRunningException(f"Crawler with name {crawler.name} has already started")


@glue.operation
def start_crawler(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin a run; get_crawler tells how it goes."""
    crawler = find(call, request["Name"])
    _refuse_while_running(crawler)
    if gap := crawl.unsupported(call, crawler.body):
        raise NotImplemented501(gap)
    _start(call, crawler)
    return {}


def _start(call: Call, crawler: Resource) -> None:
    identity = str(uuid.uuid4())
    now = call.now
    call.resources("crawler").update(crawler, State="RUNNING", RunId=identity, StartedAt=now)
    history = {"CrawlId": identity, "State": "RUNNING", "StartTime": now, "DPUHour": 0.0}
    store.put_crawl(call, crawler.name, now, identity, history)
    call.alarms.set(run_crawler, crawler.name, now + STARTUP_SECONDS)


@glue.operation
def stop_crawler(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    crawler = find(call, request["Name"])
    if crawler["State"] == "STOPPING":
        raise errors.CrawlerStoppingException(f"Crawler with name {crawler.name} is stopping")
    if crawler["State"] != "RUNNING":
        raise errors.CrawlerNotRunningException(f"Crawler with name {crawler.name} isn't running")
    call.resources("crawler").update(crawler, State="STOPPING")
    return {}


@glue.alarm
async def run_crawler(call: Call, key: str) -> None:
    """Do the run that start_crawler announced. Run again after a crash it finds the same tables."""
    crawler = call.resources("crawler").find(key)
    if crawler is None or crawler["State"] == "READY":
        return
    outcome, members = await _attempt(call, crawler)
    with call.transaction():
        _finish(call, key, outcome, members)


async def _attempt(call: Call, crawler: Resource) -> tuple[str, dict[str, str]]:
    """How the run ended (SUCCEEDED, FAILED, CANCELLED), and what its history tells of it."""

    def is_stopped() -> bool:
        return find(call, crawler.name)["State"] == "STOPPING"

    try:
        if is_stopped():
            raise crawl.Stopped
        if gap := crawl.unsupported(call, crawler.body):
            raise crawl.CannotCrawl(f"{gap} is not implemented by Pocketlake yet.")
        _check_database(call, crawler)
        summary = await crawl.crawl(call.as_(role_arn=_role_arn(call, crawler)), crawler.body, is_stopped)
    except crawl.Stopped:
        return "CANCELLED", {}
    except crawl.CannotCrawl as error:
        return "FAILED", {"ErrorMessage": str(error)[:2048]}
    except ServiceError as error:
        return "FAILED", {"ErrorMessage": (error.message or error.code)[:2048]}
    except Exception:
        # A fault of ours over someone's file must not leave the crawler running for ever.
        log.exception("crawler %s failed", crawler.name)
        return "FAILED", {"ErrorMessage": "Internal Service Exception"}
    changes = {change: str(len(names)) for change, names in summary.tables.items()}
    return "SUCCEEDED", {"Summary": summary.text(crawler["DatabaseName"]), **changes}


def _role_arn(call: Call, crawler: Resource) -> str:
    role = str(crawler["Role"])
    return role if role.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role.removeprefix('/')}"


def _check_database(call: Call, crawler: Resource) -> None:
    """A crawler makes its database when it is missing."""
    name = crawler.get("DatabaseName")
    if not name:
        raise crawl.CannotCrawl("The crawler has no database to write to.")
    if call.resources("database").find(name.lower()) is None:
        with call.transaction():
            databases.create_database(call, {"DatabaseInput": {"Name": name}})


def _finish(call: Call, name: str, outcome: str, members: dict[str, str]) -> None:
    crawler = find(call, name)
    started = crawler["StartedAt"]
    last: dict[str, Any] = {"Status": outcome, "StartTime": started}
    if "ErrorMessage" in members:
        last["ErrorMessage"] = members["ErrorMessage"]
    call.resources("crawler").update(crawler, State="READY", LastCrawl=last)
    history = {
        "CrawlId": crawler["RunId"],
        "State": {"SUCCEEDED": "COMPLETED", "CANCELLED": "STOPPED"}.get(outcome, outcome),
        "StartTime": started,
        "EndTime": call.now,
        "DPUHour": 0.0,
        **members,
    }
    store.put_crawl(call, name, started, crawler["RunId"], history)


# Schedules


def _schedule(call: Call, crawler: Resource, expression: str) -> None:
    """Run by this schedule from now on; "" takes the schedule away."""
    crawlers = call.resources("crawler")
    if not expression:
        crawlers.update(crawler, ScheduleExpression=None, ScheduleState=None)
        call.alarms.clear(crawl_on_schedule, crawler.name)
        return
    due = _cron(expression).next_after(call.now)
    crawlers.update(crawler, ScheduleExpression=expression, ScheduleState="SCHEDULED")
    if due is not None:
        call.alarms.set(crawl_on_schedule, crawler.name, due)


@glue.alarm
def crawl_on_schedule(call: Call, key: str) -> None:
    """Start a run, unless the last one is still going, and wait for the next time.  [GLUE-509]"""
    crawler = call.resources("crawler").find(key)
    if crawler is None or crawler.get("ScheduleState") != "SCHEDULED":
        return
    if crawler["State"] == "READY":
        _start(call, crawler)
    due = _cron(crawler["ScheduleExpression"]).next_after(call.now)
    if due is not None:
        call.alarms.set(crawl_on_schedule, key, due)


@glue.operation
def update_crawler_schedule(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    crawler = find(call, request["CrawlerName"])
    _schedule(call, crawler, request.get("Schedule", ""))
    return {}


@glue.operation
def start_crawler_schedule(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    crawler = find(call, request["CrawlerName"])
    if not crawler.get("ScheduleExpression"):
        raise errors.NoScheduleException(f"Crawler {crawler.name} has no schedule.")
    if crawler["ScheduleState"] == "SCHEDULED":
        raise errors.SchedulerRunningException(f"The schedule of crawler {crawler.name} is running.")
    _schedule(call, crawler, crawler["ScheduleExpression"])
    return {}


@glue.operation
def stop_crawler_schedule(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    crawler = find(call, request["CrawlerName"])
    if crawler.get("ScheduleState") != "SCHEDULED":
        raise errors.SchedulerNotRunningException(f"The schedule of crawler {crawler.name} is not running.")
    call.resources("crawler").update(crawler, ScheduleState="NOT_SCHEDULED")
    call.alarms.clear(crawl_on_schedule, crawler.name)
    return {}
