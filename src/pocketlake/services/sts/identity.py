"""Who am I, and whose key is this?"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel import access
from pocketlake.kernel.call import Call

from .service import errors, sts


@sts.operation
def get_caller_identity(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Whatever policies say, whoever has valid credentials may ask this."""
    principal = call.principal
    if principal.kind == "anonymous":
        raise errors.MissingAuthenticationToken("Request is missing Authentication Token", status=403)
    return {"UserId": principal.user_id, "Account": principal.account, "Arn": principal.arn}


@sts.operation
def get_access_key_info(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The account of a key; a key that the lake did not give out belongs to the account it would be let in for."""
    key = request["AccessKeyId"]
    known = access.find(call.db, key)
    if known is not None:
        return {"Account": known.principal.account}
    return {"Account": key if len(key) == 12 and key.isdigit() else call.lake.config.account}
