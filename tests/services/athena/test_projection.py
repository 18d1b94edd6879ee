"""Partition projection: enum, integer, date and injected keys, where they point, and what is wrong with a table."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from .conftest import Athena

HEAD = "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"


def make(athena: Athena, name: str, keys: str, **properties: str) -> None:
    listed = {"projection.enabled": "true"} | {key.replace("__", "."): value for key, value in properties.items()}
    given = ", ".join(f"'{key}'='{value}'" for key, value in listed.items())
    athena.run(
        f"CREATE EXTERNAL TABLE {name} (id int) PARTITIONED BY ({keys}) {HEAD} LOCATION 's3://data/{name}/'"
        f" TBLPROPERTIES ({given})"
    )


def ids(athena: Athena, sql: str) -> list[Any]:
    return sorted(row[0] or "" for row in athena.rows(sql))


@pytest.mark.claim("ATH-033", "ATH-034")
def test_enum_and_integer_keys(athena: Athena) -> None:
    for region, hour, number in (("us", "07", 1), ("us", "08", 2), ("eu", "07", 3), ("xx", "07", 9)):
        athena.put(f"e/region={region}/hour={hour}/a.csv", f"{number}\n".encode())
    make(
        athena, "e", "region string, hour string",
        projection__region__type="enum", projection__region__values="us,eu",
        projection__hour__type="integer", projection__hour__range="0,23", projection__hour__digits="2",
    )  # fmt: skip
    assert athena.rows("SELECT * FROM e ORDER BY id") == [["1", "us", "07"], ["2", "us", "08"], ["3", "eu", "07"]]
    assert ids(athena, "SELECT id FROM e WHERE hour = '07'") == ["1", "3"]
    assert ids(athena, "SELECT id FROM e WHERE region = 'eu' OR hour > '07'") == ["2", "3"]
    assert ids(athena, "SELECT id FROM e WHERE region = 'xx'") == []
    assert athena.glue.get_partitions(DatabaseName="db", TableName="e")["Partitions"] == []


@pytest.mark.claim("ATH-034")
def test_a_range_of_a_billion_is_asked_for_one_value(athena: Athena) -> None:
    athena.put("wide/n=123456789/a.csv", b"1\n")
    make(
        athena, "wide", "n bigint",
        projection__n__type="integer", projection__n__range="0,999999999999", projection__n__interval="3",
    )  # fmt: skip
    assert athena.rows("SELECT * FROM wide WHERE n = 123456789") == [["1", "123456789"]]
    assert athena.rows("SELECT * FROM wide WHERE n IN (123456790, -3)") == []
    assert athena.fails("SELECT * FROM wide").startswith("INVALID_TABLE_PROPERTY: Partition projection yields more")


DATES: list[tuple[str, dict[str, str], str, str, list[str]]] = [
    ("yyyy-MM-dd", {"range": "2024-01-30,2024-03-02"}, "2024-02-29", "2024-03-03", ["1"]),
    ("yyyy/MM", {"range": "2024/01,2024/12"}, "2024/12", "2025/01", ["1"]),
    ("yyyyMMddHH", {"range": "2024010100,2024010323", "interval.unit": "HOURS"}, "2024010214", "2024010400", ["1"]),
    ("yyyy-M-d", {"range": "2024-1-1,2024-12-31", "interval": "7"}, "2024-1-8", "2024-1-9", ["1"]),
    ("yyyy", {"range": "2020,2030", "interval.unit": "YEARS"}, "2025", "2031", ["1"]),
    ("''yy'w'", {"range": "''20w,''30w", "interval.unit": "YEARS"}, "''25w", "''31w", ["1"]),
]


@pytest.mark.claim("ATH-033")
@pytest.mark.parametrize(("form", "options", "inside", "outside", "want"), DATES, ids=[case[0] for case in DATES])
def test_date_keys(
    athena: Athena, form: str, options: dict[str, str], inside: str, outside: str, want: list[str]
) -> None:
    for value, number in ((inside, 1), (outside, 2)):
        athena.put(f"d/{value.replace(chr(39) * 2, chr(39))}/a.csv", f"{number}\n".encode())
    given = {f"projection.dt.{name}": value for name, value in options.items()}
    make(
        athena, "d", "dt string",
        **{"projection.dt.type": "date", "projection.dt.format": form.replace("''", "''''").replace("'w'", "''w''"),
           "storage.location.template": "s3://data/d/${dt}/", **given},
    )  # fmt: skip
    assert ids(athena, "SELECT id FROM d") == want
    assert ids(athena, f"SELECT id FROM d WHERE dt = '{inside}'") == want


@pytest.mark.claim("ATH-033")
def test_a_range_up_to_now_follows_the_clock(athena: Athena) -> None:
    today = athena.lake.clock.now().astimezone(UTC)
    for offset, number in ((-8, 0), (-6, 1), (0, 2), (1, 3)):
        day = today + timedelta(days=offset)
        athena.put(f"live/dt={day:%Y-%m-%d}/a.csv", f"{number}\n".encode())
    make(
        athena, "live", "dt string", projection__dt__type="date", projection__dt__range="NOW-1WEEKS,NOW",
        projection__dt__format="yyyy-MM-dd",
    )  # fmt: skip
    assert ids(athena, "SELECT id FROM live") == ["1", "2"]
    athena.lake.clock.advance(days=2)
    assert ids(athena, "SELECT id FROM live") == ["2", "3"]


@pytest.mark.claim("ATH-033")
def test_an_injected_key_takes_its_values_from_the_query(athena: Athena) -> None:
    for device in ("a", "b", "c"):
        athena.put(f"dev/{device}/x.csv", f"{ord(device)}\n".encode())
    make(
        athena, "dev", "device string", projection__device__type="injected",
        storage__location__template="s3://data/dev/${device}",
    )  # fmt: skip
    assert athena.rows("SELECT * FROM dev WHERE device = 'b'") == [["98", "b"]]
    assert ids(athena, "SELECT id FROM dev WHERE device IN ('a', 'c')") == ["97", "99"]
    assert ids(athena, "SELECT id FROM dev WHERE device = 'a' OR 'b' = device") == ["97", "98"]
    athena.run("CREATE VIEW devices AS SELECT id, device AS d FROM dev")
    assert athena.rows("SELECT id FROM devices WHERE d = 'c'") == [["99"]]
    for sql in ("SELECT * FROM dev", "SELECT * FROM dev WHERE device > 'a'", "SELECT * FROM devices"):
        assert athena.fails(sql) == (
            "CONSTRAINT_VIOLATION: For the injected projected partition column device, the WHERE clause must contain"
            " only static equality conditions, and at least one such condition must be present."
        )


def test_what_is_wrong_with_a_projection_is_said(athena: Athena) -> None:
    make(athena, "half", "a string, b string", projection__a__type="enum", projection__a__values="x")
    assert athena.fails("SELECT * FROM half") == (
        "HIVE_METASTORE_ERROR: Table db.half is configured for partition projection, but the following partition"
        " columns are missing projection configuration: [b] (table db.half)"
    )
    make(athena, "hyphen", "n int", projection__n__type="integer", projection__n__range="1-9")
    assert athena.fails("SELECT * FROM hyphen").startswith('INVALID_TABLE_PROPERTY: For input string: "1-9"')


@pytest.mark.claim("ATH-022", "ATH-023")
def test_a_view_reads_only_the_partition_its_reader_asks_for(athena: Athena) -> None:
    athena.csv_table()
    athena.run("MSCK REPAIR TABLE logs")
    athena.run("CREATE VIEW recent AS WITH l AS (SELECT * FROM logs) SELECT id, day AS d FROM l")
    assert ids(athena, "SELECT id FROM recent WHERE d = '2'") == ["3"]
    assert athena.scanned == len(b"3,z\n")
