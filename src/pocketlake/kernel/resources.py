"""Named things with ARNs and tags: one table of documents for all control planes."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, replace
from typing import Any

import orjson

from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE resources (
        account TEXT NOT NULL, region TEXT NOT NULL, service TEXT NOT NULL, kind TEXT NOT NULL,
        parent TEXT NOT NULL, name TEXT NOT NULL,
        arn TEXT NOT NULL, body BLOB NOT NULL, tags BLOB NOT NULL, created REAL NOT NULL,
        PRIMARY KEY (account, region, service, kind, parent, name)
    ) WITHOUT ROWID;
    CREATE INDEX resources_by_arn ON resources (arn) WHERE arn <> '';
    """
]

COLUMNS = "parent, name, arn, body, tags, created"
SCOPE = "account = ? AND region = ? AND service = ? AND kind = ?"
CACHE_LIMIT = 50_000
LAST = "\U0010ffff"  # sorts after every name

Key = tuple[str, str, str, str, str, str]


class AlreadyExists(Exception):
    """There is a resource of this kind and name."""


@dataclass(slots=True, frozen=True)
class Resource:
    """`body` is the service's document: never change it in place, `Resources.update` writes a new one."""

    parent: str
    name: str
    arn: str
    body: dict[str, Any]
    tags: dict[str, str]
    created: float

    def __getitem__(self, member: str) -> Any:
        return self.body[member]

    def get(self, member: str, default: Any = None) -> Any:
        return self.body.get(member, default)


class Resources:
    """The resources of one kind in one account, region and service."""

    __slots__ = ("_cache", "_now", "_scope", "_store")

    def __init__(self, store: Store, cache: dict[Key, Resource], scope: tuple[str, str, str, str], now: float) -> None:
        self._store = store
        self._cache = cache
        self._scope = scope
        self._now = now

    def find(self, name: str, parent: str = "") -> Resource | None:
        key = (*self._scope, parent, name)
        if (cached := self._cache.get(key)) is not None:
            return cached
        # The primary key serves this.
        row = self._store.one(f"SELECT {COLUMNS} FROM resources WHERE {SCOPE} AND parent = ? AND name = ?", key)
        if row is None:
            return None
        return self._remember(_resource(row))

    def by_arn(self, arn: str) -> Resource | None:
        # resources_by_arn serves this.
        row = self._store.one(f"SELECT {COLUMNS} FROM resources WHERE arn = ? AND {SCOPE}", (arn, *self._scope))
        return None if row is None else _resource(row)

    def create(
        self, name: str, body: dict[str, Any], parent: str = "", arn: str = "", tags: dict[str, str] | None = None
    ) -> Resource:
        if self.find(name, parent) is not None:
            raise AlreadyExists(name)
        return self._write(Resource(parent, name, arn, body, dict(tags or {}), self._now))

    def update(self, resource: Resource, **changes: Any) -> Resource:
        """The resource with these members of its body changed; a value of None takes the member out."""
        body = {name: value for name, value in {**resource.body, **changes}.items() if value is not None}
        return self._write(replace(resource, body=body))

    def replace_body(self, resource: Resource, body: dict[str, Any]) -> Resource:
        return self._write(replace(resource, body=body))

    def tag(self, resource: Resource, tags: dict[str, str]) -> Resource:
        return self._write(replace(resource, tags={**resource.tags, **tags}))

    def untag(self, resource: Resource, names: list[str]) -> Resource:
        return self._write(replace(resource, tags={k: v for k, v in resource.tags.items() if k not in set(names)}))

    def delete(self, resource: Resource) -> None:
        key = (*self._scope, resource.parent, resource.name)
        self._store.execute(f"DELETE FROM resources WHERE {SCOPE} AND parent = ? AND name = ?", key)
        self._cache.pop(key, None)

    def list(self, parent: str = "", prefix: str = "", after: str = "", limit: int | None = None) -> list[Resource]:
        """By name, those that begin with `prefix` and come after `after`. The primary key serves this."""
        rows = self._store.execute(
            f"SELECT {COLUMNS} FROM resources WHERE {SCOPE} AND parent = ? AND name > ? AND name >= ? AND name < ?"
            " ORDER BY name LIMIT ?",
            (*self._scope, parent, after, prefix, prefix + LAST, -1 if limit is None else limit),
        )
        return [_resource(row) for row in rows]

    def list_all(self, after: tuple[str, str] = ("", ""), limit: int | None = None) -> builtins.list[Resource]:
        """Of every parent, by parent and name, those that come after `after`. The primary key serves this."""
        rows = self._store.execute(
            f"SELECT {COLUMNS} FROM resources WHERE {SCOPE} AND (parent, name) > (?, ?) ORDER BY parent, name LIMIT ?",
            (*self._scope, *after, -1 if limit is None else limit),
        )
        return [_resource(row) for row in rows]

    def count(self, parent: str = "") -> int:
        row = self._store.one(f"SELECT count(*) FROM resources WHERE {SCOPE} AND parent = ?", (*self._scope, parent))
        assert row is not None
        return int(row[0])

    def _write(self, resource: Resource) -> Resource:
        self._store.execute(
            "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *self._scope,
                resource.parent,
                resource.name,
                resource.arn,
                orjson.dumps(resource.body, option=orjson.OPT_NON_STR_KEYS),
                orjson.dumps(resource.tags),
                resource.created,
            ),
        )
        return self._remember(resource, written=True)

    def _remember(self, resource: Resource, written: bool = False) -> Resource:
        key = (*self._scope, resource.parent, resource.name)
        if len(self._cache) >= CACHE_LIMIT:
            self._cache.clear()
        self._cache[key] = resource
        if written:
            self._store.undo(lambda: self._cache.pop(key, None))
        return resource


def _resource(row: tuple[Any, ...]) -> Resource:
    parent, name, arn, body, tags, created = row
    return Resource(parent, name, arn, orjson.loads(body), orjson.loads(tags), created)
