"""Listings: order, folders, pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .conftest import refused

Put = Callable[..., Any]


@pytest.fixture
def tree(put: Put) -> list[str]:
    keys = ["a", "b/1", "b/2", "b/c/3", "d/4", "e"]
    for key in reversed(keys):
        put(key, key.encode())
    return keys


def listed(answer: dict[str, Any]) -> tuple[list[str], list[str]]:
    return (
        [entry["Key"] for entry in answer.get("Contents", [])],
        [entry["Prefix"] for entry in answer.get("CommonPrefixes", [])],
    )


@pytest.mark.parametrize("version", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize(
    ("asked", "keys", "folders"),
    [
        ({}, ["a", "b/1", "b/2", "b/c/3", "d/4", "e"], []),
        ({"Delimiter": "/"}, ["a", "e"], ["b/", "d/"]),
        ({"Prefix": "b/"}, ["b/1", "b/2", "b/c/3"], []),
        ({"Prefix": "b/", "Delimiter": "/"}, ["b/1", "b/2"], ["b/c/"]),
        ({"Prefix": "b", "Delimiter": "/"}, [], ["b/"]),
        ({"Prefix": "b/c/", "Delimiter": "/"}, ["b/c/3"], []),
        ({"Prefix": "none"}, [], []),
        ({"Delimiter": "c/"}, ["a", "b/1", "b/2", "d/4", "e"], ["b/c/"]),
        ({"MaxKeys": 0}, [], []),
    ],
)
def test_prefix_and_delimiter(
    s3: Any, bucket: str, tree: list[str], version: str, asked: dict[str, Any], keys: list[str], folders: list[str]
) -> None:
    answer = getattr(s3, version)(Bucket=bucket, **asked)
    assert listed(answer) == (keys, folders)
    assert answer["IsTruncated"] is False
    assert answer["MaxKeys"] == asked.get("MaxKeys", 1000)


@pytest.mark.claim("S3-027")
def test_folders_are_what_stands_before_the_delimiter(s3: Any, bucket: str, put: Put) -> None:
    for day in range(1, 5):
        put(f"logs/year=x/month=6/day={day}/test.json")
    answer = s3.list_objects_v2(Bucket=bucket, Prefix="logs/year=x/month=6/", Delimiter="/")
    assert listed(answer) == ([], [f"logs/year=x/month=6/day={day}/" for day in range(1, 5)])
    assert answer["KeyCount"] == 4


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("version", ["list_objects", "list_objects_v2"])
def test_pages_joined_are_the_whole(s3: Any, bucket: str, tree: list[str], version: str, size: int) -> None:
    for delimiter, keys, folders in (("", tree, []), ("/", ["a", "e"], ["b/", "d/"])):
        pages = s3.get_paginator(version).paginate(
            Bucket=bucket, Delimiter=delimiter, PaginationConfig={"PageSize": size}
        )
        found: tuple[list[str], list[str]] = ([], [])
        for page in pages:
            for part, more in zip(found, listed(page), strict=True):
                part.extend(more)
        assert found == (keys, folders)


def test_start_after(s3: Any, bucket: str, tree: list[str]) -> None:
    answer = s3.list_objects_v2(Bucket=bucket, StartAfter="b/2")
    assert listed(answer) == (["b/c/3", "d/4", "e"], [])
    assert answer["StartAfter"] == "b/2"


def test_a_token_that_is_not_ours(s3: Any, bucket: str, tree: list[str]) -> None:
    with refused("InvalidArgument", 400, "The continuation token provided is incorrect"):
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="made-up")
    s3.create_bucket(Bucket="another-bucket")
    token = s3.list_objects_v2(Bucket=bucket, MaxKeys=1)["NextContinuationToken"]
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket="another-bucket", ContinuationToken=token)


def test_the_first_version_marks_pages_by_key(s3: Any, bucket: str, tree: list[str]) -> None:
    first = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=2)
    assert (first["NextMarker"], first["IsTruncated"]) == ("b/", True)
    assert listed(s3.list_objects(Bucket=bucket, Delimiter="/", Marker="b/")) == (["e"], ["d/"])
    plain = s3.list_objects(Bucket=bucket, MaxKeys=2)
    assert "NextMarker" not in plain
    assert plain["Contents"][0]["Owner"]["ID"]


def test_what_an_entry_says(s3: Any, bucket: str, put: Put) -> None:
    etag = put("k", b"123")["ETag"]
    (entry,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert (entry["ETag"], entry["Size"], entry["StorageClass"]) == (etag, 3, "STANDARD")
    assert entry["LastModified"] == s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert "Owner" not in entry
    (owned,) = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"]
    assert len(owned["Owner"]["ID"]) == 64


@pytest.mark.claim("S3-510")
def test_a_listing_holds_all_that_was_written_before_it(s3: Any, bucket: str, lake: Any) -> None:
    other = lake.client("s3")
    written: list[str] = []
    with ThreadPoolExecutor(8) as pool:
        for turn in range(10):
            keys = [f"out/part-{turn}-{part}.parquet" for part in range(20)]
            list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b"x"), keys))
            written += keys
            assert listed(other.list_objects_v2(Bucket=bucket, Prefix="out/"))[0] == sorted(written)


def test_keys_are_ordered_by_their_utf8_bytes(s3: Any, bucket: str, put: Put) -> None:
    keys = ["a", "Z", "é", "\uffff", "\U0001f600", "a/", "a b", "鍵", "A"]
    for key in keys:
        put(key)
    found, _ = listed(s3.list_objects_v2(Bucket=bucket))
    assert found == sorted(keys, key=str.encode)


def test_more_than_a_thousand_keys_are_a_thousand(s3: Any, bucket: str, lake: Any, put: Put) -> None:
    for number in range(1001):
        put(f"{number:04}")
    answer = s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)
    assert (answer["KeyCount"], answer["MaxKeys"], answer["IsTruncated"]) == (1000, 1000, True)
    began = time.perf_counter()
    s3.list_objects_v2(Bucket=bucket, StartAfter="0999")
    assert time.perf_counter() - began < 1


def test_url_encoding(bucket: str, put: Put, lake: Any) -> None:
    import urllib.request

    put("a b+c/ü&.txt")
    url = f"{lake.endpoint_url}/{bucket}?list-type=2&encoding-type=url"
    text = urllib.request.urlopen(url).read().decode()
    assert "<Key>a+b%2Bc/%C3%BC%26.txt</Key>" in text
    assert "<EncodingType>url</EncodingType>" in text
    with refused("InvalidArgument", 400):
        lake.client("s3").list_objects_v2(Bucket=bucket, EncodingType="rot13")
