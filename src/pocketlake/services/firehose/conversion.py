"""What happens to a buffer on its way into an object: compression, or JSON to Parquet and ORC by a Glue table."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass
from typing import Any

from pocketlake.kernel.call import Call

from . import store

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date a ZIP archive can hold: archives of equal data are equal


@dataclass(slots=True, frozen=True)
class Schema:
    """`columns` are (name, Hive type); `described` names the table in the failure envelope."""

    columns: list[tuple[str, str]]
    described: dict[str, Any]


@dataclass(slots=True, frozen=True)
class Failed:
    index: int
    code: str
    message: str
    record: bytes


@dataclass(slots=True, frozen=True)
class Output:
    body: bytes
    rows: int
    extension: str
    failures: list[Failed]


def compress(data: bytes, compression: str) -> bytes:
    """One whole object. Snappy is the raw block format, as Firehose writes it."""
    if compression == "GZIP":
        return gzip.compress(data, 6, mtime=0)
    if compression == "ZIP":
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("records", EPOCH), data, zipfile.ZIP_DEFLATED)
        return held.getvalue()
    if compression == "Snappy":
        import pyarrow as pa

        return bytes(pa.compress(data, codec="snappy", asbytes=True))
    return data


def schema_of(call: Call, configuration: dict[str, Any]) -> Schema:
    """The Glue table's columns, of the version that the stream names; partition keys are in the prefix."""
    region = configuration.get("Region") or call.region
    catalog = configuration.get("CatalogId") or call.account
    database, name = configuration["DatabaseName"], configuration["TableName"]
    version = configuration.get("VersionId", "LATEST")
    glue = call.as_(account=catalog, region=region).aws.glue
    if version == "LATEST":
        table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    else:
        found = glue.get_table_version(DatabaseName=database, TableName=name, VersionId=version)
        table = found["TableVersion"]["Table"]
    columns = [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]]
    described = {
        "catalogId": catalog,
        "databaseName": database,
        "tableName": name,
        "region": region,
        "versionId": version,
        "roleArn": configuration.get("RoleARN"),
    }
    return Schema(columns, described)


def convert(payloads: list[bytes], columns: list[tuple[str, str]], configuration: dict[str, Any]) -> Output:
    """JSON records to one file's bytes; the records that do not fit come back as failures. Runs in a thread."""
    from pocketlake.engines.formats import columnar, json_records

    records = [record for payload in payloads for record in store.unpack(payload)]
    deserialiser = configuration["InputFormatConfiguration"].get("Deserializer") or {}
    converted = json_records.convert(records, columns, _json_options(deserialiser))
    failures = [Failed(f.index, f.code, f.message, records[f.index]) for f in converted.failures]
    serialiser = configuration["OutputFormatConfiguration"].get("Serializer") or {}
    if "OrcSerDe" in serialiser:
        return Output(columnar.orc_bytes(converted.table), converted.table.num_rows, ".orc", failures)
    body = columnar.parquet_bytes(converted.table, _parquet_options(serialiser.get("ParquetSerDe") or {}))
    return Output(body, converted.table.num_rows, ".parquet", failures)


def _json_options(deserialiser: dict[str, Any]) -> Any:
    from pocketlake.engines.formats.json_records import JsonOptions

    if "HiveJsonSerDe" in deserialiser:
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

    names = {
        "Compression": "compression",
        "BlockSizeBytes": "block_size_bytes",
        "PageSizeBytes": "page_size_bytes",
        "EnableDictionaryCompression": "enable_dictionary_compression",
        "MaxPaddingBytes": "max_padding_bytes",
        "WriterVersion": "writer_version",
    }
    return ParquetOptions(**{names[name]: value for name, value in options.items() if name in names})
