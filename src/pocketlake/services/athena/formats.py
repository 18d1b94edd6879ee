"""File formats by their names in SQL: what the engine writes, and what the catalog says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pocketlake.engines.sql.catalog import Table
from pocketlake.engines.sql.errors import NotSupported, SqlError

HADOOP = "org.apache.hadoop"
TEXT_IN, TEXT_OUT = f"{HADOOP}.mapred.TextInputFormat", f"{HADOOP}.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
LAZY = f"{HADOOP}.hive.serde2.lazy.LazySimpleSerDe"
PARQUET = (
    f"{HADOOP}.hive.ql.io.parquet.MapredParquetInputFormat",
    f"{HADOOP}.hive.ql.io.parquet.MapredParquetOutputFormat",
    f"{HADOOP}.hive.ql.io.parquet.serde.ParquetHiveSerDe",
)
ORC = (
    f"{HADOOP}.hive.ql.io.orc.OrcInputFormat",
    f"{HADOOP}.hive.ql.io.orc.OrcOutputFormat",
    f"{HADOOP}.hive.ql.io.orc.OrcSerde",
)
AVRO = (
    f"{HADOOP}.hive.ql.io.avro.AvroContainerInputFormat",
    f"{HADOOP}.hive.ql.io.avro.AvroContainerOutputFormat",
    f"{HADOOP}.hive.serde2.avro.AvroSerDe",
)
STORED_AS = {
    "PARQUET": PARQUET,
    "ORC": ORC,
    "AVRO": AVRO,
    "TEXTFILE": (TEXT_IN, TEXT_OUT, LAZY),
    "JSON": (TEXT_IN, TEXT_OUT, f"{HADOOP.replace('hadoop', 'hive')}.hcatalog.data.JsonSerDe"),
    "SEQUENCEFILE": (
        f"{HADOOP}.mapred.SequenceFileInputFormat",
        f"{HADOOP}.hive.ql.io.HiveSequenceFileOutputFormat",
        LAZY,
    ),
    "RCFILE": (
        f"{HADOOP}.hive.ql.io.RCFileInputFormat",
        f"{HADOOP}.hive.ql.io.RCFileOutputFormat",
        f"{HADOOP}.hive.serde2.columnar.LazyBinaryColumnarSerDe",
    ),
}
JSON_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"
CODECS = {
    "parquet": ("GZIP", "SNAPPY", "ZSTD", "LZ4", "NONE"),
    "orc": ("ZLIB", "SNAPPY", "ZSTD", "LZ4", "NONE"),
    "text": ("GZIP", "ZSTD", "NONE"),
    "json": ("GZIP", "ZSTD", "NONE"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """How files are written: parquet, orc, text or json, compressed with a codec by its SQL name."""

    name: str
    compression: str
    delimiter: str = "\x01"

    @property
    def suffix(self) -> str:
        return {"parquet": ".parquet", "orc": ".orc", "json": ".json", "text": ".txt"}[self.name]

    @property
    def object_suffix(self) -> str:
        """Athena's objects bear no suffix but that of a packed text file."""
        if self.name in ("parquet", "orc"):
            return ""
        return {"GZIP": ".gz", "ZSTD": ".zst"}.get(self.compression, "")

    def copy_options(self, keys: list[str]) -> str:
        codec = {"NONE": "uncompressed", "ZLIB": "gzip"}.get(self.compression, self.compression.lower())
        if self.name == "parquet":
            codec = "lz4_raw" if codec == "lz4" else codec
            options = f"FORMAT parquet, COMPRESSION {codec}"
        else:
            codec = "none" if codec == "uncompressed" else codec
            text = "FORMAT json" if self.name == "json" else self._csv()
            options = f"{text}, COMPRESSION {codec}"
        if keys:
            quoted = ", ".join('"' + key.replace('"', '""') + '"' for key in keys)
            options += f", PARTITION_BY ({quoted})"
        return options

    def _csv(self) -> str:
        mark = self.delimiter.replace("'", "''")
        return f"FORMAT csv, HEADER false, DELIMITER '{mark}', QUOTE '', ESCAPE '', NULLSTR '\\N'"


def written(properties: dict[str, Any]) -> Form:
    """The form that CTAS or UNLOAD asks for; gzip unless told otherwise, zlib for ORC.  [ATH-018]"""
    name = {"textfile": "text", "csv": "text"}.get(
        str(properties.get("format", "PARQUET")).lower(), str(properties.get("format", "PARQUET")).lower()
    )
    if name == "avro":
        raise NotSupported("Writing Avro")
    if name not in CODECS:
        raise SqlError(
            "INVALID_TABLE_PROPERTY",
            f"Unable to set catalog 'awsdatacatalog' table property 'format' to ['{properties['format']}']",
            1,
            1,
        )
    asked = properties.get("write_compression") or properties.get(f"{name}_compression") or CODECS[name][0]
    codec = {"UNCOMPRESSED": "NONE"}.get(str(asked).upper(), str(asked).upper())
    if codec not in CODECS[name]:
        raise NotSupported(f"Writing {name} compressed as {codec}")
    return Form(name, codec, str(properties.get("field_delimiter", "\x01")))


def of_table(kind: str, table: Table) -> Form:
    """The form in which a table's further files are written."""
    if kind == "opencsv":
        raise NotSupported("INSERT INTO a table of OpenCSVSerde")
    asked = table.parameters.get("write.compression") or table.parameters.get("parquet.compression")
    codec = str(asked or CODECS[kind][0]).upper()
    return Form(kind, codec, table.serde.get("field.delim", "\x01"))


def storage(kind: str, delimiter: str = "\x01") -> dict[str, Any]:
    """Input format, output format and SerDe of a storage descriptor."""
    names = {"text": "TEXTFILE", "json": "JSON", "parquet": "PARQUET", "orc": "ORC"}
    given = STORED_AS[names.get(kind, kind)]
    library = JSON_SERDE if kind == "json" else given[2]
    parameters = (
        {"serialization.format": "1"}
        if kind != "text"
        else {"field.delim": delimiter, "serialization.format": delimiter}
    )
    return {
        "InputFormat": given[0],
        "OutputFormat": given[1],
        "SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters},
    }


def table_input(
    name: str, columns: list[tuple[str, str]], keys: list[str], location: str, form: Form
) -> dict[str, Any]:
    listed = [{"Name": column, "Type": kind} for column, kind in columns]
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "has_encrypted_data": "false",
            "classification": {"text": "csv"}.get(form.name, form.name),
        },
        "StorageDescriptor": {
            "Columns": [item for item in listed if item["Name"] not in keys],
            "Location": location,
            **storage(form.name, form.delimiter),
        },
        "PartitionKeys": [item for item in listed if item["Name"] in keys],
    }
