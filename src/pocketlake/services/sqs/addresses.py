"""Which queue a URL, a name or an ARN means, and the URL by which a caller knows it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken

from . import live, quotas
from .live import Queue
from .service import errors, invalid

ADDRESS = re.compile(r"(?:https?://[^/]+)?/?(?:queue/[a-z0-9-]+/)?(\d{12})/([^/?]+)/?")
GONE = "The specified queue does not exist."


@lru_cache(maxsize=10_000)
def _address(url: str) -> tuple[str, str] | None:
    """Account and name: of `https://queue.amazonaws.com/123456789012/name`, any host, or the path alone."""
    found = ADDRESS.fullmatch(url)
    return (found[1], found[2]) if found else None


def url(call: Call, queue: Queue | None = None, account: str = "", name: str = "") -> str:
    """On the host that the caller used.  [SQS-028]"""
    return f"{call.endpoint}/{queue.account if queue else account}/{queue.name if queue else name}"


def owner_and_name(call: Call, url: str) -> tuple[str, str]:
    """What the URL says; a name alone means a queue of the caller's account."""
    return _address(url) or (call.account, url)


def find(call: Call, request: dict[str, Any]) -> Queue:
    """The queue that QueueUrl names: by its URL on any host, or by its name alone. QueueDoesNotExist.

    That AWS takes a name, and knows no queue at an URL of another form, is what moto's verified tests recorded.
    """
    where = owner_and_name(call, request["QueueUrl"])
    key = (where[0], call.region, where[1])
    queue: Queue | None = call.memory.get(key)
    if queue is None:
        queue = _load(call, key)
        if queue is None:
            raise errors.QueueDoesNotExist(GONE)
    return queue


def named(call: Call, name: str, account: str = "") -> Queue | None:
    key = (account or call.account, call.region, name)
    return call.memory.get(key) or _load(call, key)


def by_arn(call: Call, arn: str) -> Queue | None:
    """Of this region; another one's queues are out of reach, as on AWS."""
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "sqs" or parts[3] != call.region:
        return None
    return named(call, parts[5], parts[4])


def _load(call: Call, key: live.Key) -> Queue | None:
    account, _, name = key
    scope = call if call.account == account else call.as_(account=account)
    resource = scope.resources("queue").find(name)
    if resource is None:
        return None
    queue = call.memory[key] = Queue(scope, key, resource)
    call.undo(queue.forget)  # what was read may be taken back with this turn
    return queue


def page(call: Call, request: dict[str, Any], purpose: str, read: Any) -> tuple[list[Any], str | None]:
    """One page of resources by name, `read(after, limit)`, and the token of the next one."""
    most = int(quotas.LISTED.value)
    limit = request.get("MaxResults", most)
    if not 1 <= limit <= most:
        raise invalid(limit, "MaxResults", f"MaxResults must be an integer between 1 and {most}.")
    after = ""
    if request.get("NextToken"):
        try:
            after = call.pages.open(request["NextToken"])[purpose]
        except (InvalidToken, KeyError, TypeError):
            raise errors.InvalidParameterValueException("Invalid or expired next token.") from None
    found = read(after, limit + 1)
    shown = found[:limit]
    more = len(found) > limit and "MaxResults" in request
    return shown, call.pages.seal({purpose: shown[-1].name}) if more else None
