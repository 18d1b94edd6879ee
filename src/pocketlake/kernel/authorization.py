"""What a call must be permitted: actions on resources, as each service declares them in its `authorization.py`.

This is data for the one authorisation step (`kernel/access.py`); nothing is decided here, nor looked at before it is
asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pocketlake.kernel.arn import PARTITION

if TYPE_CHECKING:
    from pocketlake.kernel.call import Call

Request = dict[str, Any]
MEMBER = re.compile(r"{([\w.]+)}")
SCOPE = ("region", "account")  # what a template takes from the call; the rest are members of its request
ANY = "*"  # the resource of actions that know none


class Need(NamedTuple):
    """`action` as policies write it, e.g. `s3:GetObject`; `resource` an ARN, or `*`."""

    action: str
    resource: str


@dataclass(slots=True, frozen=True)
class On:
    """An action on a resource.

    `resource` is a template of ARNs, or a function that finds them. `{Member}` (`{Member.Within}`) stands for a member
    of the request, `|` divides forms of which the first counts whose members the request has; one it lacks is `*`.
    `action` without a prefix is one of the service's own; by default it has the operation's name.
    Where `given` (`unless`) names a member of the request, the need arises only with (without) it.
    """

    resource: str | Callable[[Call, Request], Iterable[str]]
    action: str = ""
    given: str = ""
    unless: str = ""


Rule = str | On | tuple[On, ...] | Callable[["Call", Request], Iterable[Need]]


@dataclass(slots=True, frozen=True)
class Authorization:
    """A service's operations (by boto3's names) and their rules. `prefix` is the service's in policies.

    A rule is a template, for the action of the operation's own name; an `On`, or several that are needed together; or a
    function that names the needs, for operations whose requests do different things at once.
    """

    prefix: str
    rules: dict[str, Rule]

    def needs(self, call: Call, request: Request) -> list[Need]:
        """Every one must be permitted. Errors of a request that makes no sense are raised as its operation would."""
        rule = self.rules[call.operation]
        if callable(rule):
            return list(rule(call, request))
        found: dict[Need, None] = {}
        for on in rules_of(rule):
            if (on.given and not request.get(on.given)) or (on.unless and request.get(on.unless)):
                continue
            action = self.action(call.operation, on)
            resources = on.resource(call, request) if callable(on.resource) else [filled(on.resource, call, request)]
            found.update(dict.fromkeys(Need(action, resource) for resource in resources))
        return list(found)

    def action(self, operation: str, on: On) -> str:
        name = on.action or "".join(word.capitalize() for word in operation.split("_"))
        return name if ":" in name else f"{self.prefix}:{name}"


def rules_of(rule: str | On | tuple[On, ...]) -> tuple[On, ...]:
    if isinstance(rule, tuple):
        return rule
    return (rule if isinstance(rule, On) else On(rule),)


def filled(template: str, call: Call, request: Request) -> str:
    """The template's first form whose members are given, else its last, with their values in it."""
    forms = template.split("|")
    given = (form for form in forms if all(_member(request, name) for name in members(form)))
    return MEMBER.sub(lambda found: _value(found[1], call, request), next(given, forms[-1]))


def members(template: str) -> list[str]:
    """What the template takes from a request."""
    return [name for name in MEMBER.findall(template) if name not in SCOPE]


def _value(name: str, call: Call, request: Request) -> str:
    if name in SCOPE:
        return str(getattr(call, name))
    return str(_member(request, name) or ANY)


def _member(request: Request, path: str) -> Any:
    value: Any = request
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def template(service: str, resource: str) -> str:
    """`resource` in the region and account of the call."""
    return f"arn:{PARTITION}:{service}:{{region}}:{{account}}:{resource}"
