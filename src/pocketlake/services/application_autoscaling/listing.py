"""Pages of descriptions, which all of the service's lists share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.resources import Resource

from . import namespaces, quotas
from .service import errors

MOST = int(quotas.PAGE.value)


def limit(request: dict[str, Any]) -> int:
    asked: int = request.get("MaxResults", MOST)
    if not 1 <= asked <= MOST:
        raise errors.ValidationException(f"MaxResults must be between 1 and {MOST}")
    return asked


def after(call: Call, request: dict[str, Any]) -> Any:
    """What the last page ended with; None on the first one. InvalidNextTokenException."""
    token = request.get("NextToken")
    if not token:
        return None
    try:
        operation, place = call.pages.open(token)
    except (InvalidToken, ValueError, TypeError):
        operation = place = None
    if operation != call.operation:
        raise errors.InvalidNextTokenException("The next token supplied was invalid.")
    return place


def page(
    call: Call,
    request: dict[str, Any],
    found: Iterable[Resource],
    member: str,
    describe: Callable[[Resource], dict[str, Any]],
) -> dict[str, Any]:
    """Those that come after the last page, by parent and name."""
    most, last = limit(request), after(call, request)
    left = [one for one in found if last is None or [one.parent, one.name] > last]
    shown = left[:most]
    answer: dict[str, Any] = {member: [describe(one) for one in shown]}
    if len(left) > most:
        answer["NextToken"] = call.pages.seal([call.operation, [shown[-1].parent, shown[-1].name]])
    return answer


def of_targets(call: Call, kind: str, request: dict[str, Any], names: list[str] | None) -> list[Resource]:
    """Policies or actions of the targets that are asked for; of these names or ARNs, where some are given."""
    check_dimension(request)
    return [
        one
        for one in call.resources(kind).list_all()
        if matches(one.body, request) and (not names or one.name in names or one.arn in names)
    ]


def check_dimension(request: dict[str, Any]) -> None:
    if "ScalableDimension" in request and "ResourceId" not in request:
        raise errors.ValidationException("ScalableDimension requires ResourceId.")


def matches(body: dict[str, Any], request: dict[str, Any]) -> bool:
    """Namespace, resource and dimension, those that are asked for."""
    return all(body[member] == request[member] for member in namespaces.IDENTITY if member in request)
