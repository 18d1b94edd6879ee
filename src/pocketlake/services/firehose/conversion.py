"""Record format conversion: JSON to Parquet or ORC by a Glue table's columns.

Source: developer guide, "Convert input data format in Amazon Data Firehose"; API reference, ParquetSerDe, OrcSerDe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import failures, quotas
from .batches import Batch, Failed
from .service import errors

INVALID_SCHEMA = "DataFormatConversion.InvalidSchema"
DESERIALISERS = ("OpenXJsonSerDe", "HiveJsonSerDe")
SERIALISERS = ("ParquetSerDe", "OrcSerDe")
PARQUET_OPTIONS = {
    "Compression": "compression",
    "BlockSizeBytes": "block_size_bytes",
    "PageSizeBytes": "page_size_bytes",
    "EnableDictionaryCompression": "enable_dictionary_compression",
    "MaxPaddingBytes": "max_padding_bytes",
    "WriterVersion": "writer_version",
}
ORC_OPTIONS = {
    "Compression": "compression",
    "StripeSizeBytes": "stripe_size_bytes",
    "BlockSizeBytes": "block_size_bytes",
    "RowIndexStride": "row_index_stride",
    "EnablePadding": "enable_padding",
    "PaddingTolerance": "padding_tolerance",
    "DictionaryKeyThreshold": "dictionary_key_threshold",
    "BloomFilterFalsePositiveProbability": "bloom_filter_false_positive_probability",
    "FormatVersion": "format_version",
}

Columns = list[tuple[str, str]]


class InvalidSchema(Exception):
    """The Glue table is not there, or holds what no deserialiser reads: all records fail."""


@dataclass(slots=True, frozen=True)
class Output:
    """A file's bytes, None when no record fitted; `failed` as (index, code, message)."""

    body: bytes | None
    failed: list[tuple[int, str, str]]


def is_enabled(configuration: dict[str, Any]) -> bool:
    given = configuration.get("DataFormatConversionConfiguration") or {}
    return bool(given) and bool(given.get("Enabled", True))


def validate(configuration: dict[str, Any]) -> None:
    """Raise InvalidArgumentException for what the guide's rules forbid, in AWS's order and words."""
    if configuration["CompressionFormat"] != "UNCOMPRESSED":
        raise errors.InvalidArgumentException(
            "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is"
            " enabled. To enable compression within the converted output format, set the appropriate serialization"
            " option in the output format configuration."
        )
    if configuration["BufferingHints"]["SizeInMBs"] < quotas.LARGE_MINIMUM_SIZE_MB:
        raise errors.InvalidArgumentException(
            f"BufferingHints.SizeInMBs must be at least {quotas.LARGE_MINIMUM_SIZE_MB}"
            " when data format conversion is enabled."
        )
    given = configuration["DataFormatConversionConfiguration"]
    for member in ("InputFormatConfiguration", "OutputFormatConfiguration", "SchemaConfiguration"):
        if given.get(member) is None:
            raise errors.InvalidArgumentException(f"{member} must not be null")
    _check_one(given["InputFormatConfiguration"].get("Deserializer"), "Deserializer", DESERIALISERS)
    _check_one(given["OutputFormatConfiguration"].get("Serializer"), "Serializer", SERIALISERS)
    for member, spelled in (("RoleARN", "RoleArn"), ("DatabaseName", "DatabaseName"), ("TableName", "TableName")):
        if not given["SchemaConfiguration"].get(member):
            raise errors.InvalidArgumentException(f"SchemaConfiguration.{spelled} must not be null or empty")


def _check_one(given: dict[str, Any] | None, kind: str, members: tuple[str, ...]) -> None:
    count = sum((given or {}).get(member) is not None for member in members)
    if count == 0:
        raise errors.InvalidArgumentException(f"{kind} must not be null")
    if count > 1:
        raise errors.InvalidArgumentException(f"More than one {kind.lower()} specified. Only one may be chosen.")


async def convert(call: Call, configuration: dict[str, Any], batch: Batch) -> tuple[bytes | None, str, list[Failed]]:
    """(a file's bytes, its extension, the records that did not fit)."""
    given = configuration["DataFormatConversionConfiguration"]
    serialiser = given["OutputFormatConfiguration"]["Serializer"]
    extension = ".orc" if serialiser.get("OrcSerDe") is not None else ".parquet"
    extra = {"dataCatalogTable": _described(call, given["SchemaConfiguration"])}
    try:
        columns = _columns(call, given["SchemaConfiguration"])
        output = await call.offload(_convert, batch, columns, given)
    except InvalidSchema as error:
        output = Output(None, [(index, INVALID_SCHEMA, str(error)) for index in range(len(batch))])
    failed = [
        Failed(batch.origin(index), failures.CONVERSION, code, message, raw=batch.raw(index), extra=extra)
        for index, code, message in output.failed
    ]
    return output.body, extension, failed


def _described(call: Call, schema: dict[str, Any]) -> dict[str, Any]:
    """The table as the failure envelope names it."""
    region, catalog = schema.get("Region") or call.region, schema.get("CatalogId") or call.account
    return {
        "catalogId": catalog,
        "databaseName": schema["DatabaseName"],
        "tableName": schema["TableName"],
        "region": region,
        "versionId": schema.get("VersionId", "LATEST"),
        "catalogArn": f"arn:{PARTITION}:glue:{region}:{catalog}:catalog",
    }


def _columns(call: Call, schema: dict[str, Any]) -> Columns:
    """The table's columns, of the version that the stream names; partition keys are in the prefix."""
    database, name, version = schema["DatabaseName"], schema["TableName"], schema.get("VersionId", "LATEST")
    scope = call.as_(
        account=schema.get("CatalogId") or "", region=schema.get("Region") or "", role_arn=schema["RoleARN"]
    )
    try:
        if version == "LATEST":
            table = scope.aws.glue.get_table(DatabaseName=database, Name=name)["Table"]
        else:
            found = scope.aws.glue.get_table_version(DatabaseName=database, TableName=name, VersionId=version)
            table = found["TableVersion"]["Table"]
    except ServiceError as error:
        raise InvalidSchema(f"The schema is invalid. The specified table could not be found: {error.message}") from None
    columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
    if not columns:
        raise InvalidSchema("The schema is invalid. The specified table has no columns.")
    return [(column["Name"], column.get("Type") or "string") for column in columns]


def _convert(batch: Batch, columns: Columns, given: dict[str, Any]) -> Output:
    """Runs in a thread."""
    from pocketlake.engines.formats import columnar, json_records
    from pocketlake.engines.formats.hive_types import HiveTypeError

    try:
        converted = json_records.convert(
            batch.array(), columns, _json_options(given["InputFormatConfiguration"]["Deserializer"])
        )
    except HiveTypeError as error:
        raise InvalidSchema(f"The schema is invalid. Error parsing the schema: {error}") from None
    failed = [(failure.index, failure.code, failure.message) for failure in converted.failures]
    if not converted.table.num_rows:
        return Output(None, failed)
    serialiser = given["OutputFormatConfiguration"]["Serializer"]
    if serialiser.get("OrcSerDe") is not None:
        return Output(columnar.orc_bytes(converted.table, _orc_options(serialiser["OrcSerDe"])), failed)
    return Output(columnar.parquet_bytes(converted.table, _parquet_options(serialiser["ParquetSerDe"])), failed)


def _json_options(deserialiser: dict[str, Any]) -> Any:
    from pocketlake.engines.formats.json_records import JsonOptions

    if deserialiser.get("HiveJsonSerDe") is not None:
        formats = tuple(deserialiser["HiveJsonSerDe"].get("TimestampFormats") or ())
        return JsonOptions(deserialiser="hive", timestamp_formats=formats)
    options = deserialiser.get("OpenXJsonSerDe") or {}
    return JsonOptions(
        case_insensitive=options.get("CaseInsensitive", True),
        column_to_json_key=options.get("ColumnToJsonKeyMappings") or {},
        dots_to_underscores=options.get("ConvertDotsInJsonKeysToUnderscores", False),
    )


def _parquet_options(options: dict[str, Any]) -> Any:
    from pocketlake.engines.formats.columnar import ParquetOptions

    return ParquetOptions(**{PARQUET_OPTIONS[name]: value for name, value in options.items()})


def _orc_options(options: dict[str, Any]) -> Any:
    from pocketlake.engines.formats.columnar import OrcOptions

    bloom = tuple(options.get("BloomFilterColumns") or ())
    plain = {ORC_OPTIONS[name]: value for name, value in options.items() if name in ORC_OPTIONS}
    return OrcOptions(bloom_filter_columns=bloom, **plain)
