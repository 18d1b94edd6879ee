"""Object keys: what one may be, and their order."""

from __future__ import annotations

from urllib.parse import quote_plus

from pocketlake.services.s3 import quotas
from pocketlake.services.s3.service import errors

LAST_CHARACTER = "\U0010ffff"
BEYOND_ALL = b""  # SQLite orders every blob after every text


def check(key: str) -> str:
    """The key, if S3 takes it: up to 1,024 bytes of UTF-8, of any characters. A path traversal is just a key."""
    if len(key) > quotas.KEY.value / 4 and (size := len(key.encode())) > quotas.KEY.value:
        raise errors.KeyTooLongError("Your key is too long", Size=size, MaxSizeAllowed=int(quotas.KEY.value))
    return key


def after(key: str) -> str:
    """The least string that is greater than the key."""
    return key + "\0"


def after_prefix(prefix: str) -> str | bytes:
    """The least string that is greater than all strings with this prefix; BEYOND_ALL when there is none."""
    prefix = prefix.rstrip(LAST_CHARACTER)
    if not prefix:
        return BEYOND_ALL
    following = ord(prefix[-1]) + 1
    if following == 0xD800:  # surrogates are no characters
        following = 0xE000
    return prefix[:-1] + chr(following)


def encoded(text: str | None, encoding: str | None) -> str | None:
    """The text as a listing with encoding-type=url carries it."""
    return quote_plus(text, safe="/*") if text and encoding else text
