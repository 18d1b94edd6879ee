"""Text messages: the account's settings, its sandbox, and who does not want any.

Nobody can answer STOP to a message that lies in the outbox: the list of numbers that opted out is empty.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import addresses, outbox
from .service import errors, invalid, sns

SETTINGS = "sms"
PHONE = re.compile(r"\+?[1-9]\d{1,14}")


def _settings(call: Call) -> Resource | None:
    return call.resources("settings").find(SETTINGS)


def _check_number(number: str) -> None:
    if not PHONE.fullmatch(number):
        raise invalid("PhoneNumber Reason: input incorrectly formatted")


@sns.operation
def set_sms_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    kind, settings = call.resources("settings"), _settings(call)
    if settings is None:
        kind.create(SETTINGS, {"Attributes": request["attributes"]})
    else:
        kind.update(settings, Attributes={**settings["Attributes"], **request["attributes"]})
    return {}


@sns.operation
def get_sms_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    settings = _settings(call)
    attributes = {} if settings is None else settings["Attributes"]
    wanted = request.get("attributes")
    return {"attributes": {name: value for name, value in attributes.items() if not wanted or name in wanted}}


@sns.operation
def check_if_phone_number_is_opted_out(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _check_number(request["phoneNumber"])
    return {"isOptedOut": False}


@sns.operation
def list_phone_numbers_opted_out(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"phoneNumbers": []}


@sns.operation
def opt_in_phone_number(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _check_number(request["phoneNumber"])
    return {}


@sns.operation
def get_sms_sandbox_account_status(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"IsInSandbox": False}


@sns.operation
def create_sms_sandbox_phone_number(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The number gets a password, by way of the outbox."""
    number, password = request["PhoneNumber"], f"{secrets.randbelow(10**6):06d}"
    kind = call.resources("sandbox")
    try:
        kind.create(number, {"Status": "Pending", "Password": password})
    except AlreadyExists:
        present = kind.find(number)
        assert present is not None
        kind.update(present, Password=password)
    outbox.post(call, "sms", number, {"Message": f"Your verification code is {password}", "OneTimePassword": password})
    return {}


def _sandboxed(call: Call, number: str) -> Resource:
    found = call.resources("sandbox").find(number)
    if found is None:
        raise errors.ResourceNotFoundException("The phone number is not in the SMS sandbox")
    return found


@sns.operation
def verify_sms_sandbox_phone_number(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found = _sandboxed(call, request["PhoneNumber"])
    if found["Password"] != request["OneTimePassword"]:
        raise errors.VerificationException("The one-time password is not valid", Status="VERIFICATION_FAILED")
    call.resources("sandbox").update(found, Status="Verified")
    return {}


@sns.operation
def delete_sms_sandbox_phone_number(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call.resources("sandbox").delete(_sandboxed(call, request["PhoneNumber"]))
    return {}


@sns.operation
def list_sms_sandbox_phone_numbers(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found, token = addresses.listed(call, "sandbox", request)
    return {"PhoneNumbers": [{"PhoneNumber": one.name, "Status": one["Status"]} for one in found], "NextToken": token}
