"""The Security Token Service: its errors, and the making of temporary credentials."""

from __future__ import annotations

import secrets
import string
from typing import Any

from pocketlake.kernel import access
from pocketlake.kernel.access import Credentials, Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.service import Service

sts = Service("sts", validation_error="ValidationError", statuses={"AccessDenied": 403})
errors = sts.errors

KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TEXT_ALPHABET = string.ascii_letters + string.digits + "+/"
# Tokens are opaque; AWS's have changed their length over time and begin alike.
TOKEN_STEM, TOKEN_LENGTH = "FQoGZXIvYXdzE", 356
# How long a session's key is remembered after its end, so that it is refused as expired and not as unknown.
REMEMBERED_SECONDS = 7 * 24 * 3600


def new_session(
    call: Call, principal: Principal, seconds: int, session: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Credentials of the principal for so long, on the lake's clock; the answer's `Credentials`.

    `session` is kept with them: Policy, PolicyArns, Tags, TransitiveTagKeys, SourceIdentity.
    """
    access.remove_expired(call.db, call.now - REMEMBERED_SECONDS)
    made = Credentials(
        "ASIA" + _random(KEY_ALPHABET, 16),
        _random(TEXT_ALPHABET, 40),
        TOKEN_STEM + _random(TEXT_ALPHABET, TOKEN_LENGTH - len(TOKEN_STEM)),
        principal,
        created=call.now,
        expires=float(int(call.now) + seconds),
        session=session or {},
    )
    access.add(call.db, made)
    return {
        "AccessKeyId": made.access_key,
        "SecretAccessKey": made.secret,
        "SessionToken": made.session_token,
        "Expiration": made.expires,
    }


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def no_sessions(call: Call) -> None:
    """Raises AccessDenied where the caller has temporary credentials."""
    known = access.find(call.db, call.principal.access_key)
    if call.principal.kind in ("assumed-role", "federated-user") or (known is not None and known.expires is not None):
        name = "".join(word.capitalize() for word in call.operation.split("_"))
        raise errors.AccessDenied(f"Cannot call {name} with session credentials")
