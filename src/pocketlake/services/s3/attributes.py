"""What is said about an object beside its bytes: system headers, user metadata, storage class, encryption."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from pocketlake.kernel.errors import NotImplemented501
from pocketlake.services.s3 import quotas
from pocketlake.services.s3.service import errors
from pocketlake.services.s3.store import Bucket
from pocketlake.services.s3.tags import tags_of_header

SYSTEM = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "WebsiteRedirectLocation",
)
DEFAULT_TYPE = "binary/octet-stream"

ONLINE = frozenset(
    ("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"),
)
ARCHIVED = frozenset(("GLACIER", "DEEP_ARCHIVE"))  # their bytes are to be restored before they can be read
STORAGE_CLASSES = ONLINE | ARCHIVED

UNBUILT = {
    "SSECustomerAlgorithm": "Server-side encryption with customer keys",
    "SSECustomerKey": "Server-side encryption with customer keys",
    "CopySourceSSECustomerAlgorithm": "Server-side encryption with customer keys",
    "SSEKMSKeyId": "Server-side encryption with KMS keys",
    "WriteOffsetBytes": "Appending to objects",
}
GRANTS = frozenset(("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"))  # in headers
ENFORCED = "BucketOwnerEnforced"


def of_request(bucket: Bucket, request: dict[str, Any]) -> dict[str, Any]:
    """The members that HeadObject will answer with, from a request that makes an object."""
    for member, what in UNBUILT.items():
        if request.get(member):
            raise NotImplemented501(what)
    check_acl(bucket, request)
    members = {member: value for member in SYSTEM if (value := request.get(member)) not in (None, "")}
    members.setdefault("ContentType", DEFAULT_TYPE)
    if "ContentEncoding" in members:
        members["ContentEncoding"] = _without_chunking(members["ContentEncoding"])
        if not members["ContentEncoding"]:
            del members["ContentEncoding"]
    if metadata := request.get("Metadata"):
        members["Metadata"] = checked_metadata(metadata)
    members["ServerSideEncryption"] = encryption(request.get("ServerSideEncryption"))
    return members


def storage_class(request: dict[str, Any]) -> str:
    """[S3-041]"""
    name: str = request.get("StorageClass") or "STANDARD"
    if name not in STORAGE_CLASSES:
        raise errors.InvalidStorageClass("The storage class you specified is not valid", StorageClassRequested=name)
    return name


def encryption(algorithm: str | None) -> str:
    """What new objects say of their encryption at rest; SSE-S3 is the default.  [S3-004, S3-529]"""
    if algorithm in (None, "", "AES256"):
        return "AES256"
    if algorithm in ("aws:kms", "aws:kms:dsse"):
        raise NotImplemented501("Server-side encryption with KMS keys")
    raise errors.InvalidArgument(
        "The encryption method specified is not supported",
        ArgumentName="x-amz-server-side-encryption",
        ArgumentValue=algorithm,
    )


def check_acl(bucket: Bucket, request: dict[str, Any]) -> None:
    """A canned ACL, or grants in headers. Where ACLs are off, as in every new bucket, only the owner's own is taken.

    Source: S3 User Guide, "Controlling ownership of objects and disabling ACLs for your bucket".
    """
    acl = request.get("ACL")
    grants = not GRANTS.isdisjoint(request)
    if acl and grants:
        raise errors.InvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
    if not grants and acl in (None, "", "bucket-owner-full-control"):
        return
    if bucket.settings.get("ObjectOwnership", ENFORCED) == ENFORCED:
        raise errors.AccessControlListNotSupported("The bucket does not allow ACLs")
    if grants:
        raise NotImplemented501("Grants of access control lists")
    if acl != "private":
        raise NotImplemented501(f"The canned access control list {acl}")


def checked_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Names in lower case; values as text, which headers carry as the bytes of UTF-8."""
    metadata = {name: value if value.isascii() else _as_utf8(value) for name, value in metadata.items()}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > quotas.METADATA.value:
        raise errors.MetadataTooLarge(
            "Your metadata headers exceed the maximum allowed metadata size",
            Size=size,
            MaxSizeAllowed=int(quotas.METADATA.value),
        )
    return {name.lower(): value for name, value in metadata.items()}


def shown_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """As it goes out: what a header can't carry is encoded as RFC 2047 says, which is what S3 does."""
    return {name: value if value.isascii() else _encoded_word(value) for name, value in metadata.items()}


def tags_of_request(request: dict[str, Any]) -> bytes | None:
    tags = tags_of_header(request.get("Tagging"))
    return orjson.dumps(tags) if tags else None


def check_readable(storage: str) -> None:
    """[S3-514]"""
    if storage in ARCHIVED:
        raise errors.InvalidObjectState(
            "The operation is not valid for the object's storage class", StorageClass=storage
        )


def _as_utf8(header: str) -> str:
    """Bytes that the gateway has read as Latin-1, read as what they are."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _encoded_word(text: str) -> str:
    return f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


def _without_chunking(encoding: str) -> str:
    """Content-Encoding without aws-chunked, which is about the upload and not about the object."""
    return ",".join(part for part in (p.strip() for p in encoding.split(",")) if part.lower() != "aws-chunked")
