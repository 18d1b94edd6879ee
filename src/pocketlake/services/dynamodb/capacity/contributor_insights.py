"""Contributor Insights: which keys of a table or global index are used most, and which are throttled most.

What is enabled is counted from then on (contributors.py), and shown by the lake's own view: CloudWatch's insight rules,
by whose names AWS shows it, are not built.
Source: developer guide, CloudWatch Contributor Insights for DynamoDB; states and messages recorded from AWS.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.resources import Resource

from .. import readable_keys, schemas, tables
from ..service import Invalid, dynamodb, errors, operation, refuse
from . import contributors, throttling
from .contributors import ACCESSED, MEMBER

MOST_LISTED = 100
LONGEST_RULE = 128
ENABLED, DISABLED = "ENABLED", "DISABLED"


@operation
def update_contributor_insights(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """What is so already stays as it is and says so; a change answers ENABLING or DISABLING and is made."""
    table, index = _find(call, request)
    known = _setting(table, index)
    status = ENABLED if known.get("Enabled") else DISABLED
    mode = request.get("ContributorInsightsMode", ACCESSED)
    if request["ContributorInsightsAction"] == "ENABLE":
        if status == DISABLED or mode != known["Mode"]:
            _save(call, table, index, {"Mode": mode, "At": call.now, "Enabled": True})
            status = "ENABLING"
    elif status == ENABLED:
        mode = known["Mode"]
        _save(call, table, index, {"Mode": mode, "At": call.now, "Enabled": False})
        status = "DISABLING"
    answer = {"TableName": table.name, "ContributorInsightsStatus": status, "ContributorInsightsMode": mode}
    return answer | _named(index)


def _find(call: Call, request: dict[str, Any]) -> tuple[Resource, str]:
    """The table, and the name of the global index; "" is the table itself. ResourceNotFoundException."""
    table, index = tables.existing(call, request["TableName"]), request.get("IndexName", "")
    if index and all(one["IndexName"] != index for one in table.get("GlobalSecondaryIndexes", [])):
        raise errors.ResourceNotFoundException(
            f"Requested resource not found: Index: {index} not found for table: {table.name}"
        )
    return table, index


def _setting(table: Resource, index: str) -> dict[str, Any]:
    found: dict[str, Any] = table.get(MEMBER, {}).get(index, {})
    return found


def _save(call: Call, table: Resource, index: str, setting: dict[str, Any]) -> None:
    schemas.save(call, table, **{MEMBER: {**table.get(MEMBER, {}), index: setting}})


def _named(index: str) -> dict[str, str]:
    return {"IndexName": index} if index else {}


@operation
def describe_contributor_insights(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table, index = _find(call, request)
    setting = _setting(table, index)
    answer: dict[str, Any] = {"TableName": table.name, "ContributorInsightsStatus": DISABLED} | _named(index)
    if setting:
        answer |= {"ContributorInsightsMode": setting["Mode"], "LastUpdateDateTime": setting["At"]}
    if setting.get("Enabled"):
        answer |= {"ContributorInsightsStatus": ENABLED, "ContributorInsightsRuleList": _rules(table, index, setting)}
    return answer


def _rules(table: Resource, index: str, setting: dict[str, Any]) -> list[str]:
    """Partition keys and, where there are, sort keys: counted (C) and throttled (T)."""
    parts = table.body if not index else tables.check_index_exists(table, index)
    kinds = ("PK", "SK") if len(parts["KeySchema"]) > 1 else ("PK",)
    ends = ("C", "T") if setting["Mode"] == ACCESSED else ("T",)
    name, suffix = f"{table.name}-{index}" if index else table.name, f"-{int(setting['At'] * 1000)}"
    found = []
    for end in ends:
        for kind in kinds:
            start = f"DynamoDBContributorInsights-{kind}{end}-"
            found.append(start + name[: LONGEST_RULE - len(start) - len(suffix)] + suffix)
    return found


@operation
def list_contributor_insights(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Tables and, after each, its indexes, where insights are enabled."""
    found = [tables.existing(call, request["TableName"])] if "TableName" in request else call.resources("table").list()
    last = _place(call, request.get("NextToken"))
    left = [
        (table.name, index, setting["Mode"])
        for table in found
        for index, setting in sorted(table.get(MEMBER, {}).items())
        if setting["Enabled"] and [table.name, index] > last
    ]
    most = request.get("MaxResults") or MOST_LISTED
    answer: dict[str, Any] = {
        "ContributorInsightsSummaries": [
            {
                "TableName": name,
                **_named(index),
                "ContributorInsightsStatus": ENABLED,
                "ContributorInsightsMode": mode,
            }
            for name, index, mode in left[:most]
        ]
    }
    if len(left) > most:
        answer["NextToken"] = call.pages.seal({"insights": left[most - 1][:2]})
    return answer


def _place(call: Call, token: str | None) -> list[str]:
    if not token:
        return ["", ""]
    try:
        place: list[str] = call.pages.open(token)["insights"]
    except (InvalidToken, KeyError, TypeError):
        raise Invalid("Invalid NextToken") from None
    return place


@dynamodb.view
async def contributors_of(call: Call, query: dict[str, str]) -> dict[str, Any]:
    """The most used and most throttled keys of `table` (and `index`), `most` of each."""
    if not query.get("table") or not query.get("most", "10").isdecimal():
        raise refuse("table names a table, and most is a number")
    request = {"TableName": query["table"], **({"IndexName": query["index"]} if "index" in query else {})}
    found, name = _find(call, request)
    table = schemas.find(call, found.name)
    index = table.index(name) if name else None
    key, most = (index or table).key, int(query.get("most", 10))
    insight = throttling.insight_of(call, table, index)
    answer: dict[str, Any] = {"table": table.name, "index": name or None, "since": insight.since if insight else None}
    for kind in ("accessed", "throttled"):
        counts = getattr(insight, f"{kind}_keys") if insight else {}
        for by_sort, member in ((False, f"{kind}_partition_keys"), (True, f"{kind}_items")):
            answer[member] = [
                {"key": readable_keys.attributes(key, *place), "requests": count}
                for place, count in contributors.top(counts, most, by_sort)
            ]
    return answer
