"""A lake with a bucket, its clock standing still."""

from datetime import UTC, datetime

import pytest

from .samples import BUCKET, client


@pytest.fixture
def bucket(lake):
    client(lake, "s3").create_bucket(Bucket=BUCKET)
    lake.clock.freeze(datetime(2013, 5, 6, 7, 8, 9, tzinfo=UTC))
    return lake
