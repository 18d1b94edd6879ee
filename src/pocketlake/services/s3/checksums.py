"""Checksums of objects: which one a request announces, whether it holds, and those of multipart objects.

Source: S3 User Guide, "Checking object integrity in Amazon S3".
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from pocketlake.kernel import checksums
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.services.s3.service import errors

# Algorithm as S3 names it -> the kernel's name of it.
ALGORITHMS = {
    "CRC32": "crc32",
    "CRC32C": "crc32c",
    "CRC64NVME": "crc64nvme",
    "SHA1": "sha1",
    "SHA256": "sha256",
    "SHA512": "sha512",
    "MD5": "md5",
}
UNBUILT = ("XXHASH64", "XXHASH3", "XXHASH128")
DEFAULT = "CRC64NVME"  # what S3 computes where the sender announces none, since December 2024

MEMBERS = {f"Checksum{name}": name for name in ALGORITHMS}
UNBUILT_MEMBERS = tuple(f"Checksum{name}" for name in UNBUILT)
DIGEST_BYTES = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32, "SHA512": 64, "MD5": 16}

TRAILER_PREFIX = "x-amz-checksum-"

FULL_OBJECT, COMPOSITE = "FULL_OBJECT", "COMPOSITE"


@dataclass(slots=True, frozen=True)
class Announced:
    """What the sender says of a body's checksum. `value` is None where it comes as a trailer, or not at all."""

    algorithm: str
    value: str | None
    by_sender: bool  # False: nobody asked, the default is computed
    in_trailer: bool


def announced(call: Call, request: dict[str, Any]) -> Announced:
    """The algorithm to compute over the body, and the value to compare with."""
    given = [member for member in MEMBERS if request.get(member)]
    if any(request.get(member) for member in UNBUILT_MEMBERS):
        raise NotImplemented501("Checksums of the XXHASH algorithms")
    trailer = _trailer(call)
    if len(given) + bool(trailer) > 1:
        raise errors.InvalidRequest(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    asked = request.get("ChecksumAlgorithm")
    if given:
        algorithm = MEMBERS[given[0]]
        _check_form(algorithm, request[given[0]])
        _check_named(asked, algorithm)
        return Announced(algorithm, request[given[0]], True, False)
    if trailer:
        _check_named(asked, trailer)
        return Announced(trailer, None, True, True)
    if asked and call.request is not None:
        raise errors.InvalidRequest(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers "
            "were found."
        )
    return Announced(known(asked) if asked else DEFAULT, None, bool(asked), False)


def known(algorithm: str) -> str:
    """The algorithm's name, if it is built."""
    name = algorithm.upper()
    if name in UNBUILT:
        raise NotImplemented501(f"The checksum algorithm {name}")
    if name not in ALGORITHMS:
        raise errors.InvalidRequest(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            f"[{', '.join((*ALGORITHMS, *UNBUILT))}]"
        )
    return name


def _trailer(call: Call) -> str | None:
    """The algorithm that x-amz-trailer promises after the body."""
    if call.request is None:
        return None
    promised = call.request.headers.get("x-amz-trailer", "").strip().lower()
    if not promised:
        return None
    if not promised.startswith(TRAILER_PREFIX):
        raise errors.InvalidRequest("The value specified in the x-amz-trailer header is not supported")
    return known(promised[len(TRAILER_PREFIX) :])


def _check_named(asked: str | None, algorithm: str) -> None:
    if asked and asked.upper() != algorithm:
        raise errors.InvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")


def _check_form(algorithm: str, value: str) -> None:
    if _decoded(value) is None or len(_decoded(value) or b"") != DIGEST_BYTES[algorithm]:
        raise errors.InvalidRequest(f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")


def _decoded(value: str) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None


def content_md5(request: dict[str, Any]) -> bytes | None:
    """The digest in a Content-MD5 header."""
    header = request.get("ContentMD5")
    if header is None:
        return None
    digest = _decoded(header)
    if digest is None or len(digest) != 16:
        raise errors.InvalidDigest("The Content-MD5 you specified was invalid.", **{"Content-MD5": header})
    return digest


def verify(call: Call, promised: Announced, md5: bytes | None, digests: dict[str, bytes]) -> dict[str, str]:
    """The checksum members of a body that arrived whole, with these digests; raises where one does not hold."""
    if md5 is not None and md5 != digests["md5"]:
        raise errors.BadDigest(
            "The Content-MD5 you specified did not match what we received.",
            ExpectedDigest=md5.hex(),
            CalculatedDigest=encode(digests["md5"]),
        )
    value = encode(digests[ALGORITHMS[promised.algorithm]])
    expected = promised.value
    if promised.in_trailer:
        expected = call.trailers.get(TRAILER_PREFIX + promised.algorithm.lower())
        if expected is None:
            raise errors.MalformedTrailerError("The request contained trailing data that was not well-formed")
        _check_form(promised.algorithm, expected)
    if expected is not None and expected != value:
        raise mismatch(promised.algorithm)
    return {f"Checksum{promised.algorithm}": value}


def mismatch(algorithm: str) -> Exception:
    error: Exception = errors.BadDigest(f"The {algorithm} you specified did not match the calculated checksum.")
    return error


def encode(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def without_count(members: dict[str, str]) -> dict[str, str]:
    """As GetObjectAttributes tells them: a composite checksum lacks its number of parts there."""
    return {name: value.partition("-")[0] for name, value in members.items()}


def algorithm_of(members: dict[str, Any]) -> str | None:
    """The algorithm whose value these members carry."""
    return next((name for member, name in MEMBERS.items() if member in members), None)


# Multipart objects


def composite(algorithm: str, parts: list[str]) -> str:
    """The checksum of the parts' checksums, with their number."""
    whole = b"".join(base64.b64decode(part) for part in parts)
    return f"{encode(checksums.digest(ALGORITHMS[algorithm], whole))}-{len(parts)}"


def full_object(algorithm: str, parts: list[tuple[str, int]]) -> str:
    """The CRC of the whole object, from the (value, size) of its parts."""
    name = ALGORITHMS[algorithm]
    whole = checksums.digest(name, b"")
    for value, size in parts:
        whole = checksums.combine(name, whole, base64.b64decode(value), size)
    return encode(whole)
