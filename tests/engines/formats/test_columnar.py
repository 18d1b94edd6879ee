"""Parquet and ORC writers: what the options promise is in the file."""

import io

import pyarrow as pa
import pytest
from pyarrow import orc
from pyarrow import parquet as pq

from pocketlake.engines.formats import columnar
from pocketlake.engines.formats.columnar import OrcOptions, ParquetOptions

TABLE = pa.table(
    {
        "id": pa.array(range(20_000), pa.int32()),
        "name": ["a" * 50] * 20_000,
        "at": pa.array([0] * 20_000, pa.timestamp("us")),
        "inner": [{"x": [1, 2]}] * 20_000,
    }
)


@pytest.mark.parametrize("compression", ["UNCOMPRESSED", "GZIP", "SNAPPY"])
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_parquet_reads_back_with_its_compression(compression: str, version: str) -> None:
    options = ParquetOptions(compression=compression, writer_version=version)  # type: ignore[arg-type]
    file = pq.ParquetFile(io.BytesIO(columnar.parquet_bytes(TABLE, options)))
    assert file.read().equals(TABLE)
    assert file.metadata.row_group(0).column(0).compression == compression


def test_parquet_block_size_and_dictionaries_are_honoured() -> None:
    small = pq.ParquetFile(io.BytesIO(columnar.parquet_bytes(TABLE, ParquetOptions(block_size_bytes=200_000))))
    assert small.metadata.num_row_groups > 3
    plain = pq.ParquetFile(io.BytesIO(columnar.parquet_bytes(TABLE)))
    assert plain.metadata.num_row_groups == 1
    assert not plain.metadata.row_group(0).column(1).has_dictionary_page
    options = ParquetOptions(enable_dictionary_compression=True)
    assert (
        pq.ParquetFile(io.BytesIO(columnar.parquet_bytes(TABLE, options)))
        .metadata.row_group(0)
        .column(1)
        .has_dictionary_page
    )


@pytest.mark.parametrize("compression", ["NONE", "ZLIB", "SNAPPY"])
def test_orc_reads_back(compression: str) -> None:
    options = OrcOptions(compression=compression, bloom_filter_columns=("id",))  # type: ignore[arg-type]
    file = orc.ORCFile(io.BytesIO(columnar.orc_bytes(TABLE, options)))
    assert file.read().column("name").to_pylist() == TABLE.column("name").to_pylist()
    assert file.compression == ("UNCOMPRESSED" if compression == "NONE" else compression)
