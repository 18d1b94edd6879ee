"""Scaling activities. Targets, policies and scheduled actions are resources."""

from __future__ import annotations

from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE autoscaling_activities (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL,
        resource TEXT NOT NULL, dimension TEXT NOT NULL,
        at REAL NOT NULL,
        body BLOB NOT NULL              -- JSON as DescribeScalingActivities shows it
    );
    CREATE INDEX autoscaling_activities_by_namespace ON autoscaling_activities (account, region, namespace, id);
    CREATE INDEX autoscaling_activities_by_age ON autoscaling_activities (at);
    """
]

Scope = tuple[str, str, str]  # account, region, namespace


def put_activity(db: Store, scope: Scope, resource: str, dimension: str, at: float, body: bytes) -> None:
    db.append(
        "INSERT INTO autoscaling_activities (account, region, namespace, resource, dimension, at, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*scope, resource, dimension, at, body),
    )


def activities(
    db: Store, scope: Scope, resource: str | None, dimension: str | None, before: int, since: float, most: int
) -> list[tuple[int, bytes]]:
    """The newest first: autoscaling_activities_by_namespace."""
    where, parameters = "", []
    for column, value in (("resource", resource), ("dimension", dimension)):
        if value is not None:
            where += f" AND {column} = ?"
            parameters.append(value)
    return db.rows(
        "SELECT id, body FROM autoscaling_activities WHERE account = ? AND region = ? AND namespace = ?"
        f" AND id < ? AND at >= ?{where} ORDER BY id DESC LIMIT ?",
        (*scope, before, since, *parameters, most),
    )


def forget_before(db: Store, at: float) -> None:
    """autoscaling_activities_by_age."""
    db.execute("DELETE FROM autoscaling_activities WHERE at < ?", (at,))
