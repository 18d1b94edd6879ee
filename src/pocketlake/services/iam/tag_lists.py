"""Tags as requests list them and as entities keep them. Keys keep their case but are not told apart by it."""

from __future__ import annotations

from .service import errors


def tag_map(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Raises InvalidInput where two keys differ by case at most."""
    found = {tag["Key"]: tag.get("Value", "") for tag in tags or ()}
    if len({name.lower() for name in found}) != len(tags or ()):
        raise errors.InvalidInputException("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return found


def merged(tags: dict[str, str], added: dict[str, str]) -> dict[str, str]:
    """`added` over `tags`: a key takes the place of the one that differs by its case only."""
    replaced = {name.lower() for name in added}
    return {name: value for name, value in tags.items() if name.lower() not in replaced} | added


def shown(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
