"""Platform applications and their endpoints: records of push services and devices. Pushes go to the outbox."""

from __future__ import annotations

import contextlib
import hashlib
import re
import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import addresses, quotas
from .service import invalid, missing, sns

PLATFORMS = (
    "ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM", "MACOS", "MACOS_SANDBOX", "MPNS",
    "WNS",
)  # fmt: skip
ATTRIBUTES = ("CustomUserData", "Enabled", "Token")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,256}")


def _application(call: Call, arn: str) -> Resource:
    """NotFound."""
    found = addresses.parse(arn, "PlatformApplicationArn")
    application = call.resources("application").find(found.resource.removeprefix("app/"))
    if application is None or not found.resource.startswith("app/"):
        raise missing("PlatformApplication")
    return application


def _endpoint(call: Call, arn: str) -> Resource:
    """NotFound."""
    endpoint = _find_endpoint(call, arn)
    if endpoint is None:
        raise missing("Endpoint")
    return endpoint


def _find_endpoint(call: Call, arn: str) -> Resource | None:
    parts = addresses.parse(arn, "EndpointArn").resource.split("/")
    if len(parts) != 4 or parts[0] != "endpoint":
        raise invalid("EndpointArn Reason: An endpoint ARN has the form endpoint/platform/application/id")
    return call.resources("endpoint").find(parts[3], parent="/".join(parts[1:3]))


@sns.operation
def create_platform_application(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The ARN, of the one that is there too."""
    name, platform = request["Name"], request["Platform"]
    if platform not in PLATFORMS:
        raise invalid(f"Platform Reason: {platform} is not supported")
    if not NAME.fullmatch(name):
        raise invalid(
            "Name Reason: must be made up of letters, numbers, underscores, hyphens and periods, 1 to 256 long"
        )
    kind = call.resources("application")
    arn = call.arn(f"app/{platform}/{name}")
    with contextlib.suppress(AlreadyExists):
        kind.create(f"{platform}/{name}", {"Attributes": request["Attributes"]}, arn=arn)
    return {"PlatformApplicationArn": arn}


@sns.operation
def get_platform_application_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Attributes": _application(call, request["PlatformApplicationArn"])["Attributes"]}


@sns.operation
def set_platform_application_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    application = _application(call, request["PlatformApplicationArn"])
    attributes = {**application["Attributes"], **request["Attributes"]}
    call.resources("application").update(application, Attributes=attributes)
    return {}


@sns.operation
def list_platform_applications(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found, token = addresses.listed(call, "application", request)
    listed = [{"PlatformApplicationArn": one.arn, "Attributes": one["Attributes"]} for one in found]
    return {"PlatformApplications": listed, "NextToken": token}


@sns.operation
def delete_platform_application(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """With its endpoints; one that is not there is no error."""
    name = addresses.parse(request["PlatformApplicationArn"], "PlatformApplicationArn").resource.removeprefix("app/")
    application = call.resources("application").find(name)
    if application is not None:
        for endpoint in call.resources("endpoint").list(parent=name):
            _delete(call, endpoint)
        call.resources("application").delete(application)
    return {}


def _delete(call: Call, endpoint: Resource) -> None:
    _unname(call, endpoint)
    call.resources("endpoint").delete(endpoint)


@sns.operation
def create_platform_endpoint(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A device by its token; the ARN of the one that is there with the same attributes."""
    application = _application(call, request["PlatformApplicationArn"])
    token = request["Token"]
    attributes = {"Enabled": "true", **(request.get("Attributes") or {}), "Token": token}
    if request.get("CustomUserData") is not None:
        attributes["CustomUserData"] = request["CustomUserData"]
    _check(attributes)
    endpoint = _of_token(call, application.name, token)
    if endpoint is not None:
        if endpoint["Attributes"] != attributes:
            raise _taken(endpoint)
        return {"EndpointArn": endpoint.arn}
    identity = str(uuid.uuid4())
    arn = call.arn(f"endpoint/{application.name}/{identity}")
    endpoint = call.resources("endpoint").create(identity, {"Attributes": attributes}, parent=application.name, arn=arn)
    _name(call, endpoint)
    return {"EndpointArn": arn}


def _check(attributes: dict[str, str]) -> None:
    for name, value in attributes.items():
        if name not in ATTRIBUTES:
            raise invalid(f"Attributes Reason: Invalid attribute name: {name}")
        if name == "Token" and not value:
            raise invalid("Token Reason: cannot be empty")
        if name == "Enabled" and value.lower() not in ("true", "false"):
            raise invalid("Enabled Reason: must be true or false")
        if name == "CustomUserData" and len(value.encode()) > quotas.USER_DATA.value:
            raise invalid("CustomUserData Reason: must be at most 2048 bytes long in UTF-8 encoding")


def _taken(endpoint: Resource) -> Exception:
    return invalid(
        f"Token Reason: Endpoint {endpoint.arn} already exists with the same Token, but different attributes."
    )


# An application may have millions of endpoints: a resource named after its token leads to each of them.


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _of_token(call: Call, application: str, token: str) -> Resource | None:
    named = call.resources("token").find(_hashed(token), parent=application)
    return None if named is None else call.resources("endpoint").find(named["Endpoint"], parent=application)


def _name(call: Call, endpoint: Resource) -> None:
    token = _hashed(endpoint["Attributes"]["Token"])
    call.resources("token").create(token, {"Endpoint": endpoint.name}, parent=endpoint.parent)


def _unname(call: Call, endpoint: Resource) -> None:
    kind = call.resources("token")
    named = kind.find(_hashed(endpoint["Attributes"]["Token"]), parent=endpoint.parent)
    if named is not None:
        kind.delete(named)


@sns.operation
def get_endpoint_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Attributes": _endpoint(call, request["EndpointArn"])["Attributes"]}


@sns.operation
def set_endpoint_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    endpoint, given = _endpoint(call, request["EndpointArn"]), request["Attributes"]
    _check(given)
    changed = call.resources("endpoint").update(endpoint, Attributes={**endpoint["Attributes"], **given})
    if "Token" in given:
        _unname(call, endpoint)
        other = _of_token(call, endpoint.parent, given["Token"])
        if other is not None:
            raise _taken(other)
        _name(call, changed)
    return {}


@sns.operation
def list_endpoints_by_platform_application(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    application = _application(call, request["PlatformApplicationArn"])
    found, token = addresses.listed(call, "endpoint", request, parent=application.name)
    return {
        "Endpoints": [{"EndpointArn": one.arn, "Attributes": one["Attributes"]} for one in found],
        "NextToken": token,
    }


@sns.operation
def delete_endpoint(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """One that is not there is no error."""
    endpoint = _find_endpoint(call, request["EndpointArn"])
    if endpoint is not None:
        _delete(call, endpoint)
    return {}
