"""Access keys of users: from the moment one exists, its signatures are checked."""

from __future__ import annotations

import secrets
import string
from typing import Any

from pocketlake.kernel import access
from pocketlake.kernel.access import Credentials, Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas
from .listing import page
from .service import ID_ALPHABET, USER, errors, iam, look_up, seconds
from .users import caller

Request = dict[str, Any]

KEY_LENGTH, SECRET_LENGTH = 20, 40
SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"


@iam.operation
def create_access_key(call: Call, request: Request) -> Request:
    """The only answer that ever shows the secret."""
    name, owner = _owner(call, request)
    keys = access.of_owner(call.db, call.account, owner.user_id)
    quotas.room_for_one_more(call, quotas.ACCESS_KEYS, len(keys))
    made = Credentials(
        "AKIA" + "".join(secrets.choice(ID_ALPHABET) for _ in range(KEY_LENGTH - 4)),
        "".join(secrets.choice(SECRET_ALPHABET) for _ in range(SECRET_LENGTH)),
        "",
        owner,
        created=seconds(call),
    )
    access.add(call.db, made)
    return {"AccessKey": {**_shown(name, made), "SecretAccessKey": made.secret}}


@iam.operation
def list_access_keys(call: Call, request: Request) -> Request:
    name, owner = _owner(call, request)
    keys = access.of_owner(call.db, call.account, owner.user_id)
    found = sorted((key.access_key, _shown(name, key)) for key in keys)
    return page(call, request, "AccessKeyMetadata", found)


@iam.operation
def update_access_key(call: Call, request: Request) -> Request:
    access.set_status(call.db, _key(call, request).access_key, request["Status"])
    return {}


@iam.operation
def delete_access_key(call: Call, request: Request) -> Request:
    access.remove(call.db, _key(call, request).access_key)
    return {}


def _owner(call: Call, request: Request) -> tuple[str, Principal]:
    """The user named, or whoever asks: a user, or the account itself."""
    name = request.get("UserName")
    if name is None and call.principal.kind == "root":
        return "root", Principal.root(call.account)
    user = look_up(call, USER, name or caller(call))
    return user["UserName"], principal(call, user)


def principal(call: Call, user: Resource) -> Principal:
    return Principal.user(call.account, user["Path"], user["UserName"], user["UserId"])


def _key(call: Call, request: Request) -> Credentials:
    """The key, if it is the named user's. Without a name any of the account's, as the key itself says whose it is."""
    key_id = request["AccessKeyId"]
    found = access.find(call.db, key_id)
    mine = found is not None and found.principal.account == call.account and found.expires is None
    if mine and request.get("UserName"):
        assert found is not None
        mine = found.principal.user_id == look_up(call, USER, request["UserName"])["UserId"]
    if found is None or not mine:
        if request.get("UserName"):
            look_up(call, USER, request["UserName"])
        raise errors.NoSuchEntityException(f"The Access Key with id {key_id} cannot be found.")
    return found


def _shown(name: str, key: Credentials) -> Request:
    return {"UserName": name, "AccessKeyId": key.access_key, "Status": key.status, "CreateDate": key.created}
