"""Arrow tables as Parquet and ORC, with the serialiser options of Firehose's format conversion.

Source: Firehose API reference, ParquetSerDe and OrcSerDe.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

MIB = 1 << 20
# Rows are counted, bytes are asked for: a row group gets as many rows as fill the block at the table's average width.
SMALLEST_ROW_GROUP = 1024


@dataclass(frozen=True, slots=True)
class ParquetOptions:
    """`max_padding_bytes` pads for HDFS blocks; a single object has none, so it is accepted and changes nothing."""

    compression: Literal["UNCOMPRESSED", "GZIP", "SNAPPY"] = "SNAPPY"
    block_size_bytes: int = 256 * MIB
    page_size_bytes: int = MIB
    enable_dictionary_compression: bool = False
    max_padding_bytes: int = 0
    writer_version: Literal["V1", "V2"] = "V1"


@dataclass(frozen=True, slots=True)
class OrcOptions:
    compression: Literal["NONE", "ZLIB", "SNAPPY"] = "SNAPPY"
    stripe_size_bytes: int = 64 * MIB
    block_size_bytes: int = 256 * MIB
    row_index_stride: int = 10_000
    enable_padding: bool = False
    padding_tolerance: float = 0.05
    dictionary_key_threshold: float = 0.0
    bloom_filter_columns: tuple[str, ...] = ()
    bloom_filter_false_positive_probability: float = 0.05
    format_version: Literal["V0_11", "V0_12"] = "V0_12"


def parquet_bytes(table: pa.Table, options: ParquetOptions | None = None) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    _write_parquet(table, sink, options or ParquetOptions())
    return sink.getvalue().to_pybytes()


def write_parquet(table: pa.Table, path: Path, options: ParquetOptions | None = None) -> None:
    with path.open("wb") as file:
        _write_parquet(table, file, options or ParquetOptions())


def _write_parquet(table: pa.Table, sink: object, options: ParquetOptions) -> None:
    from pyarrow import parquet

    compression = "none" if options.compression == "UNCOMPRESSED" else options.compression.lower()
    parquet.write_table(
        table,
        sink,
        row_group_size=_rows_of(options.block_size_bytes, table),
        compression=compression,
        data_page_size=options.page_size_bytes,
        use_dictionary=options.enable_dictionary_compression,
        version="1.0" if options.writer_version == "V1" else "2.6",
        data_page_version="1.0" if options.writer_version == "V1" else "2.0",
        store_schema=False,
    )


def orc_bytes(table: pa.Table, options: OrcOptions | None = None) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    _write_orc(table, sink, options or OrcOptions())
    return sink.getvalue().to_pybytes()


def write_orc(table: pa.Table, path: Path, options: OrcOptions | None = None) -> None:
    with path.open("wb") as file:
        _write_orc(table, file, options or OrcOptions())


def _write_orc(table: pa.Table, sink: object, options: OrcOptions) -> None:
    from pyarrow import orc

    bloom = [table.schema.get_field_index(name) for name in options.bloom_filter_columns]
    orc.write_table(
        table,
        sink,
        file_version="0.11" if options.format_version == "V0_11" else "0.12",
        stripe_size=options.stripe_size_bytes,
        compression="uncompressed" if options.compression == "NONE" else options.compression.lower(),
        compression_block_size=65536,
        row_index_stride=options.row_index_stride,
        padding_tolerance=options.padding_tolerance if options.enable_padding else 0.0,
        dictionary_key_size_threshold=options.dictionary_key_threshold,
        bloom_filter_columns=[index for index in bloom if index >= 0] or None,
        bloom_filter_fpp=options.bloom_filter_false_positive_probability,
    )


def _rows_of(block_bytes: int, table: pa.Table) -> int:
    if table.num_rows == 0:
        return SMALLEST_ROW_GROUP
    width = max(1, table.nbytes // table.num_rows)
    return max(SMALLEST_ROW_GROUP, block_bytes // width)
