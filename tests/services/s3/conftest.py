"""What the tests of S3 share: a client as a user has it, and a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = "lake-of-tests"


@pytest.fixture
def s3(lake: Any) -> Any:
    """As boto3 makes it, without repeats: what the server says is what the test sees."""
    return lake.client("s3", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def bucket(s3: Any) -> str:
    s3.create_bucket(Bucket=BUCKET)
    return BUCKET


@pytest.fixture
def put(s3: Any, bucket: str) -> Callable[..., Any]:
    def put(key: str, body: bytes = b"", **more: Any) -> Any:
        return s3.put_object(Bucket=bucket, Key=key, Body=body, **more)

    return put


@pytest.fixture
def get(s3: Any, bucket: str) -> Callable[..., bytes]:
    def get(key: str, **more: Any) -> bytes:
        return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()  # type: ignore[no-any-return]

    return get


@contextmanager
def refused(code: str, status: int | None = None, message: str | None = None) -> Iterator[dict[str, Any]]:
    """The block's call is refused with this error; yields what else the error says."""
    told: dict[str, Any] = {}
    with pytest.raises(ClientError) as caught:
        yield told
    error = caught.value.response["Error"]
    told.update(error)
    told["Headers"] = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert error["Code"] == code, error
    if status is not None:
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    if message is not None:
        assert error["Message"] == message
