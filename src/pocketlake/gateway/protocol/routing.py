"""Which operation of a REST service a request is for: method, path template, query literals, what must be there.

S3's operations share two templates, `/{Bucket}` and `/{Bucket}/{Key+}`, and differ by query literals (`?uploads`,
`?list-type=2`) and, where the model has none, by required parameters (`uploadId`, `x-amz-copy-source`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from pocketlake.gateway.protocol.shapes import Shape
from pocketlake.gateway.protocol.wire import Pairs
from pocketlake.kernel.errors import ServiceError

LABEL = re.compile(r"\{(\w+)(\+?)\}")


class Candidate(NamedTuple):
    """One operation at a template. `literals` must be in the query; `parameters` and `headers` are required members."""

    name: str
    literals: tuple[tuple[str, str | None], ...]
    parameters: frozenset[str]
    headers: frozenset[str]

    @property
    def weight(self) -> int:
        return 4 * len(self.literals) + len(self.parameters) + len(self.headers)


@dataclass(frozen=True)
class Template:
    """A path with labels; `rank` sorts the more specific before the more general."""

    pattern: re.Pattern[str]
    labels: tuple[str, ...]
    rank: tuple[int, int]
    candidates: list[Candidate]
    bare: list[Candidate]  # those of them without literals: all there can be for a request without a query


class Router:
    def __init__(self) -> None:
        self._methods: dict[str, dict[str, Template]] = {}
        self._sorted: dict[str, list[Template]] = {}

    def add(self, name: str, method: str, uri: str, shape: Shape | None) -> None:
        path, _, literals = uri.partition("?")
        template = self._methods.setdefault(method, {}).setdefault(path, _template(path))
        template.candidates.append(_candidate(name, literals, shape))

    def finish(self) -> None:
        """Sort once all operations are in; among equals the model's order decides."""
        for method, templates in self._methods.items():
            for template in templates.values():
                template.candidates.sort(key=lambda candidate: -candidate.weight)
                template.bare.extend(candidate for candidate in template.candidates if not candidate.literals)
            self._sorted[method] = sorted(templates.values(), key=lambda template: template.rank)

    def match(
        self, method: str, path: str, query: Pairs, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]] | None:
        """The operation's name and its labels, percent-decoded once; None when there is none.

        An operation whose required parameters are absent is taken only when no other fits, so that the model's own
        validation can say what is missing.
        """
        given = dict(reversed(query)) if query else {}
        for template in self._sorted.get(method, ()):
            found = template.pattern.match(path)
            if found is None:
                continue
            name = _best(template.candidates if given else template.bare, given, headers)
            if name is not None:
                return name, {label: decode(text) for label, text in zip(template.labels, found.groups(), strict=True)}
        return None


def decode(text: str) -> str:
    """Percent-decoded exactly once; "+" stays what it is."""
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as mistake:
        raise ServiceError("InvalidURI", "Couldn't parse the specified URI.", 400) from mistake


def _best(candidates: list[Candidate], given: dict[str, str], headers: Mapping[str, str]) -> str | None:
    """The weightiest that fits; one that lacks only parameters wins over those with fewer query literals."""
    incomplete = None
    for candidate in candidates:
        if not all(key in given and value in (None, given[key]) for key, value in candidate.literals):
            continue
        if incomplete is not None and len(candidate.literals) < len(incomplete.literals):
            return incomplete.name
        if candidate.parameters <= given.keys() and candidate.headers <= headers.keys():
            return candidate.name
        incomplete = incomplete or candidate
    return incomplete.name if incomplete else None


def _template(path: str) -> Template:
    labels = LABEL.findall(path)
    pattern, at = "", 0
    for found in LABEL.finditer(path):
        pattern += re.escape(path[at : found.start()])
        pattern += "(.+)" if found[2] else "([^/]+)"
        at = found.end()
    pattern += re.escape(path[at:].rstrip("/"))
    end = "" if labels and labels[-1][1] and path.endswith("}") else "/?"
    segments = path.strip("/").split("/")
    literal = sum("{" not in segment for segment in segments if segment)
    greedy = sum(1 for _, plus in labels if plus)
    return Template(
        re.compile(f"{pattern}{end}\\Z", re.DOTALL), tuple(name for name, _ in labels), (-literal, greedy), [], []
    )


def _candidate(name: str, literals: str, shape: Shape | None) -> Candidate:
    pairs = []
    for part in literals.split("&") if literals else ():
        key, equals, value = part.partition("=")
        pairs.append((key, value if equals else None))
    needed: dict[str, set[str]] = {"querystring": set(), "header": set()}
    for member_name in shape.required if shape else ():
        member = shape.members[member_name] if shape else None
        if member is not None and member.location in needed:
            needed[member.location].add(member.wire)
    headers = frozenset(wire.lower() for wire in needed["header"])
    return Candidate(name, tuple(pairs), frozenset(needed["querystring"]), headers)
