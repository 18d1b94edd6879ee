"""agent.json: the settings of the Kinesis Agent, checked as it checks them.

Source: Kinesis Data Streams and Firehose developer guides, "Specify the agent configuration settings".
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pocketlake.cli.agent.conversion import Converter, converter
from pocketlake.cli.agent.faults import ConfigurationError

DESTINATIONS = {"kinesisStream": "kinesis", "deliveryStream": "firehose"}
# (default, least, most)
RANGES: dict[str, tuple[int, int, int]] = {
    "maxBufferAgeMillis": (60_000, 1_000, 900_000),
    "maxBufferSizeBytes": (4 << 20, 1, 4 << 20),
    "maxBufferSizeRecords": (500, 1, 500),
    "minTimeBetweenFilePollsMillis": (100, 1, 1 << 31),
    "skipHeaderLines": (0, 0, 1 << 31),
}
CHOICES = {
    "initialPosition": ("END_OF_FILE", "START_OF_FILE"),  # the first one is the default
    "partitionKeyOption": ("RANDOM", "DETERMINISTIC"),
}
KNOWN = {"filePattern", "multiLineStartPattern", "truncatedRecordTerminator", "dataProcessingOptions"}
CHECKPOINT_DAYS = 7


@dataclass(slots=True, frozen=True)
class FlowSettings:
    """One flow. `service` is kinesis or firehose; times are in seconds; `names` are the pattern's names, as globs."""

    pattern: Path
    names: tuple[str, ...]
    service: str
    stream: str
    from_start: bool
    is_key_of_data: bool
    buffer_seconds: float
    buffer_bytes: int
    buffer_records: int
    poll_seconds: float
    header_lines: int
    record_start: re.Pattern[str] | None
    terminator: bytes
    converters: tuple[Converter, ...]

    @property
    def directory(self) -> Path:
        return self.pattern.parent

    @property
    def name(self) -> str:
        return f"{self.service}:{self.stream}:{self.pattern}"


@dataclass(slots=True, frozen=True)
class Settings:
    """`endpoints` and `regions` by service: kinesis, firehose, sts, cloudwatch; `keys` are access key and secret, where
    given."""

    flows: tuple[FlowSettings, ...]
    checkpoints: Path
    checkpoint_days: int
    endpoints: dict[str, str]
    regions: dict[str, str]
    role: str | None
    external_id: str | None
    keys: tuple[str, str] | None
    emits_metrics: bool


def read(path: Path) -> Settings:
    try:
        given = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise ConfigurationError(f"{path} holds no JSON object")
    return settings(given)


def settings(given: dict[str, Any]) -> Settings:
    flows = given.get("flows")
    if not isinstance(flows, list) or not flows:
        raise ConfigurationError("flows: a list with one flow at least is required")
    keys = (given.get("awsAccessKeyId"), given.get("awsSecretAccessKey"))
    services = ("kinesis", "firehose", "sts", "cloudwatch")
    return Settings(
        flows=tuple(_flow(number, flow) for number, flow in enumerate(flows)),
        checkpoints=Path(given.get("checkpointFile") or _default_checkpoints()),
        checkpoint_days=int(given.get("checkpointTimeToLiveDays", CHECKPOINT_DAYS)),
        endpoints={name: _url(given[f"{name}.endpoint"]) for name in services if given.get(f"{name}.endpoint")},
        regions={name: given[f"{name}.region"] for name in services if given.get(f"{name}.region")},
        role=given.get("assumeRoleARN"),
        external_id=given.get("assumeRoleExternalId"),
        keys=(str(keys[0]), str(keys[1])) if all(keys) else None,
        emits_metrics=str(given.get("cloudwatch.emitMetrics", True)).lower() == "true",
    )


def _default_checkpoints() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "pocketlake" / "agent-checkpoints"


def _url(endpoint: str) -> str:
    return endpoint if "://" in endpoint else f"https://{endpoint}"


def _flow(number: int, flow: Any) -> FlowSettings:
    where = f"flows[{number}]"
    if not isinstance(flow, dict):
        raise ConfigurationError(f"{where} is no JSON object")
    destinations = [name for name in DESTINATIONS if flow.get(name)]
    if len(destinations) != 1:
        raise ConfigurationError(f"{where} needs either kinesisStream or deliveryStream")
    unknown = flow.keys() - KNOWN - RANGES.keys() - CHOICES.keys() - DESTINATIONS.keys()
    if unknown:
        raise ConfigurationError(f"{where} has settings that are not supported: {', '.join(sorted(unknown))}")
    numbers = {name: _number(where, flow, name) for name in RANGES}
    chosen = {name: _choice(where, flow, name) for name in CHOICES}
    pattern = _pattern(where, flow)
    return FlowSettings(
        pattern=pattern,
        names=tuple(_alternatives(pattern.name)),
        service=DESTINATIONS[destinations[0]],
        stream=flow[destinations[0]],
        from_start=chosen["initialPosition"] == "START_OF_FILE",
        is_key_of_data=chosen["partitionKeyOption"] == "DETERMINISTIC",
        buffer_seconds=numbers["maxBufferAgeMillis"] / 1000,
        buffer_bytes=numbers["maxBufferSizeBytes"],
        buffer_records=numbers["maxBufferSizeRecords"],
        poll_seconds=numbers["minTimeBetweenFilePollsMillis"] / 1000,
        header_lines=numbers["skipHeaderLines"],
        record_start=_expression(where, flow.get("multiLineStartPattern")),
        terminator=flow.get("truncatedRecordTerminator", "\n").encode(),
        converters=tuple(converter(option) for option in flow.get("dataProcessingOptions") or ()),
    )


def _pattern(where: str, flow: dict[str, Any]) -> Path:
    given = flow.get("filePattern")
    if not isinstance(given, str) or not given or given.endswith("/"):
        raise ConfigurationError(f"{where}.filePattern is required, and has to name files")
    pattern = Path(given)
    if not pattern.is_absolute():
        raise ConfigurationError(f"{where}.filePattern has to be absolute: {given}")
    if re.search(r"[*?\[{]", str(pattern.parent)):
        raise ConfigurationError(f"{where}.filePattern: only the file's name can be a pattern, not its directory")
    return pattern


def _alternatives(name: str) -> list[str]:
    """`{app,api}.log` is two names."""
    braces = re.search(r"\{([^{}]*)\}", name)
    if braces is None:
        return [name]
    before, after = name[: braces.start()], name[braces.end() :]
    return [one for part in braces[1].split(",") for one in _alternatives(before + part + after)]


def _number(where: str, flow: dict[str, Any], name: str) -> int:
    default, least, most = RANGES[name]
    try:
        value = int(flow.get(name, default))
    except (TypeError, ValueError):
        raise ConfigurationError(f"{where}.{name} is not a whole number: {flow[name]!r}") from None
    if not least <= value <= most:
        raise ConfigurationError(f"{where}.{name} has to lie between {least} and {most}, not {value}")
    return value


def _choice(where: str, flow: dict[str, Any], name: str) -> str:
    value = str(flow.get(name, CHOICES[name][0]))
    if value not in CHOICES[name]:
        raise ConfigurationError(f"{where}.{name} has to be one of {', '.join(CHOICES[name])}, not {value}")
    return value


def _expression(where: str, given: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(given) if given else None
    except re.error as error:
        raise ConfigurationError(f"{where}.multiLineStartPattern: {error}") from None
