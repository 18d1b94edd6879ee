"""Iceberg destinations: what pyiceberg reads through the lake's own Glue and S3 is what was put."""

import base64
import datetime
import functools
import json
import sys
from collections import Counter
from decimal import Decimal

import pytest
from botocore.config import Config
from pyiceberg import types as t
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform

import pocketlake
from pocketlake import spawned

from .samples import BUCKET, ROLE, client, failures, objects, processing, processor, put, refusal

WHERE = "destinationId-000000000001"
CATALOG = "arn:aws:glue:us-east-1:000000000000:catalog"
PLAIN = Schema(
    t.NestedField(1, "id", t.LongType(), required=True),
    t.NestedField(2, "name", t.StringType()),
)


@functools.lru_cache(maxsize=8)
def catalog(lake):
    """A user's catalog: endpoint settings, nothing of ours."""
    keys = {"access-key-id": "test", "secret-access-key": "test", "region": "us-east-1"}
    return GlueCatalog(
        "lake",
        **{f"glue.{name}": value for name, value in keys.items()},
        **{f"s3.{name}": value for name, value in keys.items()},
        **{"glue.endpoint": lake.endpoint_url, "s3.endpoint": lake.endpoint_url},
    )


def table(lake, schema=PLAIN, name="t", **options):
    glue = catalog(lake)
    glue.create_namespace_if_not_exists("db")
    return glue.create_table(f"db.{name}", schema, location=f"s3://{BUCKET}/{name}", **options)


def rows(lake, name="t"):
    return catalog(lake).load_table(f"db.{name}").scan().to_arrow().to_pylist()


def ids(lake, name="t"):
    return Counter(row["id"] for row in rows(lake, name))


def to(*names, **keys):
    return [{"DestinationDatabaseName": "db", "DestinationTableName": name, **keys} for name in names]


def configuration(**options):
    return {
        "RoleARN": ROLE,
        "CatalogConfiguration": {"CatalogARN": CATALOG},
        "DestinationTableConfigurationList": to("t"),
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        "S3Configuration": {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{BUCKET}", "ErrorOutputPrefix": "bad/"},
        **options,
    }


def create(lake, name="d", **options):
    firehose = client(lake, "firehose")
    firehose.create_delivery_stream(DeliveryStreamName=name, IcebergDestinationConfiguration=configuration(**options))


def put_rows(lake, *found):
    put(lake, *[json.dumps(row).encode() for row in found])


def test_records_become_rows_that_pyiceberg_reads(bucket):
    table(bucket)
    create(bucket)
    put_rows(bucket, *[{"id": number % 50, "name": f"n{number}"} for number in range(100)])
    bucket.clock.advance(60)
    put_rows(bucket, {"id": 100})
    bucket.clock.advance(60)
    wanted = [(number % 50, f"n{number}") for number in range(100)] + [(100, None)]
    assert Counter((row["id"], row["name"]) for row in rows(bucket)) == Counter(wanted)
    found = catalog(bucket).load_table("db.t")
    assert len(found.snapshots()) == 2
    assert len({snapshot.summary["firehose.delivery"] for snapshot in found.snapshots()}) == 2
    glue = client(bucket, "glue").get_table(DatabaseName="db", Name="t")["Table"]
    assert glue["Parameters"]["metadata_location"] == found.metadata_location
    assert failures(bucket, "bad/") == []


def test_every_type_comes_through(bucket):
    inner = t.StructType(t.NestedField(20, "x", t.DoubleType()), t.NestedField(21, "y", t.BooleanType()))
    schema = Schema(
        t.NestedField(1, "i", t.IntegerType()),
        t.NestedField(2, "f", t.FloatType()),
        t.NestedField(3, "d", t.DecimalType(10, 2)),
        t.NestedField(4, "day", t.DateType()),
        t.NestedField(5, "at", t.TimestampType()),
        t.NestedField(6, "zoned", t.TimestamptzType()),
        t.NestedField(7, "clock", t.TimeType()),
        t.NestedField(8, "raw", t.BinaryType()),
        t.NestedField(9, "inner", inner),
        t.NestedField(10, "many", t.ListType(30, t.LongType(), element_required=False)),
        t.NestedField(11, "map", t.MapType(31, t.StringType(), 32, t.LongType())),
    )
    table(bucket, schema)
    create(bucket)
    moment = datetime.datetime(2024, 3, 5, 7, 8, 9, 123456)
    micros = (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
    plain = {"i": 1, "f": 0.5, "d": 12.34, "day": "2024-03-05", "at": micros, "zoned": micros, "clock": 1_000_000}
    nested = {"inner": {"x": 1, "y": True}, "many": [1, None], "map": {"a": 1}}
    put_rows(bucket, {**plain, **nested, "raw": base64.urlsafe_b64encode(b"\xff\xfe\x00").decode()}, {})
    bucket.clock.advance(60)
    assert failures(bucket, "bad/") == []
    found, empty = sorted(rows(bucket), key=lambda row: row["i"] is None)
    assert set(empty.values()) == {None}
    assert found == {
        "i": 1,
        "f": 0.5,
        "d": Decimal("12.34"),
        "day": datetime.date(2024, 3, 5),
        "at": moment,
        "zoned": moment.replace(tzinfo=found["zoned"].tzinfo),
        "clock": datetime.time(0, 0, 1),
        "raw": b"\xff\xfe\x00",
        "inner": {"x": 1.0, "y": True},
        "many": [1, None],
        "map": [("a", 1)],
    }


def test_records_that_do_not_fit_fail_alone(bucket):
    table(bucket)
    create(bucket)
    wrong = {
        b"nonsense": "Iceberg.SchemaTypeMismatch",
        b"[1]": "Iceberg.SchemaTypeMismatch",
        b'{"id": "1"}': "Iceberg.SchemaTypeMismatch",
        b'{"id": 9223372036854775808}': "Iceberg.SchemaTypeMismatch",
        b'{"name": "n"}': "Iceberg.MissingColumnWithinRecord",
        b'{"id": 1, "ID": 2}': "Iceberg.MissingColumnWithinRecord",
    }
    put(bucket, b'{"id": 1}', *wrong, b'{"id": 2}')
    bucket.clock.advance(60)
    assert ids(bucket) == {1: 1, 2: 1}
    lines = failures(bucket, "bad/iceberg-failed/2013/05/06/07/")
    assert {base64.b64decode(line["rawData"]): line["errorCode"] for line in lines} == wrong
    assert {line["attemptsMade"] for line in lines} == {1}


def test_records_are_routed_by_what_jq_finds(bucket):
    table(bucket, name="a")
    table(bucket, name="b")
    schema = '{destinationDatabaseName: "db", destinationTableName: .name, operation: "insert"}'
    steps = processing(processor("MetadataExtraction", JsonParsingEngine="JQ-1.6", MetadataExtractionQuery=schema))
    create(bucket, DestinationTableConfigurationList=[], ProcessingConfiguration=steps)
    put_rows(bucket, {"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "a"}, {"id": 4, "name": "c"})
    bucket.clock.advance(60)
    assert (ids(bucket, "a"), ids(bucket, "b")) == ({1: 1, 3: 1}, {2: 1})
    (line,) = failures(bucket, "bad/iceberg-failed/")
    assert line["errorCode"] == "Iceberg.GlueTableNotFound"
    assert json.loads(base64.b64decode(line["rawData"]))["id"] == 4


KEYED = Schema(
    t.NestedField(1, "id", t.LongType(), required=True),
    t.NestedField(2, "name", t.StringType()),
    t.NestedField(3, "op", t.StringType()),
)
BY_OPERATION = processing(
    processor(
        "MetadataExtraction",
        JsonParsingEngine="JQ-1.6",
        MetadataExtractionQuery='{destinationDatabaseName: "db", destinationTableName: "t", operation: .op}',
    )
)


@pytest.mark.parametrize("keys", [{"UniqueKeys": ["id"]}, {"UniqueKeys": ["id", "name"]}, {}])
def test_updates_and_deletes_go_by_the_unique_keys(bucket, keys):
    schema = KEYED if keys else Schema(*KEYED.fields, identifier_field_ids=[1])
    table(bucket, schema)
    create(bucket, DestinationTableConfigurationList=to("t", **keys), ProcessingConfiguration=BY_OPERATION)
    put_rows(bucket, *[{"id": number, "name": "n", "op": "insert"} for number in (1, 2, 3, 3, 4)])
    bucket.clock.advance(60)
    put_rows(
        bucket,
        {"id": 1, "name": "n", "op": "update"},
        {"id": 2, "name": "n", "op": "delete"},
        {"id": 3, "name": "n", "op": "update"},
        {"id": 5, "name": "n", "op": "update"},
        {"id": 6, "name": "n", "op": "insert"},
        {"id": 6, "name": "n", "op": "delete"},
    )
    bucket.clock.advance(60)
    found = sorted((row["id"], row["op"]) for row in rows(bucket))
    assert found == [(1, "update"), (3, "update"), (4, "insert"), (5, "update")]
    assert failures(bucket, "bad/") == []


def test_an_operation_that_has_no_keys_or_no_meaning_fails(bucket):
    table(bucket, KEYED)
    create(bucket, ProcessingConfiguration=BY_OPERATION)
    put_rows(bucket, {"id": 1, "op": "update"}, {"id": 2, "op": "upsert"}, {"id": 3, "op": "INSERT"})
    bucket.clock.advance(60)
    assert ids(bucket) == {3: 1}
    codes = {
        json.loads(base64.b64decode(line["rawData"]))["id"]: line["errorCode"] for line in failures(bucket, "bad/")
    }
    assert codes == {1: "Iceberg.UniqueKeysNotFound", 2: "Iceberg.InvalidRoutingInformation"}


def test_records_that_nothing_routes_fail(bucket):
    create(bucket, DestinationTableConfigurationList=[])
    put_rows(bucket, {"id": 1})
    bucket.clock.advance(60)
    (line,) = failures(bucket, "bad/iceberg-failed/")
    assert line["errorCode"] == "Iceberg.InvalidRoutingInformation"


def test_append_only_streams_refuse_updates(bucket):
    table(bucket, KEYED)
    tables = to("t", UniqueKeys=["id"])
    create(bucket, AppendOnly=True, DestinationTableConfigurationList=tables, ProcessingConfiguration=BY_OPERATION)
    put_rows(bucket, {"id": 1, "op": "update"}, {"id": 2, "op": "insert"})
    bucket.clock.advance(60)
    assert ids(bucket) == {2: 1}
    assert len(failures(bucket, "bad/iceberg-failed/")) == 1


def test_partitioned_tables_are_written_by_partition(bucket):
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "name"))
    table(bucket, partition_spec=spec)
    create(bucket)
    put_rows(bucket, *[{"id": number, "name": "ab"[number % 2]} for number in range(10)])
    bucket.clock.advance(60)
    assert ids(bucket) == Counter(range(10))
    files = catalog(bucket).load_table("db.t").inspect.files()
    assert len(files) == 2


def test_a_commit_of_somebody_else_in_between_is_kept(bucket):
    table(bucket)
    create(bucket)
    put_rows(bucket, {"id": 1})
    import pyarrow as pa

    mine = pa.table({"id": pa.array([7], pa.int64()), "name": ["mine"]})
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string())])
    catalog(bucket).load_table("db.t").append(mine.cast(schema))
    bucket.clock.advance(60)
    assert ids(bucket) == {1: 1, 7: 1}


def test_streams_that_commit_at_the_same_time_lose_nothing_of_each_other(bucket):
    table(bucket)
    for name in "abc":
        create(bucket, name)
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        put(bucket, json.dumps({"id": number}).encode(), name=name)
    bucket.clock.advance(60)
    bucket.clock.advance(60)
    assert ids(bucket) == {1: 1, 2: 1, 3: 1}
    assert failures(bucket, "bad/") == []


def test_a_delivery_repeated_after_its_commit_adds_nothing(tmp_path):
    """The error bucket is missing: the commit is made, the delivery does not end and comes again after a restart."""
    with pocketlake.run(tmp_path) as lake:
        lake.clock.freeze("2013-05-06T07:08:09")
        client(lake, "s3").create_bucket(Bucket=BUCKET)
        table(lake)
        errors = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::errors"}
        create(lake, S3Configuration=errors)
        put(lake, b'{"id": 1}', b'{"id": 2}', b"nonsense")
        lake.clock.advance(61)
        assert ids(lake) == {1: 1, 2: 1}
        lake.clock.advance(61)
        put(lake, b'{"id": 3}')
    with pocketlake.run(tmp_path) as lake:
        client(lake, "s3").create_bucket(Bucket="errors")
        lake.clock.advance(400)
        assert ids(lake) == {1: 1, 2: 1, 3: 1}
        assert len(catalog(lake).load_table("db.t").snapshots()) == 2
        assert client(lake, "s3").list_objects_v2(Bucket="errors")["KeyCount"] == 1


def test_a_kill_in_the_middle_of_deliveries_neither_loses_nor_doubles_a_row(tmp_path):
    lake = spawned.start(tmp_path)
    try:
        client(lake, "s3").create_bucket(Bucket=BUCKET)
        table(lake)
        create(lake, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
        for number in range(12):
            put_rows(lake, *[{"id": 10 * number + each} for each in range(10)])
        lake.kill()
        lake = spawned.start(tmp_path)
        lake.clock.advance(600)
        found = catalog(lake).load_table("db.t")
        assert ids(lake) == Counter(range(120))
        marks = [snapshot.summary["firehose.delivery"] for snapshot in found.snapshots()]
        assert len(set(marks)) == len(marks)
    finally:
        lake.kill()


def test_what_can_not_be_committed_is_tried_until_the_duration_is_over(bucket):
    table(bucket)
    create(bucket, RetryOptions={"DurationInSeconds": 120})
    name = catalog(bucket).load_table("db.t").metadata_location
    key = name.removeprefix(f"s3://{BUCKET}/")
    s3 = client(bucket, "s3")
    metadata = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.delete_object(Bucket=BUCKET, Key=key)
    put_rows(bucket, {"id": 1})
    bucket.clock.advance(90)
    s3.put_object(Bucket=BUCKET, Key=key, Body=metadata)
    bucket.clock.advance(60)
    assert ids(bucket) == {1: 1}
    s3.delete_object(
        Bucket=BUCKET, Key=catalog(bucket).load_table("db.t").metadata_location.removeprefix(f"s3://{BUCKET}/")
    )
    put_rows(bucket, {"id": 2})
    bucket.clock.advance(3600)
    (line,) = failures(bucket, "bad/iceberg-failed/")
    assert base64.b64decode(line["rawData"]) == b'{"id": 2}'
    assert line["attemptsMade"] > 2


def test_describe_and_update(bucket):
    table(bucket)
    table(bucket, name="u")
    create(bucket)
    firehose = client(bucket, "firehose")
    where = {"DeliveryStreamName": "d", "DestinationId": WHERE, "CurrentDeliveryStreamVersionId": "1"}
    firehose.update_destination(
        IcebergDestinationUpdate={"DestinationTableConfigurationList": to("u", UniqueKeys=["id"])}, **where
    )
    put_rows(bucket, {"id": 1})
    bucket.clock.advance(60)
    assert (ids(bucket), ids(bucket, "u")) == ({}, {1: 1})
    described = firehose.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
    found = described["Destinations"][0]["IcebergDestinationDescription"]
    assert found.pop("S3DestinationDescription")["ErrorOutputPrefix"] == "bad/"
    assert found == {
        "RoleARN": ROLE,
        "CatalogConfiguration": {"CatalogARN": CATALOG},
        "DestinationTableConfigurationList": to("u", UniqueKeys=["id"]),
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        "RetryOptions": {"DurationInSeconds": 300},
        "S3BackupMode": "FailedDataOnly",
        "CloudWatchLoggingOptions": {"Enabled": False},
        "AppendOnly": False,
    }


def test_what_is_refused_at_creation(bucket):
    table(bucket)
    firehose = bucket.client("firehose", config=Config(parameter_validation=False))
    no_table = (
        f"Role {ROLE} is not authorized to perform: glue:GetTable for the given table or the table does not exist."
    )
    for code, options, words in (
        ("InvalidArgumentException", {"DestinationTableConfigurationList": to("missing")}, no_table),
        ("InvalidArgumentException", {"DestinationTableConfigurationList": to("t", "t")}, "one configuration only"),
        ("InvalidArgumentException", {"S3BackupMode": "AllData"}, "FailedDataOnly"),
        ("InvalidArgumentException", {"CatalogConfiguration": {}}, "CatalogConfiguration"),
        ("NotImplemented", {"SchemaEvolutionConfiguration": {"Enabled": True}}, "SchemaEvolutionConfiguration"),
        ("NotImplemented", {"TableCreationConfiguration": {"Enabled": True}}, "TableCreationConfiguration"),
        ("NotImplemented", {"CatalogConfiguration": {"CatalogARN": f"{CATALOG}/s3tablescatalog/b"}}, "S3 Tables"),
        (
            "NotImplemented",
            {"DestinationTableConfigurationList": to("t", S3ErrorOutputPrefix="x/")},
            "S3ErrorOutputPrefix",
        ),
        ("ValidationException", {"BufferingHints": {"SizeInMBs": 129}}, "less than or equal to 128"),
        ("ValidationException", {"RetryOptions": {"DurationInSeconds": 7201}}, "less than or equal to 7200"),
    ):
        given = configuration(**options)
        arguments = {"DeliveryStreamName": "d", "IcebergDestinationConfiguration": given}
        assert words in refusal(code, firehose.create_delivery_stream, **arguments), options
    assert not [key for key in objects(bucket) if "bad/" in key]


def test_without_pyiceberg_creation_says_what_to_install(bucket, monkeypatch):
    table(bucket)
    monkeypatch.setitem(sys.modules, "pyiceberg", None)  # as Python says that a package is not there
    assert "pip install 'pocketlake[iceberg]'" in refusal("NotImplemented", create, bucket)
