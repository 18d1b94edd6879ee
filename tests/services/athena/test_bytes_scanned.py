"""What a query reads, by how the same rows are stored: bytes fall with compression, columns and partitions."""

from __future__ import annotations

import gzip
import json

import pytest

from .conftest import Athena

ROWS = 20_000
DAYS = 20
CSV = "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"


def lines() -> list[dict[str, object]]:
    return [
        {"id": n, "name": f"name-{n % 50}", "note": f"a note of some length, {n % 7}", "day": f"d{n % DAYS:02}"}
        for n in range(ROWS)
    ]


@pytest.fixture
def stored(athena: Athena) -> Athena:
    """The tables `plain` (CSV), `zipped` (gzip CSV) and `raw` (JSON) of the same rows."""
    text = "".join(f"{row['id']},{row['name']},{str(row['note']).replace(',', ';')},{row['day']}\n" for row in lines())
    athena.put("plain/a.csv", text.encode())
    athena.put("zipped/a.csv.gz", gzip.compress(text.encode()))
    athena.put("raw/a.json", "".join(json.dumps(row) + "\n" for row in lines()).encode())
    columns = "(id int, name string, note string, day string)"
    for name, form in (
        ("plain", CSV),
        ("zipped", CSV),
        ("raw", "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"),
    ):
        athena.run(f"CREATE EXTERNAL TABLE {name} {columns} {form} LOCATION 's3://data/{name}/'")
    return athena


def size(athena: Athena, prefix: str) -> int:
    found = athena.s3.list_objects_v2(Bucket="data", Prefix=prefix)["Contents"]
    return sum(item["Size"] for item in found)


def scanned(athena: Athena, sql: str) -> int:
    athena.run(sql)
    return athena.scanned


def make(athena: Athena, name: str, properties: str, columns: str = "*") -> None:
    location = f"external_location = 's3://data/{name}/'"
    athena.run(f"CREATE TABLE {name} WITH ({properties}, {location}) AS SELECT {columns} FROM plain")


@pytest.mark.claim("ATH-005", "ATH-514", "ATH-527", "ATH-537", "ATH-554")
def test_bytes_fall_from_csv_to_gzip_to_parquet_to_partitions(stored: Athena) -> None:
    make(stored, "columns", "format = 'PARQUET'")
    make(stored, "parted", "format = 'PARQUET', partitioned_by = ARRAY['day']", "id, name, note, day")
    query = "SELECT sum(id) FROM {} WHERE day = 'd03'"
    steps = [scanned(stored, query.format(name)) for name in ("plain", "zipped", "columns", "parted")]
    assert steps[0] == size(stored, "plain/")
    assert steps[1] == size(stored, "zipped/")
    assert steps[0] > steps[1] > steps[2] > steps[3] > 0
    whole = scanned(stored, "SELECT sum(id) FROM parted")
    assert steps[3] < 2 * whole / DAYS


@pytest.mark.claim("ATH-501")
def test_json_shrinks_as_parquet_and_orc(stored: Athena) -> None:
    for form in ("PARQUET", "ORC"):
        name = form.lower()
        place = f"external_location = 's3://data/{name}/'"
        stored.run(f"CREATE TABLE {name} WITH (format = '{form}', {place}) AS SELECT * FROM raw")
        assert size(stored, f"{name}/") < size(stored, "raw/") / 4
        assert stored.rows(f"SELECT count(*), sum(id) FROM {name}") == [[str(ROWS), str(ROWS * (ROWS - 1) // 2)]]


@pytest.mark.claim("ATH-016", "ATH-017", "ATH-546")
def test_snappy_and_lz4_are_larger_than_gzip_and_read_back_equal(stored: Athena) -> None:
    want = stored.rows("SELECT count(*), sum(id), count(DISTINCT name) FROM zipped")
    for codec in ("SNAPPY", "LZ4", "GZIP"):
        make(stored, codec.lower(), f"format = 'PARQUET', write_compression = '{codec}'")
        assert stored.rows(f"SELECT count(*), sum(id), count(DISTINCT name) FROM {codec.lower()}") == want
    assert size(stored, "snappy/") > size(stored, "gzip/")
    assert size(stored, "lz4/") > size(stored, "gzip/")


@pytest.mark.claim("ATH-531")
def test_csv_quoted_csv_json_and_parquet_give_the_same_rows(athena: Athena) -> None:
    athena.put("a/x.csv", b"1,x\n2,y\n")
    athena.put("b/x.csv", b'"1","x"\n"2","y"\n')
    athena.put("c/x.json", b'{"id": "1", "v": "x"}\n{"id": "2", "v": "y"}\n')
    serdes = {
        "a": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' WITH SERDEPROPERTIES ('field.delim' = ',",
        "b": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "c": "org.openx.data.jsonserde.JsonSerDe",
    }
    for name, serde in serdes.items():
        closing = "')" if "PROPERTIES" in serde else "'"
        athena.run(
            f"CREATE EXTERNAL TABLE {name} (id string, v string) ROW FORMAT SERDE '{serde}{closing}"
            f" LOCATION 's3://data/{name}/'"
        )
    athena.run("CREATE TABLE d AS SELECT * FROM a")
    answers = [athena.rows(f"SELECT * FROM {name} ORDER BY id") for name in ("a", "b", "c", "d")]
    assert answers == [[["1", "x"], ["2", "y"]]] * 4


@pytest.mark.claim("ATH-027")
def test_at_most_a_hundred_partitions_are_written_and_their_key_is_last(stored: Athena) -> None:
    make(stored, "parted", "partitioned_by = ARRAY['day']", "id, day")
    folders = {key.split("/")[1] for key in stored.keys("data", "parted/")}
    assert folders == {f"day=d{number:02}" for number in range(DAYS)}
    head = "CREATE TABLE wrong WITH (partitioned_by = ARRAY['day']) AS SELECT "
    assert stored.fails(head + "day, id FROM plain").startswith("HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be")
    many = head + "1 AS id, CAST(x AS varchar) AS day FROM UNNEST(sequence(1, 101)) AS u(x)"
    assert stored.fails(many).startswith("HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers")
