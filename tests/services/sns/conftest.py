"""A lake with clients for topics and queues, and a web server beside it."""

import pytest

from .samples import Fan, serving


@pytest.fixture
def fan(lake):
    return Fan(lake, lake.client("sns"), lake.client("sqs"))


@pytest.fixture
def web():
    with serving() as endpoint:
        yield endpoint
