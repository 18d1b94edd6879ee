"""Records become objects: by time, by size, from a Kinesis stream, converted; each exactly once."""

import base64
import gzip
import io
import json
import os
import threading
import zipfile
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import pocketlake

from .samples import BUCKET, create, destination, objects, put, table


@pytest.mark.claim("KDF-001", "KDF-501", "KDF-507", "KDF-513", "KDF-525", "KDF-585")
def test_the_interval_delivers_one_object_of_all_records(bucket):
    create(bucket)
    put(bucket, b"a\n", b"b\n")
    bucket.clock.advance(30)
    put(bucket, b"c\n")
    bucket.clock.advance(29)
    assert objects(bucket) == {}
    bucket.clock.advance(1)
    ((key, body),) = objects(bucket).items()
    assert body == b"a\nb\nc\n"
    assert key.startswith("2013/05/06/07/d-1-2013-05-06-07-08-09-")
    bucket.clock.advance(hours=5)
    assert len(objects(bucket)) == 1


def test_a_full_buffer_is_delivered_at_once(bucket):
    create(bucket)
    for _ in range(3):
        put(bucket, b"x" * 500_000)
    bucket.clock.advance(0)
    assert [len(body) for body in objects(bucket).values()] == [1_500_000]


@pytest.mark.parametrize(
    ("compression", "open_"),
    [
        ("GZIP", gzip.decompress),
        ("ZIP", lambda body: zipfile.ZipFile(io.BytesIO(body)).read("records")),
        ("Snappy", lambda body: pa.decompress(body, 4, codec="snappy", asbytes=True)),
    ],
)
def test_objects_are_compressed_as_asked(bucket, compression, open_):
    create(bucket, CompressionFormat=compression)
    put(bucket, b"a\n", b"b\n")
    bucket.clock.advance(60)
    ((_, body),) = objects(bucket).items()
    assert open_(body) == b"a\nb\n"


@pytest.mark.claim("KDF-522", "KDF-544")
def test_a_kinesis_source_becomes_parquet_by_the_day_of_arrival(bucket):
    kinesis = bucket.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=2)
    kinesis.put_record(StreamName="s", Data=b"before", PartitionKey="0")
    bucket.clock.advance(1)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    prefix = "t/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
    create(bucket, source=arn, Prefix=prefix, **table(bucket))
    with pytest.raises(ClientError) as refused:
        put(bucket, b"direct")
    assert refused.value.response["Error"]["Code"] == "InvalidArgumentException"
    for day in range(3):
        records = [
            {"Data": json.dumps({"ID": day * 100 + n, "name": f"n{n}"}).encode(), "PartitionKey": str(n)}
            for n in range(100)
        ]
        kinesis.put_records(StreamName="s", Records=records)
        bucket.clock.advance(days=1)
    found = objects(bucket)
    assert sorted({key.rpartition("/")[0] for key in found}) == [f"t/year=2013/month=05/day=0{d}" for d in (6, 7, 8)]
    assert all(key.endswith(".parquet") for key in found)
    rows = [row for body in found.values() for row in pq.read_table(io.BytesIO(body)).to_pylist()]
    assert sorted(row["id"] for row in rows) == list(range(300))


@pytest.mark.claim("KDF-567")
def test_records_that_do_not_fit_come_out_in_the_documented_envelope(bucket):
    create(bucket, **table(bucket))
    put(bucket, b'{"id": 1}', b"nonsense", b'{"id": "x"}', b'{"id": 2}')
    bucket.clock.advance(60)
    (good,) = [body for key, body in objects(bucket).items() if key.endswith(".parquet")]
    assert pq.read_table(io.BytesIO(good)).column("id").to_pylist() == [1, 2]
    (bad,) = objects(bucket, "bad/format-conversion-failed/").values()
    lines = [json.loads(line) for line in bad.splitlines()]
    assert [base64.b64decode(line["rawData"]) for line in lines] == [b"nonsense", b'{"id": "x"}']
    assert lines[0]["lastErrorCode"].startswith("DataFormatConversion.")
    assert lines[0]["dataCatalogTable"]["tableName"] == "t"
    assert lines[0]["arrivalTimestamp"] == int(datetime(2013, 5, 6, 7, 8, 9, tzinfo=UTC).timestamp() * 1000)


def test_what_is_buffered_survives_a_restart(tmp_path):
    with pocketlake.run(tmp_path) as lake:
        lake.clock.freeze()
        lake.client("s3").create_bucket(Bucket=BUCKET)
        create(lake)
        put(lake, b"kept\n")
    with pocketlake.run(tmp_path) as lake:
        assert objects(lake) == {}
        lake.clock.advance(60)
        assert list(objects(lake).values()) == [b"kept\n"]


def test_a_missing_bucket_keeps_the_records_until_it_is_there(lake):
    lake.clock.freeze()
    create(lake)
    put(lake, b"waits\n")
    lake.clock.advance(90)
    lake.client("s3").create_bucket(Bucket=BUCKET)
    lake.clock.advance(600)
    assert list(objects(lake).values()) == [b"waits\n"]


def test_streams_are_described_listed_changed_tagged_and_deleted(bucket):
    firehose = bucket.client("firehose")
    arn = create(bucket, "a")
    create(bucket, "b")
    firehose.tag_delivery_stream(DeliveryStreamName="a", Tags=[{"Key": "k", "Value": "v"}])
    assert firehose.list_tags_for_delivery_stream(DeliveryStreamName="a")["Tags"] == [{"Key": "k", "Value": "v"}]
    page = firehose.list_delivery_streams(Limit=1)
    assert (page["DeliveryStreamNames"], page["HasMoreDeliveryStreams"]) == (["a"], True)
    described = firehose.describe_delivery_stream(DeliveryStreamName="a")["DeliveryStreamDescription"]
    assert (described["DeliveryStreamARN"], described["DeliveryStreamStatus"]) == (arn, "ACTIVE")
    where = described["Destinations"][0]["DestinationId"]
    update = {"DeliveryStreamName": "a", "DestinationId": where, "ExtendedS3DestinationUpdate": {"Prefix": "p/"}}
    firehose.update_destination(CurrentDeliveryStreamVersionId="1", **update)
    with pytest.raises(firehose.exceptions.ConcurrentModificationException):
        firehose.update_destination(CurrentDeliveryStreamVersionId="1", **update)
    firehose.delete_delivery_stream(DeliveryStreamName="a")
    with pytest.raises(firehose.exceptions.ResourceNotFoundException) as caught:
        firehose.put_record(DeliveryStreamName="a", Record={"Data": b"x"})
    assert caught.value.response["Error"]["Message"] == "Firehose a under account 000000000000 not found."


@pytest.mark.parametrize(
    "options",
    [
        {"Prefix": "!{timestamp:yyyy}/"},
        {"Prefix": "!{nonsense:x}/", "ErrorOutputPrefix": "e/"},
        {"Prefix": "!{firehose:error-output-type}/", "ErrorOutputPrefix": "e/"},
        {"CustomTimeZone": "Mars/Olympus"},
    ],
)
def test_a_prefix_that_firehose_would_refuse_is_refused(bucket, options):
    with pytest.raises(ClientError) as caught:
        create(bucket, **options)
    assert caught.value.response["Error"]["Code"] == "InvalidArgumentException"


def test_direct_puts_are_throttled_by_their_rate(bucket):
    create(bucket)
    firehose = bucket.client("firehose", config=Config(retries={"max_attempts": 0}))
    record = {"Data": b"x" * 1_000_000}
    for _ in range(5):
        firehose.put_record(DeliveryStreamName="d", Record=record)
    with pytest.raises(firehose.exceptions.ServiceUnavailableException):
        firehose.put_record(DeliveryStreamName="d", Record=record)
    bucket.clock.advance(1)
    firehose.put_record(DeliveryStreamName="d", Record=record)


@pytest.mark.claim("KDF-506", "KDF-523")
def test_a_record_holds_up_to_a_thousand_kib(bucket):
    create(bucket)
    firehose = bucket.client("firehose")
    firehose.put_record(DeliveryStreamName="d", Record={"Data": b"x" * 1_024_000})
    with pytest.raises(ClientError) as caught:
        firehose.put_record(DeliveryStreamName="d", Record={"Data": b"x" * 1_024_001})
    assert caught.value.response["Error"]["Code"] in ("ValidationException", "InvalidArgumentException")
    bucket.clock.advance(60)
    assert list(objects(bucket).values()) == [b"x" * 1_024_000]


@pytest.mark.claim("KDF-509", "KDF-510", "KDF-575", "KDF-577")
@pytest.mark.parametrize(
    ("size", "interval", "accepted"),
    [(1, 60, True), (128, 900, True), (5, 0, True), (0, 60, False), (129, 60, False), (5, 901, False), (5, -1, False)],
)
def test_buffers_have_bounds(bucket, size, interval, accepted):
    hints = {"SizeInMBs": size, "IntervalInSeconds": interval}
    client = bucket.client("firehose", config=Config(parameter_validation=False))
    arguments = {"DeliveryStreamName": "d", "ExtendedS3DestinationConfiguration": destination(BufferingHints=hints)}
    if accepted:
        client.create_delivery_stream(**arguments)
        described = client.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
        assert described["Destinations"][0]["ExtendedS3DestinationDescription"]["BufferingHints"] == hints
    else:
        with pytest.raises(ClientError) as caught:
            client.create_delivery_stream(**arguments)
        assert caught.value.response["Error"]["Code"] in ("ValidationException", "InvalidArgumentException")


@pytest.mark.claim("KDF-541", "KDF-542", "KDF-543")
def test_a_name_is_taken_once(bucket):
    create(bucket, Prefix="in/")
    description = bucket.client("firehose").describe_delivery_stream(DeliveryStreamName="d")
    (echoed,) = description["DeliveryStreamDescription"]["Destinations"]
    given = destination(Prefix="in/")
    assert {name: echoed["ExtendedS3DestinationDescription"][name] for name in given} == given
    answer = bucket.client("firehose").put_record(DeliveryStreamName="d", Record={"Data": b"x"})
    assert answer["RecordId"]
    assert answer["Encrypted"] is False
    with pytest.raises(ClientError) as caught:
        create(bucket)
    assert caught.value.response["Error"]["Code"] == "ResourceInUseException"
    bucket.clock.advance(60)
    assert all(key.startswith("in/2013/") for key in objects(bucket))


@pytest.mark.claim("KDF-538")
def test_a_trickle_is_delivered_once_an_interval(bucket):
    create(bucket, BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 120})
    for _ in range(36):
        put(bucket, b"x")
        bucket.clock.advance(10)
    assert [len(body) for body in objects(bucket).values()] == [12, 12, 12]


def test_what_arrives_during_a_delivery_waits_for_its_own_interval(bucket):
    """Else a stream under steady load would be cut into small objects, each as long as the delivery before it."""
    create(bucket, BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 60}, CompressionFormat="GZIP")
    put(bucket, *(os.urandom(1_000_000) for _ in range(4)))
    delivered = threading.Event()

    def keep_putting():
        while not delivered.is_set():
            put(bucket, b"late")

    producer = threading.Thread(target=keep_putting)
    producer.start()
    try:
        bucket.clock.advance(60)
    finally:
        delivered.set()
        producer.join()
    assert len(objects(bucket)) == 1
    put(bucket, b"last")
    bucket.clock.advance(60)
    assert len(objects(bucket)) == 2
    assert sum(len(gzip.decompress(body)) for body in objects(bucket).values()) % 4 == 0


@pytest.mark.claim("KDF-541", "KDF-563", "KDF-564")
def test_ten_thousand_records_of_a_kinesis_stream_land_in_the_bucket(bucket):
    kinesis = bucket.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=4)
    bucket.clock.advance(60.0007)  # a clock between two milliseconds: arrivals are rounded down
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    create(bucket, source=arn, Prefix="in/!{timestamp:yyyy}/", ErrorOutputPrefix="bad/")
    description = bucket.client("firehose").describe_delivery_stream(DeliveryStreamName="d")
    described = description["DeliveryStreamDescription"]
    s3 = described["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert described["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"] == arn
    assert (s3["BucketARN"], s3["Prefix"], s3["ErrorOutputPrefix"]) == (
        f"arn:aws:s3:::{BUCKET}",
        "in/!{timestamp:yyyy}/",
        "bad/",
    )
    for start in range(0, 10_000, 500):
        records = [{"Data": b"%d\n" % n, "PartitionKey": str(n)} for n in range(start, start + 500)]
        assert kinesis.put_records(StreamName="s", Records=records)["FailedRecordCount"] == 0
        if start:
            bucket.clock.advance(1)
    bucket.clock.advance(120)
    lines = [int(line) for body in objects(bucket, "in/2013/").values() for line in body.splitlines()]
    assert sorted(lines) == list(range(10_000))


@pytest.mark.claim("KDF-568")
def test_the_same_json_becomes_parquet_and_orc(bucket):
    options = table(bucket)
    create(bucket, "parquet", **options)
    options["DataFormatConversionConfiguration"]["OutputFormatConfiguration"] = {"Serializer": {"OrcSerDe": {}}}
    create(bucket, "orc", **options)
    for name in ("parquet", "orc"):
        put(bucket, b'{"id": 1, "name": "a"}', b'{"id": 2, "name": null}', name=name)
    bucket.clock.advance(60)
    bodies = {key.rpartition(".")[2]: io.BytesIO(body) for key, body in objects(bucket).items()}
    assert pq.read_table(bodies["parquet"]).to_pylist() == orc.read_table(bodies["orc"]).to_pylist()


@pytest.mark.claim("KDF-574")
def test_new_hints_hold_for_what_is_buffered_and_what_comes(bucket):
    create(bucket, BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 900})
    put(bucket, b"a")
    bucket.client("firehose").update_destination(
        DeliveryStreamName="d",
        CurrentDeliveryStreamVersionId="1",
        DestinationId="destinationId-000000000001",
        ExtendedS3DestinationUpdate={"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}},
    )
    bucket.clock.advance(60)
    assert list(objects(bucket).values()) == [b"a"]
    put(bucket, b"b" * 1_000_000)
    put(bucket, b"b" * 1_000_000)
    bucket.clock.advance(0)
    assert sorted(map(len, objects(bucket).values())) == [1, 2_000_000]


def test_an_unbuilt_source_says_so_at_creation(bucket):
    with pytest.raises(ClientError) as caught:
        bucket.client("firehose").create_delivery_stream(
            DeliveryStreamName="d",
            DeliveryStreamType="MSKAsSource",
            ExtendedS3DestinationConfiguration=destination(),
        )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
