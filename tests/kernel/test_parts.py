"""Pages, token buckets, ARNs: pure rules."""

import pytest

from pocketlake.kernel import arn
from pocketlake.kernel.pages import InvalidToken, Pages
from pocketlake.kernel.quotas import TokenBucket


def test_a_token_opens_to_what_was_sealed():
    pages = Pages(b"secret")
    assert pages.open(pages.seal({"after": "key/ü", "n": 3})) == {"after": "key/ü", "n": 3}


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-2] + "AA", lambda t: "x" + t, lambda t: "", lambda t: "ä", lambda t: t[5:]]
)
def test_a_changed_token_is_refused(spoil):
    pages = Pages(b"secret")
    with pytest.raises(InvalidToken):
        pages.open(spoil(pages.seal({"after": "some key"})))


def test_another_lake_s_token_is_refused():
    with pytest.raises(InvalidToken):
        Pages(b"one").open(Pages(b"two").seal(1))


def test_a_bucket_gives_its_burst_then_its_rate():
    bucket = TokenBucket(rate=10, burst=20, now=100.0)
    assert bucket.take(20, 100.0)
    assert not bucket.take(1, 100.0)
    assert bucket.wait(5, 100.0) == 0.5
    assert bucket.take(5, 100.5)
    assert not bucket.take(1, 100.5)
    assert bucket.take(20, 1000.0)
    assert not bucket.take(1, 1000.0)


def test_a_clock_set_back_gives_no_tokens():
    bucket = TokenBucket(rate=10, now=100.0)
    assert bucket.take(10, 100.0)
    assert not bucket.take(1, 50.0)
    assert bucket.take(1, 50.1)


def test_arns_come_apart_and_together():
    text = "arn:aws:kinesis:us-east-1:123456789012:stream/a:b"
    parsed = arn.parse(text)
    assert (parsed.service, parsed.region, parsed.account, parsed.resource) == (
        "kinesis",
        "us-east-1",
        "123456789012",
        "stream/a:b",
    )
    assert str(parsed) == text
    with pytest.raises(ValueError, match="not an ARN"):
        arn.parse("stream/a")
