"""Objects: what is put is what is got, with everything said about it."""

from __future__ import annotations

import datetime
import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import refused

Put = Callable[..., Any]
Get = Callable[..., bytes]


@pytest.mark.parametrize("size", [0, 1, 10_000, 16_384, 16_385, 200_000, 3_000_000])
def test_a_body_of_any_size_comes_back(s3: Any, bucket: str, put: Put, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert put("k", body)["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ContentLength"] == size
    assert got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert got["ContentType"] == "binary/octet-stream"
    assert got["AcceptRanges"] == "bytes"


@pytest.mark.claim("S3-509", "S3-521", "S3-522", "S3-523", "S3-524")
def test_every_read_sees_the_last_write(s3: Any, bucket: str, put: Put, lake: Any) -> None:
    other = lake.client("s3")
    for turn in range(100):
        etag = put("k", b"%d" % turn)["ETag"]
        assert other.get_object(Bucket=bucket, Key="k")["Body"].read() == b"%d" % turn
        assert other.head_object(Bucket=bucket, Key="k")["ETag"] == etag
        assert [entry["ETag"] for entry in other.list_objects_v2(Bucket=bucket)["Contents"]] == [etag]
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "turn", "Value": str(turn)}]})
        assert other.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "turn", "Value": str(turn)}]
        put(f"new/{turn}", b"new")
        assert other.get_object(Bucket=bucket, Key=f"new/{turn}")["Body"].read() == b"new"
        s3.delete_object(Bucket=bucket, Key=f"new/{turn}")
        with refused("NoSuchKey", 404):
            other.get_object(Bucket=bucket, Key=f"new/{turn}")


KEYS = [
    "plain",
    "with space",
    "a/b//c/",
    "../../etc/passwd",
    "/leading",
    "..",
    "a/./b",
    "ünïcödé/鍵",
    "plus+and%20percent",
    "quote\"'<&>",
    "question?mark=1&b#hash",
    "~!*()$@:;,=[]{}|^`\\",
    "k" * 1024,
    "line\nbreak\ttab",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_may_have_any_characters(s3: Any, bucket: str, put: Put, get: Get, key: str) -> None:
    put(key, key.encode())
    assert get(key) == key.encode()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_key_that_is_too_long(put: Put) -> None:
    with refused("KeyTooLongError", 400, "Your key is too long"):
        put("k" * 1025)


def test_a_key_that_is_not_there(s3: Any, bucket: str) -> None:
    with refused("NoSuchKey", 404, "The specified key does not exist.") as told:
        s3.get_object(Bucket=bucket, Key="missing")
    assert told["Key"] == "missing"
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="missing")


def test_system_headers_and_metadata_come_back(s3: Any, bucket: str, put: Put) -> None:
    said = {
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a.csv"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/csv",
        "WebsiteRedirectLocation": "/elsewhere",
        "Metadata": {"source": "tests", "empty": ""},
    }
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    put("k", b"x", Expires=expires, **said)
    for answer in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert {name: answer[name] for name in said} == said
        assert answer["ResponseMetadata"]["HTTPHeaders"]["expires"] == "Wed, 02 Jan 2030 03:04:05 GMT"


def test_a_read_may_override_headers(s3: Any, bucket: str, put: Put) -> None:
    put("k", b"x", ContentType="text/plain")
    got = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="text/html", ResponseContentDisposition="inline")
    assert (got["ContentType"], got["ContentDisposition"]) == ("text/html", "inline")


def test_metadata_has_two_kilobytes(put: Put) -> None:
    put("k", b"", Metadata={"a": "v" * 2047})
    with refused("MetadataTooLarge", 400):
        put("k", b"", Metadata={"a": "v" * 2048})


@pytest.mark.claim("S3-041")
@pytest.mark.parametrize(
    "name",
    ["STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"],
)
def test_storage_classes_are_told_by_head_and_list(s3: Any, bucket: str, put: Put, name: str) -> None:
    put("k", b"x", StorageClass=name)
    assert s3.head_object(Bucket=bucket, Key="k").get("StorageClass", "STANDARD") == name
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == name
    with refused("InvalidStorageClass", 400):
        put("k", b"x", StorageClass="CELLAR")


@pytest.mark.claim("S3-512")
def test_infrequent_access_is_read_at_once(put: Put, get: Get) -> None:
    put("k", b"x", StorageClass="STANDARD_IA")
    assert get("k") == b"x"


def test_an_archived_object_is_not_read(s3: Any, bucket: str, put: Put) -> None:
    put("k", b"x", StorageClass="DEEP_ARCHIVE")
    with refused("InvalidObjectState", 403):
        s3.get_object(Bucket=bucket, Key="k")


@pytest.mark.claim("S3-529")
def test_objects_say_that_they_are_encrypted_by_s3(s3: Any, bucket: str, put: Put) -> None:
    assert put("k", b"x")["ServerSideEncryption"] == "AES256"
    assert put("k", b"x", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    assert s3.head_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize(
    ("header", "expected", "content_range"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-500", b"56789", "bytes 5-9/10"),
    ],
)
def test_ranges(s3: Any, bucket: str, put: Put, header: str, expected: bytes, content_range: str) -> None:
    put("k", b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range=header)
    assert got["Body"].read() == expected
    assert got["ContentRange"] == content_range
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    head = s3.head_object(Bucket=bucket, Key="k", Range=header)
    assert head["ContentLength"] == len(expected)
    with refused("InvalidRange", 416, "The requested range is not satisfiable") as told:
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=10-")
    assert told["ActualObjectSize"] == "10"


def test_a_range_of_a_large_object_is_read_from_its_file(put: Put, get: Get) -> None:
    body = bytes(range(256)) * 4000
    put("k", body)
    assert get("k", Range="bytes=500000-500999") == body[500_000:501_000]


def test_conditional_reads(s3: Any, bucket: str, put: Put) -> None:
    etag = put("k", b"x")["ETag"]
    written = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    second = datetime.timedelta(seconds=1)
    for met in ({"IfMatch": etag}, {"IfNoneMatch": '"z"'}, {"IfModifiedSince": written - second}):
        assert s3.get_object(Bucket=bucket, Key="k", **met)["Body"].read() == b"x"
    for unchanged in ({"IfNoneMatch": etag}, {"IfModifiedSince": written}):
        for read in (s3.get_object, s3.head_object):
            with refused("304", 304) as told:
                read(Bucket=bucket, Key="k", **unchanged)
            assert told["Headers"]["etag"] == etag
    for unmet in ({"IfMatch": '"z"'}, {"IfUnmodifiedSince": written - second}):
        with refused("PreconditionFailed", 412) as told:
            s3.get_object(Bucket=bucket, Key="k", **unmet)
        with refused("412", 412):
            s3.head_object(Bucket=bucket, Key="k", **unmet)


def test_conditional_writes(s3: Any, put: Put, get: Get) -> None:
    etag = put("k", b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed", 412):
        put("k", b"2", IfNoneMatch="*")
    second = put("k", b"2", IfMatch=etag)["ETag"]
    with refused("PreconditionFailed", 412):
        put("k", b"3", IfMatch=etag)
    with refused("NoSuchKey", 404):
        put("other", b"3", IfMatch=second)
    with refused("NotImplemented", 501):
        put("k", b"3", IfNoneMatch=second)
    assert get("k") == b"2"


def test_a_conditional_delete(s3: Any, bucket: str, put: Put) -> None:
    etag = put("k", b"1")["ETag"]
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch='"z"')
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    with refused("404"):
        s3.head_object(Bucket=bucket, Key="k")


def test_deleting_what_is_not_there_succeeds(s3: Any, bucket: str) -> None:
    assert s3.delete_object(Bucket=bucket, Key="missing")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_deleting_many_at_once(s3: Any, bucket: str, put: Put) -> None:
    names = [f"k{number}" for number in range(1000)]
    for name in names[:5]:
        put(name)
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name} for name in names]})
    assert [each["Key"] for each in done["Deleted"]] == names
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}], "Quiet": True})
    assert "Deleted" not in quiet
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name} for name in [*names, "one-more"]]})


def test_an_upload_that_streams(s3: Any, bucket: str, get: Get) -> None:
    body = b"0123456789abcdef" * 300_000
    s3.upload_fileobj(io.BytesIO(body), bucket, "streamed")
    assert get("streamed") == body


def test_presigned_urls_read_and_write(s3: Any, bucket: str, get: Get) -> None:
    import urllib.request

    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    asked = urllib.request.Request(url, data=b"by url", method="PUT", headers={"Content-Type": ""})
    assert urllib.request.urlopen(asked).status == 200
    assert get("k") == b"by url"
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert urllib.request.urlopen(url).read() == b"by url"


def test_overwriting_and_deleting_leave_no_file_behind(s3: Any, bucket: str, put: Put, lake: Any) -> None:
    for turn in range(3):
        put("k", bytes([turn]) * 100_000)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    s3.delete_object(Bucket=bucket, Key="k")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"\2" * 100_000
    s3.delete_object(Bucket=bucket, Key="copy")
    s3.list_objects_v2(Bucket=bucket)
    files = [path for path in (lake.directory / "blobs").rglob("*") if path.is_file()]
    assert files == []
