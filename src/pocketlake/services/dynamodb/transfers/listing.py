"""Pages of exports and imports: the newest first."""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.resources import Resource

from ..service import Invalid
from ..table_rules import BAD


def page(call: Call, found: list[Resource], most: int, token: str | None) -> tuple[list[Resource], str | None]:
    """Those that come after the page which ended with `token`, and the token of the next page. Names rise with time."""
    newest = sorted(found, key=_place, reverse=True)
    if token is not None:
        after = _opened(call, token)
        newest = [one for one in newest if _place(one) < after]
    shown = newest[:most]
    following = call.pages.seal([call.operation, _place(shown[-1])]) if len(newest) > most else None
    return shown, following


def _place(one: Resource) -> list[str]:
    return [one.name, one.parent]


def _opened(call: Call, token: str) -> list[str]:
    place: list[str]
    try:
        operation, place = call.pages.open(token)
    except (InvalidToken, ValueError, TypeError):
        operation, place = None, []
    if operation != call.operation:
        raise Invalid(f"{BAD}Invalid NextToken")
    return place
