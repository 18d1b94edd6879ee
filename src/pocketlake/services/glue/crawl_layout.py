"""Which folders are tables and which are partitions, as Glue groups them. Pure over paths and findings.

A folder whose subfolders all hold the same kind of data, equally deep, is one table, and the subfolders are its
partitions: named by `key=value` folder names, partition_0, partition_1... otherwise. Where they differ each subfolder
is a table of its own; files of one folder that differ become a table each.
Source: Glue developer guide, "How does a crawler determine when to create partitions?".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from pocketlake.engines.formats.infer import Finding, together

NOT_IN_NAMES = re.compile(r"[^a-z0-9_]")


@dataclass(frozen=True, slots=True)
class Partition:
    """`folder` is the key prefix that ends with a slash."""

    values: tuple[str, ...]
    folder: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class FoundTable:
    """`place` is a key prefix that ends with a slash, or the key of a single file. `keys` names its partition keys."""

    place: str
    finding: Finding
    keys: tuple[str, ...] = ()
    partitions: tuple[Partition, ...] = ()


@dataclass(slots=True)
class Folder:
    path: str
    files: list[tuple[str, Finding]] = field(default_factory=list)
    children: dict[str, Folder] = field(default_factory=dict)


def tables_of(root: str, files: Iterable[tuple[str, Finding]], table_level: int = 0) -> list[FoundTable]:
    """The tables among files given as (key, finding), below the folder `root` ("" or ending with a slash).

    `table_level` fixes how deep tables lie: 1 is the bucket, 2 its folders, and so on; 0 leaves it to the data.
    """
    top = Folder(root)
    for key, finding in sorted(files, key=lambda pair: pair[0]):
        folder = top
        for name in key[len(root) :].split("/")[:-1]:
            folder = folder.children.setdefault(name, Folder(f"{folder.path}{name}/"))
        folder.files.append((key, finding))
    if not (top.files or top.children):
        return []
    return [_named(table) for table in _resolve(top, table_level)]


def _resolve(folder: Folder, table_level: int) -> list[FoundTable]:
    below = {name: _resolve(child, table_level) for name, child in folder.children.items()}
    level = folder.path.count("/") + 1
    if not below:
        return _tables_of_files(folder)
    if not folder.files and (table_level == 0 or level >= table_level):
        merged = _as_one(folder, below, forced=level == table_level)
        if merged is not None:
            return [merged]
    own = [FoundTable(key, finding) for key, finding in _known(folder.files)]
    return own + [table for tables in below.values() for table in tables]


def _known(files: Sequence[tuple[str, Finding]]) -> Sequence[tuple[str, Finding]]:
    """Files that nobody can read say nothing beside files that somebody can."""
    known = [pair for pair in files if pair[1].classification != "UNKNOWN"]
    return known or files


def _tables_of_files(folder: Folder) -> list[FoundTable]:
    files = _known(folder.files)
    findings = [finding for _, finding in files]
    if all(finding.is_like(findings[0]) for finding in findings):
        return [FoundTable(folder.path, together(findings))]
    return [FoundTable(key, finding) for key, finding in files]


def _as_one(folder: Folder, below: dict[str, list[FoundTable]], forced: bool) -> FoundTable | None:
    """The folder as one table over its subfolders; None when these do not go together."""
    if any(len(tables) != 1 or tables[0].place != folder.children[name].path for name, tables in below.items()):
        return None
    tables = {name: found[0] for name, found in below.items()}
    first = next(iter(tables.values()))
    if any(table.keys != first.keys for table in tables.values()):
        return None
    if any(table.finding.classification != first.finding.classification for table in tables.values()):
        return None
    if not forced and not all(table.finding.is_like(first.finding) for table in tables.values()):
        return None
    hive = {name.partition("=")[0].lower() if "=" in name else "" for name in tables}
    if len(hive) != 1:
        return None
    key = hive.pop()
    partitions: list[Partition] = []
    for name, table in tables.items():
        value = unquote(name.partition("=")[2]) if key else name
        inner = table.partitions or (Partition((), table.place, table.finding),)
        partitions += [Partition((value, *one.values), one.folder, one.finding) for one in inner]
    finding = together([table.finding for table in tables.values()])
    return FoundTable(folder.path, finding, (key, *first.keys), tuple(partitions))


def _named(table: FoundTable) -> FoundTable:
    """Partition keys without a name get the number of their level."""
    keys = tuple(key or f"partition_{level}" for level, key in enumerate(table.keys))
    return FoundTable(table.place, table.finding, keys, table.partitions)


def table_name(bucket: str, place: str, prefix: str) -> str:
    """The last folder's or file's name in the characters that a table's name may have."""
    last = place.rstrip("/").rpartition("/")[2] or bucket
    return prefix + NOT_IN_NAMES.sub("_", last.lower())


def by_folder(keys: Iterable[str]) -> dict[str, list[str]]:
    folders: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        folders[key[: key.rfind("/") + 1]].append(key)
    return dict(folders)


def exclusion(pattern: str) -> re.Pattern[str]:
    """A crawler's exclude pattern: `*` and `?` stay within a folder, `**` crosses folders, [..] and {a,b} as in shells.

    Source: Glue developer guide, "Include and exclude patterns".
    """
    parts, at = [], 0
    while at < len(pattern):
        if match := re.match(r"\*\*|\*|\?|\[!?[^\]]+\]|\{[^}]*\}|\\.", pattern[at:]):
            parts.append(_glob(match.group()))
            at += match.end()
        else:
            parts.append(re.escape(pattern[at]))
            at += 1
    return re.compile("".join(parts), re.DOTALL)


def _glob(token: str) -> str:
    if token == "**":
        return ".*"
    if token == "*":
        return "[^/]*"
    if token == "?":
        return "[^/]"
    if token.startswith("["):
        negated = token[1] == "!"
        inner = token[2:-1] if negated else token[1:-1]
        escaped = inner.replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[")
        return f"[{'^' if negated else ''}{escaped}]"
    if token.startswith("{"):
        return "(?:" + "|".join(exclusion(part).pattern for part in token[1:-1].split(",")) + ")"
    return re.escape(token[1:])
