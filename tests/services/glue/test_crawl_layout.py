"""How folders become tables and partitions, over plain paths."""

import pytest

from pocketlake.engines.formats.hive_types import Field, Primitive
from pocketlake.engines.formats.infer import Finding
from pocketlake.services.glue.crawl_layout import exclusion, table_name, tables_of


def data(columns: str, kind: str = "json") -> Finding:
    fields = tuple(Field(name, Primitive("int")) for name in columns)
    return Finding(kind, fields, serde=kind, size=1, records=1)


A, B, PARQUET, UNKNOWN = data("abc"), data("xyz"), data("abc", "parquet"), Finding("UNKNOWN")


def shape(root: str, files: dict[str, Finding], level: int = 0) -> dict[str, tuple[list[str], list[tuple[str, ...]]]]:
    return {
        table.place: (list(table.keys), [partition.values for partition in table.partitions])
        for table in tables_of(root, files.items(), level)
    }


def test_a_folder_of_files_is_a_table() -> None:
    assert shape("t/", {"t/1.json": A, "t/2.json": A}) == {"t/": ([], [])}


def test_hive_folders_are_partitions() -> None:
    files = {"t/year=2023/month=1/f": A, "t/year=2023/month=2/f": A, "t/year=2024/month=1/f": A}
    keys = [("2023", "1"), ("2023", "2"), ("2024", "1")]
    assert shape("t/", files) == {"t/": (["year", "month"], keys)}


def test_plain_folders_get_numbered_keys() -> None:
    files = {"2024/03/05/dev1/x.json": A, "2024/03/06/dev2/x.json": A}
    keys = [("2024", "03", "05", "dev1"), ("2024", "03", "06", "dev2")]
    assert shape("", files) == {"": (["partition_0", "partition_1", "partition_2", "partition_3"], keys)}


def test_mixed_names_keep_what_names_they_have() -> None:
    assert shape("t/", {"t/eu/day=1/f": A, "t/us/day=1/f": A}) == {
        "t/": (["partition_0", "day"], [("eu", "1"), ("us", "1")])
    }


def test_folders_of_other_data_are_tables_of_their_own() -> None:
    files = {"d/a/1": A, "d/b/1": B, "d/c/p=1/f": A, "d/c/p=2/f": A}
    assert shape("d/", files) == {"d/a/": ([], []), "d/b/": ([], []), "d/c/": (["p"], [("1",), ("2",)])}


def test_formats_do_not_mix() -> None:
    assert set(shape("d/", {"d/a/1": A, "d/b/1": PARQUET})) == {"d/a/", "d/b/"}


def test_files_that_differ_in_one_folder_are_tables_each() -> None:
    assert set(shape("d/", {"d/a.csv": A, "d/b.csv": B})) == {"d/a.csv", "d/b.csv"}


def test_files_beside_folders_stay_apart() -> None:
    assert set(shape("d/", {"d/readme": B, "d/p=1/f": A})) == {"d/readme", "d/p=1/"}


def test_what_nobody_can_read_does_not_spoil_what_somebody_can() -> None:
    assert shape("t/", {"t/1.json": A, "t/notes": UNKNOWN}) == {"t/": ([], [])}


def test_different_depths_are_different_tables() -> None:
    assert set(shape("d/", {"d/a/f": A, "d/b/c/f": A})) == {"d/a/", "d/b/"}


def test_a_given_level_forces_tables_there() -> None:
    files = {"d/a/x=1/f": A, "d/a/x=2/f": B, "d/b/x=1/f": A}
    assert shape("", files, 3) == {"d/a/": (["x"], [("1",), ("2",)]), "d/b/": (["x"], [("1",)])}


def test_values_are_decoded() -> None:
    assert shape("t/", {"t/day=a%3Ab/f": A}) == {"t/": (["day"], [("a:b",)])}


NAMES = [
    ("bucket-1", "", "bucket_1"),
    ("b", "x/My-Data.2/", "my_data_2"),
    ("b", "x/a.csv", "a_csv"),
]


@pytest.mark.parametrize(("bucket", "place", "name"), NAMES)
def test_tables_are_named_after_the_last_folder(bucket: str, place: str, name: str) -> None:
    assert table_name(bucket, place, "p_") == f"p_{name}"


PATTERNS = [
    ("*.csv", "a.csv", True),
    ("*.csv", "x/a.csv", False),
    ("**.csv", "x/y/a.csv", True),
    ("**/tmp/**", "x/tmp/y/z", True),
    ("a?.{csv,json}", "a1.json", True),
    ("a?.{csv,json}", "a1.xml", False),
    ("[a-c]*", "bx", True),
    ("[!a-c]*", "bx", False),
    ("a.c", "abc", False),
]


@pytest.mark.parametrize(("pattern", "path", "matches"), PATTERNS)
def test_exclusions(pattern: str, path: str, matches: bool) -> None:
    assert (exclusion(pattern).fullmatch(path) is not None) is matches
