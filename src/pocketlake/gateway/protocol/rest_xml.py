"""The protocol rest-xml, and what S3 does differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pocketlake.gateway.message import Response
from pocketlake.gateway.protocol import eventstream, timestamps, xml
from pocketlake.gateway.protocol.rest import RestProtocol
from pocketlake.gateway.protocol.shapes import Member, Shape, Shapes
from pocketlake.gateway.protocol.validation import Checks
from pocketlake.gateway.protocol.values import Convert
from pocketlake.gateway.protocol.wire import Description
from pocketlake.kernel.errors import ServiceError

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

# botocore's model does not name the root elements of S3's answers; these are the API reference's.
S3_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CreateSession": "CreateSessionResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
MALFORMED_XML = "The XML you provided was not well-formed or did not validate against our published schema"
# Enums that S3 judges by rules of its own, with errors of their own.
JUDGED_BY_S3 = frozenset({"BucketLocationConstraint", "ChecksumAlgorithm", "ServerSideEncryption", "MFADelete"})


class RestXmlProtocol(RestProtocol):
    """CloudFront, Route 53 and their like."""

    content_type = "text/xml"
    validation_error = "InvalidInput"

    def __init__(self, metadata: dict[str, Any], shapes: Shapes, validation_error: str) -> None:
        super().__init__(metadata, shapes, validation_error)
        self.decode = xml.XmlDecoder()
        self.encode = xml.XmlEncoder(timestamps.iso8601_millis)
        self.namespace = metadata.get("xmlNamespace", "")

    def read_structure(self, shape: Shape) -> Callable[[bytes], dict[str, Any]]:
        decode = self.decode.structure(shape)

        def read(body: bytes) -> dict[str, Any]:
            try:
                decoded: dict[str, Any] = decode(xml.read(body))
            except ValueError as mistake:
                raise self.malformed() from mistake
            return decoded

        return read

    def malformed(self) -> ServiceError:
        return ServiceError("MalformedXML", MALFORMED_XML, 400)

    def root(self, description: Description, shape: Shape, payload: Member | None) -> str:
        named = payload.wire if payload else description.output_ref.get("locationName")
        return str(named or shape.raw.get("locationName") or f"{description.name}Result")

    def write_body(self, description: Description, shape: Shape, payload: Member | None) -> Callable[[Any], bytes]:
        root = self.root(description, shape, payload)
        encode = self.encode.compile(payload) if payload else self.encode.structure(shape)
        space = f' xmlns="{self.namespace}"' if self.namespace else ""
        begin, end = f"{DECLARATION}<{root}{space}>", f"</{root}>"
        return lambda value: f"{begin}{encode(value)}{end}".encode()

    def request_headers(self, request_id: str) -> list[tuple[str, str]]:
        return [("x-amzn-RequestId", request_id)]

    def events(self, stream: Member, output: Shape) -> eventstream.Writer:
        inner = self.encode

        class Whole(xml.XmlEncoder):
            """An event's payload is a document: its structure with the event's name around it."""

            def structure(self, shape: Shape) -> Callable[[Any], str]:
                inside = inner.structure(shape)
                return lambda value: f"<{shape.name}>{inside(value)}</{shape.name}>"

        return eventstream.Writer(stream, Whole(), _document, "text/xml", output)

    def failure(self, error: ServiceError, request_id: str) -> Response:
        flaw = self.flaw(error)
        more = self.encode.structure(flaw.shape)(error.members) if flaw.shape else ""
        text = (
            f'{DECLARATION}<ErrorResponse xmlns="{self.namespace}"><Error>'
            f"<Type>{'Sender' if flaw.sender else 'Receiver'}</Type>"
            f"<Code>{xml.escape(flaw.code)}</Code><Message>{xml.escape(error.message)}</Message>{more}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        headers = [("Content-Type", self.content_type), *self.request_headers(request_id)]
        return Response(flaw.status, headers, text.encode())


class S3Protocol(RestXmlProtocol):
    content_type = "application/xml"
    validation_error = "InvalidArgument"

    def __init__(self, metadata: dict[str, Any], shapes: Shapes, validation_error: str) -> None:
        super().__init__(metadata, shapes, validation_error)
        self.namespace = S3_NAMESPACE
        self.checks = Checks(JUDGED_BY_S3)

    def root(self, description: Description, shape: Shape, payload: Member | None) -> str:
        return S3_ROOTS.get(description.name) or super().root(description, shape, payload)

    def write_body(self, description: Description, shape: Shape, payload: Member | None) -> Callable[[Any], bytes]:
        write = super().write_body(description, shape, payload)
        if description.name != "GetBucketLocation":
            return write
        begin, end = f'{DECLARATION}<LocationConstraint xmlns="{S3_NAMESPACE}">', "</LocationConstraint>"
        return lambda value: f"{begin}{xml.escape(value.get('LocationConstraint') or '')}{end}".encode()

    def request_headers(self, request_id: str) -> list[tuple[str, str]]:
        return [("x-amz-request-id", request_id), ("x-amz-id-2", host_id(request_id))]

    def unreadable(self, member: Member, text: str) -> ServiceError:
        message = f"Provided {member.wire} not an integer or within integer range"
        if member.shape.type not in ("integer", "long"):
            message = f"Invalid value for {member.wire}"
        return invalid_argument(member, text, message)

    def _convert_header(self, member: Member) -> Convert:
        """Dates that cannot be read are as good as absent (RFC 9110, 13.1.3), as S3 has it too.

        The SDK for C++ (pyarrow's) sends x-amz-checksum-mode in small letters, and S3 takes it.
        """
        if member.shape.name == "ChecksumMode":
            return str.upper
        if member.shape.type != "timestamp":
            return super()._convert_header(member)

        def date(text: str) -> float | None:
            try:
                return timestamps.parse(text)
            except ValueError:
                return None

        return date

    def violation(self, shape: Shape, value: dict[str, Any]) -> ServiceError:
        """S3 has no word for all of them: the body did not validate, or one argument is not valid."""
        for name, member in shape.members.items():
            item = value.get(name)
            if item is None:
                if name in shape.required and member.location in ("header", "querystring"):
                    return ServiceError("InvalidRequest", f"Missing required parameter for this request: {member.wire}")
                continue
            check = self.checks.compile(member) if member.location else None
            if check is not None and not check(item):
                if member.shape.name == "StorageClass":
                    return ServiceError("InvalidStorageClass", "The storage class you specified is not valid", 400)
                text = (
                    item if isinstance(item, str) else ",".join(map(str, item)) if isinstance(item, list) else str(item)
                )
                return invalid_argument(member, text, f"Invalid value for {member.wire}")
        return self.malformed()

    def failure(self, error: ServiceError, request_id: str) -> Response:
        """Source: "Error responses", Amazon S3 API reference. Headers of an error come as those of an answer do."""
        flaw = self.flaw(error)
        more = "".join(
            f"<{name}>{xml.escape(str(value))}</{name}>"
            for name, value in error.members.items()
            if name != "ResponseMetadata" and value is not None
        )
        text = (
            f"{DECLARATION}<Error><Code>{xml.escape(flaw.code)}</Code><Message>{xml.escape(error.message)}</Message>"
            f"{more}<RequestId>{request_id}</RequestId><HostId>{host_id(request_id)}</HostId></Error>"
        )
        told = (error.members.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
        headers = [("Content-Type", self.content_type), *self.request_headers(request_id), *told.items()]
        return Response(flaw.status, headers, text.encode())


def invalid_argument(member: Member, text: str, message: str) -> ServiceError:
    return ServiceError("InvalidArgument", message, 400, ArgumentName=member.wire, ArgumentValue=text)


def host_id(request_id: str) -> str:
    """x-amz-id-2: opaque, here the request's own name once more."""
    return f"pocketlake/{request_id}"


def _document(content: str) -> bytes:
    return content.encode()
