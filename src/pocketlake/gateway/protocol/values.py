"""How decoders and encoders of all protocols are compiled: once per shape, to closures that know nothing of the model.

A decoder takes a wire value to the value that handlers see; an encoder goes back. Structures are kept by name, so that
a shape which holds itself finds its own (late-bound) closure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pocketlake.gateway.protocol.shapes import Member, Shape
from pocketlake.kernel.errors import ServiceError

Convert = Callable[[Any], Any]
INTEGER_RANGES = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class Compiler:
    """Base of the value codecs: dispatch by type, structures made once and bound late."""

    def __init__(self) -> None:
        self._structures: dict[str, Convert] = {}

    def compile(self, member: Member) -> Convert:
        if member.shape.type == "structure":
            return self.structure(member.shape)
        make: Callable[[Member], Convert] = getattr(self, f"make_{member.shape.type}")
        return make(member)

    def structure(self, shape: Shape) -> Convert:
        made = self._structures.get(shape.name)
        if made is None:
            cell: list[Convert] = []
            self._structures[shape.name] = lambda value: cell[0](value)
            made = self._structures[shape.name] = self.make_structure(shape)
            cell.append(made)
        return made

    def make_structure(self, shape: Shape) -> Convert:
        raise NotImplementedError

    def make_string(self, member: Member) -> Convert:
        raise NotImplementedError

    def make_character(self, member: Member) -> Convert:
        make: Callable[[Member], Convert] = self.make_string
        return make(member)


def integer(text: str, kind: str) -> int:
    """Whole numbers as text. Raises ValueError; twenty digits are enough for every integer type."""
    if len(text) > 32:
        raise ValueError(f"not a number: {text[:32]}...")
    value = int(text)
    low, high = INTEGER_RANGES.get(kind, INTEGER_RANGES["long"])
    if not low <= value <= high:
        raise ValueError(f"not a {kind}: {value}")
    return value


def real(text: str) -> float:
    """Numbers as text, with the three words for those that are none. Raises ValueError."""
    if text in NON_FINITE:
        return NON_FINITE[text]
    value = float(text)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"not a number: {text[:32]}")
    return value


def boolean(text: str) -> bool:
    """Raises ValueError."""
    if text in ("true", "True", "1"):
        return True
    if text in ("false", "False", "0"):
        return False
    raise ValueError(f"not a boolean: {text[:32]}")


def number_text(value: float) -> str:
    """A float or an int as XML, headers and query strings have it."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def as_bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def serialization_error(message: str) -> ServiceError:
    """A request that cannot be read as the model's types; AWS's JSON services spell the member `Message`."""
    return ServiceError("SerializationException", message, 400)
