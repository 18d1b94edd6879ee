"""Which topic or subscription an ARN means, and pages of resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pocketlake.kernel import arn as arns
from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.resources import Resource

from . import quotas
from .service import invalid, missing

Place = TypeVar("Place")


def parse(text: str, parameter: str = "TopicArn") -> arns.Arn:
    try:
        return arns.parse(text)
    except ValueError:
        count = len(text.split(":"))
        raise invalid(f"{parameter} Reason: An ARN must have at least 6 elements, not {count}") from None


def scoped(call: Call, found: arns.Arn) -> Call:
    """The call in the account that owns the ARN. A signed request reaches its own region only, a visited link any."""
    if call.principal.kind == "anonymous":
        return call.as_(account=found.account, region=found.region)
    return call if found.account == call.account else call.as_(account=found.account)


def find_topic(call: Call, text: str, parameter: str = "TopicArn") -> tuple[Call, Resource | None]:
    """The topic, None when there is none, and the call in its owner's scope."""
    found = parse(text, parameter)
    if found.service != "sns" or not found.resource:
        raise invalid(parameter)
    scope = scoped(call, found)
    return scope, scope.resources("topic").find(found.resource) if found.region == scope.region else None


def topic(call: Call, text: str, parameter: str = "TopicArn") -> tuple[Call, Resource]:
    """The topic, and the call in its owner's scope. NotFound."""
    scope, resource = find_topic(call, text, parameter)
    if resource is None:
        raise missing("Topic")
    return scope, resource


def subscription(call: Call, text: str) -> tuple[Call, Resource | None]:
    """The subscription of `arn:aws:sns:region:account:topic:id`, None when there is none."""
    parts = text.split(":")
    if len(parts) < 6 or parts[0] != "arn":
        raise invalid(f"SubscriptionArn Reason: An ARN must have at least 6 elements, not {len(parts)}")
    found = arns.parse(text)
    scope = scoped(call, found)
    name, _, identity = found.resource.partition(":")
    if not identity and name:
        raise invalid("SubscriptionId") if found.service == "sns" else missing("Subscription")
    return scope, scope.resources("subscription").find(identity, parent=name)


def opened(call: Call, token: str | None, read: Callable[[Any], Place]) -> Place | None:
    """What the token of a page says, None without one. InvalidParameter when it is another list's, or none at all."""
    if not token:
        return None
    try:
        return read(call.pages.open(token))
    except (InvalidToken, KeyError, TypeError, ValueError):
        raise invalid("NextToken Reason: Invalid token") from None


def page(call: Call, token: str | None, found: list[Resource]) -> tuple[list[Resource], str | None]:
    """One page of `found`, and the token of the next one. The token counts what was shown."""
    start = opened(call, token, lambda place: int(place["after"])) or 0
    end = start + int(quotas.PAGE.value)
    return found[start:end], call.pages.seal({"after": end}) if len(found) > end else None


def listed(call: Call, kind: str, request: dict[str, Any], parent: str = "") -> tuple[list[Resource], str | None]:
    """One page of a kind's resources by name, read by its key."""
    after = opened(call, request.get("NextToken"), lambda place: str(place["name"])) or ""
    most = min(request.get("MaxResults", quotas.PAGE.value), int(quotas.PAGE.value))
    found = call.resources(kind).list(parent=parent, after=after, limit=most + 1)
    more = len(found) > most
    return found[:most], call.pages.seal({"name": found[most - 1].name}) if more else None
