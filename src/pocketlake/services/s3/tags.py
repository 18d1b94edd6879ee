"""Tags of buckets and objects: their rules, and their forms on the wire."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from pocketlake.kernel.quotas import Quota
from pocketlake.services.s3 import quotas
from pocketlake.services.s3.service import errors

# Source: S3 User Guide, "Object tag restrictions": letters, numbers and spaces of any script, and these signs.
ALLOWED = re.compile(r"[\w\s+\-=.:/@]*")


def checked_bucket_tags(tag_set: list[dict[str, str]]) -> dict[str, str]:
    return _checked(_pairs(tag_set), quotas.BUCKET_TAGS, "Bucket tag count cannot be greater than 50")


def checked_object_tags(tag_set: list[dict[str, str]]) -> dict[str, str]:
    """[S3-540]"""
    return _checked(_pairs(tag_set), quotas.OBJECT_TAGS, "Object tags cannot be greater than 10")


def tags_of_header(header: str | None) -> dict[str, str]:
    """The tags of an x-amz-tagging header, which has the form of a URL's query."""
    if not header:
        return {}
    try:
        pairs = parse_qsl(header, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise errors.InvalidArgument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name"
            " duplicates.",
            ArgumentName="x-amz-tagging",
            ArgumentValue=header,
        ) from None
    if any(key.lower().startswith("aws:") for key, _ in pairs):
        raise errors.InvalidTag("Your TagKey cannot be prefixed with aws:")
    return _checked(pairs, quotas.OBJECT_TAGS, "Object tags cannot be greater than 10")


def tag_set(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _pairs(tag_set: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(tag["Key"], tag["Value"]) for tag in tag_set]


def _checked(pairs: list[tuple[str, str]], limit: Quota, too_many: str) -> dict[str, str]:
    if len(pairs) > limit.value:
        raise errors.BadRequest(too_many)
    tags = dict(pairs)
    if len(tags) < len(pairs):
        raise errors.InvalidTag("Cannot provide multiple Tags with the same key")
    for key, value in pairs:
        if not 1 <= len(key) <= quotas.TAG_KEY.value or not ALLOWED.fullmatch(key):
            raise errors.InvalidTag("The TagKey you have provided is invalid", TagKey=key)
        if len(value) > quotas.TAG_VALUE.value or not ALLOWED.fullmatch(value):
            raise errors.InvalidTag("The TagValue you have provided is invalid", TagKey=key, TagValue=value)
        if key.lower().startswith("aws:"):
            raise errors.InvalidTag("System tags cannot be added/updated by requester")
    return tags
