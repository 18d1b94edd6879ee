"""Data catalogs: AwsDataCatalog is the Glue catalog; others are kept as records and cannot be queried yet."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from .service import athena, errors, opened, page

OWN = "AwsDataCatalog"
PAGE = 50


def find(call: Call, name: str) -> Resource | None:
    """The registered catalog; None for AwsDataCatalog itself."""
    if name.lower() == OWN.lower():
        return None
    catalog = call.resources("catalog").find(name)
    if catalog is None:
        raise errors.InvalidRequestException(f"DataCatalog {name} was not found")
    return catalog


def describe(call: Call, catalog: Resource | None) -> dict[str, Any]:
    if catalog is None:
        return {"Name": OWN, "Type": "GLUE", "Parameters": {"catalog-id": call.account}}
    return {"Name": catalog.name, **catalog.body}


@athena.operation
def create_data_catalog(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {name: request[name] for name in ("Type", "Description", "Parameters") if name in request}
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    name = request["Name"]
    try:
        if name.lower() == OWN.lower():
            raise AlreadyExists(name)
        call.resources("catalog").create(name, body, arn=call.arn(f"datacatalog/{name}"), tags=tags)
    except AlreadyExists:
        raise errors.InvalidRequestException(f"DataCatalog {name} has already been created") from None
    return {}


@athena.operation
def get_data_catalog(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"DataCatalog": describe(call, find(call, request["Name"]))}


@athena.operation
def list_data_catalogs(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    sealed = opened(call, request, "catalogs")
    found = call.resources("catalog").list(after=sealed.get("after", ""), limit=PAGE + 1)
    found, token = page(call, request, "catalogs", found, PAGE)
    own = [] if sealed else [{"CatalogName": OWN, "Type": "GLUE"}]
    return {
        "DataCatalogsSummary": [*own, *({"CatalogName": item.name, "Type": item["Type"]} for item in found)],
        **token,
    }


@athena.operation
def update_data_catalog(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    catalog = find(call, request["Name"])
    if catalog is None:
        raise errors.InvalidRequestException(f"{OWN} can not be updated")
    body: dict[str, Any] = {name: request[name] for name in ("Type", "Description", "Parameters") if name in request}
    call.resources("catalog").replace_body(catalog, {**catalog.body, **body})
    return {}


@athena.operation
def delete_data_catalog(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    catalog = find(call, request["Name"])
    if catalog is None:
        raise errors.InvalidRequestException(f"{OWN} can not be deleted")
    call.resources("catalog").delete(catalog)
    return {"DataCatalog": {"Name": catalog.name, "Type": catalog["Type"], "Status": "DELETE_COMPLETE"}}
