"""Object names: prefixes with `!{namespace:value}` expressions.

Source: Amazon Data Firehose developer guide, "Understand custom prefixes for Amazon S3 objects". The messages are those
that CreateDeliveryStream gives.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from . import quotas, timestamps

EXPRESSION = re.compile(r"!\{([^{}:]*):([^{}]*)\}")
DEFAULT_TIME = "yyyy/MM/dd/HH/"
RANDOM_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
RANDOM_LENGTH = 11
ERROR_TYPE = "error-output-type"
QUERY, LAMBDA = "partitionKeyFromQuery", "partitionKeyFromLambda"
NAMESPACES = ("firehose", "timestamp", QUERY, LAMBDA)


class InvalidPrefix(ValueError):
    """The prefix breaks one of the guide's rules; the message is AWS's."""


@dataclass(slots=True, frozen=True)
class Values:
    """What an object's expressions stand for. `seed` makes its random strings: they are the same when the object is
    written again."""

    when: datetime
    seed: str = ""
    error_type: str = ""
    query_keys: Mapping[str, str] = field(default_factory=dict)
    lambda_keys: Mapping[str, str] = field(default_factory=dict)


def moment(seconds: float, zone: str = "UTC") -> datetime:
    return datetime.fromtimestamp(seconds, UTC if zone == "UTC" else ZoneInfo(zone))


def check(prefix: str, error_prefix: str) -> None:
    """Raise InvalidPrefix for what the guide's rules forbid."""
    _check_expressions("Prefix", prefix)
    _check_expressions("ErrorOutputPrefix", error_prefix)
    if EXPRESSION.search(prefix) and not error_prefix:
        raise InvalidPrefix("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions")
    error_output_type = f"!{{firehose:{ERROR_TYPE}}}"
    if error_output_type in prefix:
        raise InvalidPrefix(f"Prefix must not contain any occurrence of {error_output_type}")
    if keys(error_prefix, QUERY) or keys(error_prefix, LAMBDA):
        raise InvalidPrefix("Dynamic Partitioning Namespaces can't be part of an error prefix expression")
    if EXPRESSION.search(error_prefix) and error_output_type not in error_prefix:
        raise InvalidPrefix(f"ErrorOutputPrefix must contain at least one occurrence of {error_output_type}")


def _check_expressions(member: str, prefix: str) -> None:
    if "!{" in EXPRESSION.sub("", prefix):
        raise InvalidPrefix("Invalid expression usage")
    for space, name in EXPRESSION.findall(prefix):
        if space not in NAMESPACES:
            raise InvalidPrefix(f"Namespace to the left of colon ({space}) is an invalid keyword!")
        if not name or (space == "firehose" and name not in (ERROR_TYPE, "random-string")):
            raise InvalidPrefix(f"Invalid conversion character used in the value of the expression in {member}")
        if space == "timestamp":
            try:
                timestamps.format_time(name, moment(0))
            except ValueError:
                raise InvalidPrefix(
                    f"Invalid conversion character used in the value of the expression in {member}"
                ) from None
    # Every literal character survives, and every expression gives one at least.
    if len(EXPRESSION.sub("x", prefix)) > quotas.PREFIX_CHARACTERS.value:
        name = "prefix" if member == "Prefix" else member
        raise InvalidPrefix(f"Length of evaluated {name} cannot be greater than {quotas.PREFIX_CHARACTERS.value:.0f}")


def keys(prefix: str, namespace: str) -> set[str]:
    """The values that the prefix asks for in one namespace."""
    return {name for space, name in EXPRESSION.findall(prefix) if space == namespace}


def evaluate(prefix: str, values: Values) -> str:
    """The prefix with its expressions filled in; without any, YYYY/MM/dd/HH/ stands behind it.

    KeyError when a partition key is missing.
    """
    randoms = iter(range(len(prefix)))

    def value(found: re.Match[str]) -> str:
        space, name = found.groups()
        if space == "timestamp":
            return timestamps.format_time(name, values.when)
        if space == QUERY:
            return values.query_keys[name]
        if space == LAMBDA:
            return values.lambda_keys[name]
        return values.error_type if name == ERROR_TYPE else _random(f"{values.seed} {next(randoms)}")

    filled = EXPRESSION.sub(value, prefix)
    if EXPRESSION.search(prefix):
        return filled
    folder = f"{values.error_type}/" if values.error_type else ""
    return f"{filled}{folder}{timestamps.format_time(DEFAULT_TIME, values.when)}"


def _random(seed: str) -> str:
    digest = hashlib.sha256(seed.encode()).digest()
    return "".join(RANDOM_CHARACTERS[byte % len(RANDOM_CHARACTERS)] for byte in digest[:RANDOM_LENGTH])


def object_name(stream: str, version: str, when: datetime, identity: str, extension: str) -> str:
    """`stream-version-yyyy-MM-dd-HH-mm-ss-identity` and the extension."""
    return f"{stream}-{version}-{timestamps.format_time('yyyy-MM-dd-HH-mm-ss', when)}-{identity}{extension}"
