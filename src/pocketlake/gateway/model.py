"""botocore's service models: read from its JSON files, each operation compiled to closures at its first use."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from pocketlake.gateway.message import Request, Response
from pocketlake.gateway.protocol import query_names
from pocketlake.gateway.protocol.cbor import RpcV2CborProtocol
from pocketlake.gateway.protocol.json_rpc import JsonAsCborProtocol, JsonProtocol
from pocketlake.gateway.protocol.query import Ec2Protocol, QueryProtocol, parameters
from pocketlake.gateway.protocol.rest_json import RestJsonProtocol
from pocketlake.gateway.protocol.rest_xml import RestXmlProtocol, S3Protocol
from pocketlake.gateway.protocol.routing import Router
from pocketlake.gateway.protocol.shapes import Shape, Shapes
from pocketlake.gateway.protocol.wire import Description, Pairs, Parse, Protocol, Respond
from pocketlake.kernel.errors import NotImplemented501, ServiceError

PROTOCOLS: dict[str, type[Protocol]] = {
    "json": JsonProtocol,
    "json-as-cbor": JsonAsCborProtocol,
    "query": QueryProtocol,
    "ec2": Ec2Protocol,
    "rest-json": RestJsonProtocol,
    "rest-xml": RestXmlProtocol,
    "smithy-rpc-v2-cbor": RpcV2CborProtocol,
}
RPC_PATH = re.compile(r"/service/[^/]+/operation/(\w+)/?\Z")
FORM = "application/x-www-form-urlencoded"


class Operation:
    """One operation, ready to use: `parse` a request, `respond` with an output, `fail` with an error."""

    __slots__ = (
        "_protocol",
        "input",
        "method",
        "name",
        "output",
        "parse",
        "python_name",
        "respond",
        "streaming_input",
        "streaming_output",
    )

    parse: Parse
    respond: Respond

    def __init__(self, description: Description, protocol: Protocol) -> None:
        self.name = description.name
        self.python_name = python_name(description.name)
        self.method = description.method
        self.input = description.input
        self.output = description.output
        self.streaming_input = _streams(description.input)
        self.streaming_output = _streams(description.output)
        self.parse = protocol.parser(description)
        self.respond = protocol.responder(description)
        self._protocol = protocol

    def fail(self, error: ServiceError, request_id: str) -> Response:
        return _bodiless(self._protocol.failure(error, request_id), self.method)


class ServiceModel:
    """One service in one protocol. `speaking` gives the same service in the protocol that a request is written in."""

    def __init__(self, service: str, raw: dict[str, Any], validation_error: str, protocol: str = "") -> None:
        self._raw = raw
        self._validation_error = validation_error
        self.metadata: dict[str, Any] = raw["metadata"]
        self.service = service
        self.service_id: str = self.metadata["serviceId"]
        self.endpoint_prefix: str = self.metadata["endpointPrefix"]
        self.signing_name: str = self.metadata.get("signingName", self.endpoint_prefix)
        self.target_prefix: str = self.metadata.get("targetPrefix", "")
        self.json_version: str = self.metadata.get("jsonVersion", "")
        self.xml_namespace: str = self.metadata.get("xmlNamespace", "")
        self.protocol = protocol or self.metadata["protocol"]
        self.shapes = Shapes(raw["shapes"])
        kind = S3Protocol if service == "s3" else PROTOCOLS[self.protocol]
        self._wire = kind(self.metadata, self.shapes, validation_error)
        self._operations: dict[str, Operation] = {}
        self._siblings: dict[str, ServiceModel] = {}

    def names(self) -> list[str]:
        return list(self._raw["operations"])

    def operation(self, name: str) -> Operation:
        """Raises KeyError."""
        made = self._operations.get(name)
        if made is None:
            made = self._operations[name] = Operation(self._describe(self._raw["operations"][name]), self._wire)
        return made

    def by_python_name(self, name: str) -> Operation:
        """By boto3's method name. Raises KeyError."""
        return self.operation(self._python_names[name])

    def match(
        self, method: str, path: str, query: Pairs, headers: Mapping[str, str] | None = None
    ) -> tuple[Operation, dict[str, str]] | None:
        """The operation of a REST service, by the path as received. Headers tell S3's CopyObject from PutObject."""
        found = self._router.match(method, path, query, headers or {})
        return (self.operation(found[0]), found[1]) if found else None

    def route(self, request: Request, path: str, query: Pairs) -> tuple[Operation, dict[str, str]]:
        """The operation that a request is for, in the protocol it speaks, and the labels of its path."""
        model = self.speaking(request, path)
        if model.protocol in ("rest-json", "rest-xml"):
            found = model.match(request.method, path, query, request.headers)
            if found is None:
                raise _no_route(model, request)
            return found
        name = model._named(request, path, query)
        if name not in self._raw["operations"]:
            raise _unknown(model.protocol, name)
        return model.operation(name), {}

    def speaking(self, request: Request, path: str) -> ServiceModel:
        """This service in the protocol of the request: CBOR in place of JSON, or one that older clients know."""
        content_type = request.headers.get("content-type", "")
        wanted = self.protocol
        if self.protocol in ("rest-json", "rest-xml", "ec2"):
            return self
        if content_type.startswith("application/x-amz-cbor"):
            wanted = "json-as-cbor"
        elif "smithy-protocol" in request.headers and path.startswith("/service/"):
            wanted = "smithy-rpc-v2-cbor"
        elif "x-amz-target" in request.headers:
            wanted = "json"
        elif content_type.startswith(FORM) or "Action=" in request.target.partition("?")[2]:
            wanted = "query"
        return self if wanted == self.protocol else self._sibling(wanted)

    def fail(self, error: ServiceError, request_id: str, request: Request) -> Response:
        """An error before the operation is known."""
        model = self.speaking(request, request.target.partition("?")[0])
        return _bodiless(model._wire.failure(error, request_id), request.method)

    def _sibling(self, protocol: str) -> ServiceModel:
        sibling = self._siblings.get(protocol)
        if sibling is None:
            raw = query_names.restored(self._raw) if protocol == "query" else self._raw
            sibling = ServiceModel(self.service, raw, self._validation_error, protocol)
            self._siblings[protocol] = sibling
        return sibling

    def _named(self, request: Request, path: str, query: Pairs) -> str:
        if self.protocol in ("json", "json-as-cbor"):
            return request.headers.get("x-amz-target", "").rpartition(".")[2]
        if self.protocol == "smithy-rpc-v2-cbor":
            found = RPC_PATH.match(path)
            return found[1] if found else ""
        return parameters(request, query).get("Action", "") if isinstance(request.body, bytes) else ""

    def _describe(self, raw: dict[str, Any]) -> Description:
        http = raw.get("http", {})
        given, answered = raw.get("input") or {}, raw.get("output") or {}
        return Description(
            raw["name"],
            http.get("method", "POST"),
            http.get("requestUri", "/"),
            http.get("responseCode", 200),
            self.shapes[given["shape"]] if given else None,
            self.shapes[answered["shape"]] if answered else None,
            given,
            answered,
        )

    @cached_property
    def _python_names(self) -> dict[str, str]:
        return {python_name(name): name for name in self._raw["operations"]}

    @cached_property
    def _router(self) -> Router:
        router = Router()
        # Deprecated ones (PutBucketLifecycle) last: their successors have the same route.
        for raw in sorted(self._raw["operations"].values(), key=lambda one: bool(one.get("deprecated"))):
            one = self._describe(raw)
            router.add(one.name, one.method, one.uri, one.input)
        router.finish()
        return router


def load(service: str, validation_error: str = "ValidationException") -> ServiceModel:
    """The model of boto3's `service` in its latest version; the caller keeps it. Raises KeyError for no such service.

    `validation_error` is the code of refusals by the model's constraints; the default stands for the protocol's own
    (ValidationError in query services, InvalidArgument in S3).
    """
    found = find_spec("botocore")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "data" / service
    versions = sorted(folder.glob("*/service-2.json*")) if service.replace("-", "").isalnum() else []
    if not versions:
        raise KeyError(service)
    data = versions[-1].read_bytes()
    raw = orjson.loads(gzip.decompress(data) if versions[-1].suffix == ".gz" else data)
    return ServiceModel(service, raw, validation_error)


def python_name(name: str) -> str:
    """`ListObjectsV2` -> `list_objects_v2`: boto3's method for an operation."""
    from botocore import xform_name

    converted: str = xform_name(name)
    return converted


def _streams(shape: Shape | None) -> bool:
    members = shape.members.values() if shape else ()
    return any(member.streaming or member.shape.eventstream for member in members)


def _bodiless(response: Response, method: str) -> Response:
    """HEAD answers have no body."""
    if method == "HEAD":
        response.body, response.length = b"", None
    return response


def _no_route(model: ServiceModel, request: Request) -> ServiceError:
    if model.service == "s3":
        if request.method == "POST" and request.headers.get("content-type", "").startswith("multipart/form-data"):
            return NotImplemented501("s3 PostObject, the upload by an HTML form,")  # the model does not have it
        message = "The specified method is not allowed against this resource."
        return ServiceError("MethodNotAllowed", message, 405, Method=request.method)
    return ServiceError("UnknownOperationException", "Unable to determine the operation of the request.", 404)


def _unknown(protocol: str, name: str) -> ServiceError:
    if protocol in ("query", "ec2"):
        if not name:
            return ServiceError("MissingAction", "The request must contain the parameter Action", 400)
        return ServiceError("InvalidAction", f"Could not find operation {name[:128]}", 400)
    return ServiceError("UnknownOperationException", f"Unknown operation {name[:128]}".strip(), 400)
