"""The parts of an item that paths name, in the form of the item. Lists keep the order of places, without gaps."""

from __future__ import annotations

from typing import Any

from .evaluation import at
from .nodes import Path

Item = dict[str, Any]
Tree = dict[str | int, Any]  # part -> what is wanted beneath it; nothing beneath: all of it


def project(paths: tuple[Path, ...], item: Item) -> Item:
    wanted: Tree = {}
    for path in paths:
        if at(path, item) is None:
            continue
        branch = wanted
        for part in path.parts:
            branch = branch.setdefault(part, {})
    return {str(name): _pick(item[str(name)], beneath) for name, beneath in wanted.items()}


def _pick(value: Item, wanted: Tree) -> Item:
    if not wanted:
        return value
    if "M" in value:
        return {"M": {name: _pick(value["M"][name], wanted[name]) for name in wanted}}
    places = sorted(place for place in wanted if isinstance(place, int))
    return {"L": [_pick(value["L"][place], wanted[place]) for place in places]}
