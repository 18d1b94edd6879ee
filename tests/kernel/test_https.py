"""The door by which requests leave the lake."""

import asyncio

import pytest

from pocketlake.kernel import https


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://host:abc/", "http://host:99999/", "http://a b/", "http://" + "a" * 300]
)
def test_an_url_that_names_no_server_is_a_failed_connection(url):
    with pytest.raises(https.Failure) as caught:
        asyncio.run(https.post(url, {}, b"", 5))
    assert caught.value.kind == "connection"
