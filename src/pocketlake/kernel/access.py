"""Who asks: principals, the credentials that the lake has given out, and the one step that permits a call."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import orjson

from pocketlake.kernel.arn import PARTITION

if TYPE_CHECKING:
    from pocketlake.kernel.call import Call
    from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE access_keys (
        access_key TEXT NOT NULL PRIMARY KEY, secret TEXT NOT NULL, session_token TEXT NOT NULL,
        account TEXT NOT NULL, owner TEXT NOT NULL, principal BLOB NOT NULL,
        status TEXT NOT NULL, created REAL NOT NULL, expires REAL
    ) WITHOUT ROWID;
    CREATE INDEX access_keys_by_owner ON access_keys (account, owner, created);
    CREATE INDEX access_keys_by_expiry ON access_keys (expires) WHERE expires IS NOT NULL;
    """,
    "ALTER TABLE access_keys ADD COLUMN session BLOB",
]

Kind = Literal["root", "user", "assumed-role", "federated-user", "service", "anonymous"]
Status = Literal["Active", "Inactive"]

CACHE_LIMIT = 10_000  # keys, unknown ones too

COLUMNS = "access_key, secret, session_token, principal, status, created, expires, session"


@dataclass(slots=True, frozen=True)
class Principal:
    """Whoever a request acts for. `user_id` is what STS calls UserId; `session` the name of a role's session."""

    account: str
    arn: str
    user_id: str = ""
    access_key: str = ""
    kind: Kind = "root"
    session: str = ""

    @classmethod
    def root(cls, account: str, access_key: str = "") -> Principal:
        return cls(account, f"arn:{PARTITION}:iam::{account}:root", account, access_key)

    @classmethod
    def user(cls, account: str, path: str, name: str, user_id: str) -> Principal:
        return cls(account, f"arn:{PARTITION}:iam::{account}:user{path}{name}", user_id, kind="user")

    @classmethod
    def role(cls, role_arn: str, session: str, role_id: str = "") -> Principal:
        """A session of the role; its ARN has the role's name without the path."""
        account, role = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        arn = f"arn:{PARTITION}:sts::{account}:assumed-role/{role}/{session}"
        return cls(account, arn, f"{role_id}:{session}" if role_id else "", "", "assumed-role", session)

    @classmethod
    def federated(cls, account: str, name: str) -> Principal:
        arn = f"arn:{PARTITION}:sts::{account}:federated-user/{name}"
        return cls(account, arn, f"{account}:{name}", "", "federated-user", name)

    @classmethod
    def service(cls, name: str, account: str) -> Principal:
        """An AWS service acting in an account, e.g. firehose.amazonaws.com."""
        return cls(account, name, kind="service")

    @classmethod
    def anonymous(cls, account: str) -> Principal:
        """Nobody in particular; what it asks concerns `account`."""
        return cls(account, "*", "anonymous", kind="anonymous")


@dataclass(slots=True, frozen=True)
class Credentials:
    """An access key that the lake knows. `expires` is in seconds on the lake's clock, None for long-term keys.

    `session` is what STS was asked to bind to temporary keys: their session policies, tags and source identity.
    """

    access_key: str
    secret: str = field(repr=False)
    session_token: str = field(repr=False)
    principal: Principal
    status: Status = "Active"
    created: float = 0.0
    expires: float | None = None
    session: dict[str, Any] = field(default_factory=dict)

    def is_expired(self, now: float) -> bool:
        return self.expires is not None and self.expires <= now


def find(store: Store, access_key: str) -> Credentials | None:
    """Inactive and expired ones are found too: they must not pass for unknown ones. Asked for every request."""
    known = store.caches["access"]
    try:
        found: Credentials | None = known[access_key]
    except KeyError:
        # The primary key serves this.
        row = store.one(f"SELECT {COLUMNS} FROM access_keys WHERE access_key = ?", (access_key,))
        found = None if row is None else _credentials(row)
        if len(known) >= CACHE_LIMIT:
            known.clear()
        known[access_key] = found
    return found


def _write(store: Store, sql: str, parameters: tuple[Any, ...]) -> None:
    """Keys change seldom: whatever is remembered of them goes, and goes again if the write is taken back."""
    known = store.caches["access"]
    known.clear()
    store.undo(known.clear)
    store.execute(sql, parameters)


def of_owner(store: Store, account: str, owner: str) -> list[Credentials]:
    """The long-term keys of the user with this ID (of the root user: the account), oldest first.

    access_keys_by_owner serves this.
    """
    rows = store.rows(
        f"SELECT {COLUMNS} FROM access_keys WHERE account = ? AND owner = ? AND expires IS NULL"
        " ORDER BY created, access_key",
        (account, owner),
    )
    return [_credentials(row) for row in rows]


def add(store: Store, credentials: Credentials) -> None:
    principal = replace(credentials.principal, access_key=credentials.access_key)
    _write(
        store,
        "INSERT INTO access_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            credentials.access_key,
            credentials.secret,
            credentials.session_token,
            principal.account,
            principal.user_id,
            orjson.dumps(asdict(principal)),
            credentials.status,
            credentials.created,
            credentials.expires,
            orjson.dumps(credentials.session) if credentials.session else None,
        ),
    )


def set_status(store: Store, access_key: str, status: Status) -> None:
    _write(store, "UPDATE access_keys SET status = ? WHERE access_key = ?", (status, access_key))


def rename(store: Store, principal: Principal) -> None:
    """Give every key of the principal's user_id the principal's new ARN. access_keys_by_owner serves this."""
    _write(
        store,
        "UPDATE access_keys SET principal = json_set(CAST(principal AS TEXT), '$.arn', ?)"
        " WHERE account = ? AND owner = ?",
        (principal.arn, principal.account, principal.user_id),
    )


def remove(store: Store, access_key: str) -> None:
    _write(store, "DELETE FROM access_keys WHERE access_key = ?", (access_key,))


def remove_expired(store: Store, before: float) -> None:
    """Forget temporary keys that expired before then. access_keys_by_expiry serves this."""
    _write(store, "DELETE FROM access_keys WHERE expires IS NOT NULL AND expires < ?", (before,))


def authorise(call: Call, request: dict[str, Any]) -> None:
    """The one step that permits or refuses a call, from outside or between services.

    Everything passes today: policies are checked and kept, and deciding by them comes with identity. What there is to
    decide, `call.needs(request)` says: actions on ARNs.
    """


def _credentials(row: tuple[Any, ...]) -> Credentials:
    access_key, secret, session_token, principal, status, created, expires, session = row
    return Credentials(
        access_key,
        secret,
        session_token,
        Principal(**orjson.loads(principal)),
        status,
        created,
        expires,
        orjson.loads(session) if session else {},
    )
