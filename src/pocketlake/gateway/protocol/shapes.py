"""A service model's shapes, linked and with their traits in one place. Read at compile time only, never per request."""

from __future__ import annotations

from functools import cached_property
from typing import Any

SCALARS = frozenset({"string", "character", "boolean", "integer", "long", "float", "double", "timestamp", "blob"})


class Shape:
    """One entry of a model's `shapes`. `type` is as in the model, or "document" for values of any form."""

    def __init__(self, name: str, raw: dict[str, Any], shapes: Shapes) -> None:
        self.name = name
        self.raw = raw
        self.type: str = "document" if raw.get("document") else raw["type"]
        self.required: tuple[str, ...] = tuple(raw.get("required", ()))
        self._shapes = shapes

    @cached_property
    def members(self) -> dict[str, Member]:
        return {name: Member(name, ref, self._shapes) for name, ref in self.raw.get("members", {}).items()}

    @cached_property
    def member(self) -> Member:
        """What a list holds."""
        return Member("member", self.raw["member"], self._shapes)

    @cached_property
    def key(self) -> Member:
        return Member("key", self.raw["key"], self._shapes)

    @cached_property
    def value(self) -> Member:
        return Member("value", self.raw["value"], self._shapes)

    @property
    def eventstream(self) -> bool:
        return bool(self.raw.get("eventstream"))


class Member:
    """A reference to a shape under a name. Traits of the reference win over those of the shape."""

    def __init__(self, name: str, ref: dict[str, Any], shapes: Shapes) -> None:
        self.name = name
        self.ref = ref
        self.shape = shapes[ref["shape"]]

    def trait(self, key: str, default: Any = None) -> Any:
        value = self.ref.get(key)
        return self.shape.raw.get(key, default) if value is None else value

    @property
    def wire(self) -> str:
        """The name on the wire, `locationName` where there is one."""
        return str(self.trait("locationName", self.name))

    @property
    def location(self) -> str:
        """ "uri", "querystring", "header", "headers", "statusCode" or "" for the body."""
        return str(self.trait("location", ""))

    @property
    def streaming(self) -> bool:
        return bool(self.trait("streaming")) and self.shape.type in ("blob", "string")


class Shapes:
    """All shapes of a model, made on first use."""

    def __init__(self, raw: dict[str, dict[str, Any]]) -> None:
        self._raw = raw
        self._made: dict[str, Shape] = {}

    def __getitem__(self, name: str) -> Shape:
        shape = self._made.get(name)
        if shape is None:
            shape = self._made[name] = Shape(name, self._raw[name], self)
        return shape

    def __contains__(self, name: str) -> bool:
        return name in self._raw

    def exceptions(self) -> list[Shape]:
        return [self[name] for name, raw in self._raw.items() if raw.get("exception")]
