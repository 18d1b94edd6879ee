"""Multipart uploads."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config

from pocketlake.kernel import checksums

from .conftest import refused

MIB = 1024 * 1024
FIRST, SECOND, LAST = b"a" * 5 * MIB, b"b" * 5 * MIB, b"c" * 100

Get = Callable[..., bytes]


@pytest.fixture
def upload(s3: Any, bucket: str) -> Callable[..., Any]:
    """Upload parts under a key; what CompleteMultipartUpload answers."""

    def upload(key: str, parts: list[bytes], **more: Any) -> Any:
        identity = s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]
        named = []
        for number, body in enumerate(parts, 1):
            name = more.get("ChecksumAlgorithm")
            value = {f"Checksum{name}": base64.b64encode(digest(name, body)).decode()} if name else {}
            part = s3.upload_part(Bucket=bucket, Key=key, UploadId=identity, PartNumber=number, Body=body, **value)
            stated = {name: value for name, value in part.items() if name.startswith("Checksum")}
            named.append({"PartNumber": number, "ETag": part["ETag"], **stated})
        return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=identity, MultipartUpload={"Parts": named})

    return upload


def digest(name: str, body: bytes) -> bytes:
    return checksums.digest(name.lower(), body)


def test_parts_become_an_object(s3: Any, bucket: str, upload: Callable[..., Any], get: Get) -> None:
    done = upload("k", [FIRST, SECOND, LAST], Metadata={"a": "b"}, ContentType="text/plain")
    md5s = b"".join(hashlib.md5(part).digest() for part in (FIRST, SECOND, LAST))
    assert done["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-3"'
    assert (done["Bucket"], done["Key"]) == (bucket, "k")
    assert get("k") == FIRST + SECOND + LAST
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"]) == (10 * MIB + 100, done["ETag"])
    assert (head["Metadata"], head["ContentType"]) == ({"a": "b"}, "text/plain")
    assert get("k", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}") == b"aabb"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_part_is_read_by_its_number(s3: Any, bucket: str, upload: Callable[..., Any]) -> None:
    upload("k", [FIRST, LAST])
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (got["Body"].read(), got["PartsCount"]) == (LAST, 2)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["ContentRange"] == f"bytes {5 * MIB}-{5 * MIB + 99}/{5 * MIB + 100}"
    with refused("InvalidPartNumber", 416, "The requested partnumber is not satisfiable"):
        s3.get_object(Bucket=bucket, Key="k", PartNumber=3)


def test_a_large_objects_parts_are_joined_after_the_answer(
    s3: Any, bucket: str, upload: Callable[..., Any], get: Get, lake: Any
) -> None:
    parts = [bytes([number]) * 33 * MIB for number in (1, 2)]
    upload("k", parts)
    assert get("k") == b"".join(parts)
    lake.clock.advance(seconds=1)
    files = [path.stat().st_size for path in (lake.directory / "blobs").rglob("*") if path.is_file()]
    assert files == [66 * MIB]
    assert get("k") == b"".join(parts)
    assert get("k", PartNumber=2) == parts[1]
    assert get("k", Range=f"bytes={33 * MIB - 1}-{33 * MIB}") == b"\1\2"
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"".join(parts)).hexdigest()}"'
    s3.delete_object(Bucket=bucket, Key="k")
    assert get("copy", Range=f"bytes={33 * MIB - 1}-{33 * MIB}") == b"\1\2"


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "SHA1", "SHA256", "SHA512"])
def test_composite_checksums(s3: Any, bucket: str, upload: Callable[..., Any], name: str) -> None:
    done = upload("k", [FIRST, LAST], ChecksumAlgorithm=name)
    whole = digest(name, digest(name, FIRST) + digest(name, LAST))
    assert done[f"Checksum{name}"] == f"{base64.b64encode(whole).decode()}-2"
    assert done["ChecksumType"] == "COMPOSITE"
    told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts"])
    assert told["ObjectParts"]["TotalPartsCount"] == 2
    assert [part["Size"] for part in told["ObjectParts"]["Parts"]] == [5 * MIB, 100]
    assert told["ObjectParts"]["Parts"][1][f"Checksum{name}"] == base64.b64encode(digest(name, LAST)).decode()


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "CRC64NVME"])
def test_full_object_checksums(upload: Callable[..., Any], name: str) -> None:
    done = upload("k", [FIRST, LAST], ChecksumAlgorithm=name, ChecksumType="FULL_OBJECT")
    assert done[f"Checksum{name}"] == base64.b64encode(digest(name, FIRST + LAST)).decode()
    assert done["ChecksumType"] == "FULL_OBJECT"


def test_an_upload_without_an_algorithm_gets_crc64nvme(upload: Callable[..., Any]) -> None:
    done = upload("k", [FIRST, LAST])
    assert done["ChecksumCRC64NVME"] == base64.b64encode(digest("CRC64NVME", FIRST + LAST)).decode()


def test_checksum_types_that_cannot_be(s3: Any, bucket: str) -> None:
    for algorithm, kind in (("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")):
        with refused("InvalidRequest", 400):
            s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind)


def test_a_part_has_the_uploads_algorithm(s3: Any, bucket: str) -> None:
    identity = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    message = "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32"
    with refused("InvalidRequest", 400, message):
        s3.upload_part(Bucket=bucket, Key="k", UploadId=identity, PartNumber=1, Body=b"x")


def test_a_composite_upload_is_completed_with_its_parts_checksums(s3: Any, bucket: str) -> None:
    named = {"Bucket": bucket, "Key": "k"}
    named["UploadId"] = s3.create_multipart_upload(**named, ChecksumAlgorithm="SHA256")["UploadId"]
    part = s3.upload_part(**named, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
    with refused("InvalidRequest", 400) as told:
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert "It was missing for part 1 in the request." in told["Message"]


@pytest.fixture
def begun(s3: Any, bucket: str) -> dict[str, Any]:
    """An upload with parts 1 and 3: 5 MiB and 100 bytes."""
    named = {"Bucket": bucket, "Key": "k"}
    named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
    s3.upload_part(**named, PartNumber=1, Body=FIRST)
    s3.upload_part(**named, PartNumber=3, Body=LAST)
    return named


ETAG_1, ETAG_3 = (f'"{hashlib.md5(part).hexdigest()}"' for part in (FIRST, LAST))


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "MalformedXML"),
        ([(3, ETAG_3), (1, ETAG_1)], "InvalidPartOrder"),
        ([(1, ETAG_1), (1, ETAG_1)], "InvalidPartOrder"),
        ([(1, ETAG_3)], "InvalidPart"),
        ([(2, ETAG_1)], "InvalidPart"),
        ([(1, ETAG_1), (3, ETAG_1)], "InvalidPart"),
        ([(1, ETAG_1), (3, ETAG_3)], None),
        ([(3, ETAG_3.strip('"'))], None),
    ],
)
def test_completing(s3: Any, begun: dict[str, Any], parts: list[tuple[int, str]], code: str | None) -> None:
    named = {"Parts": [{"PartNumber": number, "ETag": etag} for number, etag in parts]}
    if code:
        with refused(code, 400):
            s3.complete_multipart_upload(**begun, MultipartUpload=named)
        assert len(s3.list_parts(**begun)["Parts"]) == 2
    else:
        first = s3.complete_multipart_upload(**begun, MultipartUpload=named)
        again = s3.complete_multipart_upload(**begun, MultipartUpload=named)  # the answer was lost
        assert first["ETag"] == again["ETag"]


def test_only_the_last_part_may_be_small(s3: Any, begun: dict[str, Any]) -> None:
    last = s3.upload_part(**begun, PartNumber=4, Body=b"x")["ETag"]
    named = [{"PartNumber": 3, "ETag": ETAG_3}, {"PartNumber": 4, "ETag": last}]
    with refused("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size"):
        s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": named})


def test_a_stated_size_or_checksum_must_hold(s3: Any, begun: dict[str, Any]) -> None:
    named = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": ETAG_1}]}}
    with refused("InvalidRequest", 400):
        s3.complete_multipart_upload(**begun, **named, MpuObjectSize=7)
    with refused("BadDigest", 400):
        s3.complete_multipart_upload(**begun, **named, ChecksumCRC64NVME="AAAAAAAAAAA=")
    s3.complete_multipart_upload(**begun, **named, MpuObjectSize=5 * MIB)


def test_a_part_is_replaced_by_the_next_of_its_number(s3: Any, begun: dict[str, Any], get: Get) -> None:
    etag = s3.upload_part(**begun, PartNumber=1, Body=b"new")["ETag"]
    s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert get("k") == b"new"


def test_aborting_forgets_the_parts(s3: Any, begun: dict[str, Any], lake: Any) -> None:
    s3.abort_multipart_upload(**begun)
    for ask in (s3.list_parts, s3.abort_multipart_upload):
        with refused("NoSuchUpload", 404):
            ask(**begun)
    with refused("NoSuchUpload", 404):
        s3.upload_part(**begun, PartNumber=1, Body=b"x")
    with refused("NoSuchUpload", 404):
        s3.complete_multipart_upload(**begun, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": ETAG_1}]})
    assert [path for path in (lake.directory / "blobs").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_numbers(s3: Any, begun: dict[str, Any], number: int) -> None:
    with refused("InvalidArgument", 400, "Part number must be an integer between 1 and 10000, inclusive"):
        s3.upload_part(**begun, PartNumber=number, Body=b"x")


def test_parts_are_listed_by_page(s3: Any, begun: dict[str, Any]) -> None:
    pages = list(s3.get_paginator("list_parts").paginate(**begun, PaginationConfig={"PageSize": 1}))
    assert [[part["PartNumber"] for part in page["Parts"]] for page in pages] == [[1], [3]]
    assert (pages[0]["IsTruncated"], pages[0]["NextPartNumberMarker"]) == (True, 1)
    assert (pages[0]["Parts"][0]["Size"], pages[0]["Parts"][0]["ETag"]) == (5 * MIB, ETAG_1)


def test_uploads_are_listed_by_key_and_beginning(s3: Any, bucket: str, lake: Any) -> None:
    begun = []
    for key in ("b", "a", "b", "c/1", "c/2"):
        begun.append((key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]))
        lake.clock.advance(seconds=1)
    ordered = sorted(begun, key=lambda each: (each[0], begun.index(each)))
    for size in (1, 2, 10):
        pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        found = [(each["Key"], each["UploadId"]) for page in pages for each in page["Uploads"]]
        assert found == ordered
    folders = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [each["Prefix"] for each in folders["CommonPrefixes"]] == ["c/"]
    assert [each["Key"] for each in folders["Uploads"]] == ["a", "b", "b"]


def test_parts_copied_from_objects(s3: Any, bucket: str, put: Callable[..., Any], get: Get) -> None:
    put("source", FIRST + LAST)
    source = {"CopySource": {"Bucket": bucket, "Key": "source"}}
    named = {"Bucket": bucket, "Key": "k"}
    named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
    whole = s3.upload_part_copy(**named, **source, PartNumber=1)["CopyPartResult"]["ETag"]
    some = s3.upload_part_copy(**named, **source, PartNumber=2, CopySourceRange=f"bytes={5 * MIB}-{5 * MIB + 9}")
    with refused("InvalidArgument", 400):
        s3.upload_part_copy(**named, **source, PartNumber=3, CopySourceRange=f"bytes=0-{5 * MIB + 100}")
    parts = [{"PartNumber": 1, "ETag": whole}, {"PartNumber": 2, "ETag": some["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    assert get("k") == FIRST + LAST + b"c" * 10


def test_a_conditional_completion(s3: Any, begun: dict[str, Any], put: Callable[..., Any]) -> None:
    put("k", b"first")
    named = {"Parts": [{"PartNumber": 1, "ETag": ETAG_1}]}
    with refused("PreconditionFailed", 412):
        s3.complete_multipart_upload(**begun, MultipartUpload=named, IfNoneMatch="*")
    s3.delete_object(Bucket=begun["Bucket"], Key="k")
    s3.complete_multipart_upload(**begun, MultipartUpload=named, IfNoneMatch="*")


def test_boto3s_transfer_manager(lake: Any, bucket: str, get: Get, tmp_path: Any) -> None:
    from boto3.s3.transfer import TransferConfig

    body = bytes(range(251)) * 80_000
    path = tmp_path / "file"
    path.write_bytes(body)
    s3 = lake.client("s3", config=Config(max_pool_connections=4))
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=6 * MIB, max_concurrency=4)
    s3.upload_file(str(path), bucket, "k", Config=config)
    assert get("k") == body
    s3.download_file(bucket, "k", str(tmp_path / "back"), Config=config)
    assert (tmp_path / "back").read_bytes() == body
