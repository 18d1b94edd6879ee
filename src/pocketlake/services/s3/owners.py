"""Owners, and the access control lists that follow from canned ones."""

from __future__ import annotations

import hashlib
from typing import Any


def canonical_id(account: str) -> str:
    """The account's canonical user ID: 64 hexadecimal digits, the same in every lake."""
    return hashlib.sha256(f"pocketlake canonical user {account}".encode()).hexdigest()


def owner(account: str) -> dict[str, Any]:
    """S3 has left out DisplayName since November 2025."""
    return {"ID": canonical_id(account)}


def private_grants(account: str) -> list[dict[str, Any]]:
    """What the canned ACLs `private` and `bucket-owner-full-control` amount to."""
    grantee = {"Type": "CanonicalUser", **owner(account)}
    return [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]
