"""Clicks into Kinesis, through Firehose as gzipped JSON into S3, found by a crawler, asked about in Athena.

    python examples/clicks_to_athena.py

It brings its own lake for as long as it runs. Only `lake.clock.advance` is not AWS: it stands for waiting.
"""

import json
import time

import pocketlake

BUCKET = "clicks-lake"
PAGES = ("home", "search", "basket")


def main() -> None:
    with pocketlake.run() as lake:
        lake.client("s3").create_bucket(Bucket=BUCKET)
        build_stream(lake)
        put_clicks(lake, 300)
        lake.clock.advance(minutes=5)  # the buffer's interval
        crawl(lake)
        for page, clicks in ask(lake, "SELECT page, count(*) FROM clicks GROUP BY page ORDER BY page"):
            print(f"{page:10} {clicks}")


def build_stream(lake: pocketlake.EmbeddedLake) -> None:
    kinesis, firehose = lake.client("kinesis"), lake.client("firehose")
    kinesis.create_stream(StreamName="clicks", ShardCount=2)
    stream = kinesis.describe_stream_summary(StreamName="clicks")["StreamDescriptionSummary"]["StreamARN"]
    role = "arn:aws:iam::000000000000:role/firehose"
    firehose.create_delivery_stream(
        DeliveryStreamName="clicks-to-s3",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream, "RoleARN": role},
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "Prefix": "clicks/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 120},
            "CompressionFormat": "GZIP",
        },
    )


def put_clicks(lake: pocketlake.EmbeddedLake, count: int) -> None:
    clicks = [{"id": n, "user": f"user-{n % 17}", "page": PAGES[n % len(PAGES)]} for n in range(count)]
    records = [{"Data": json.dumps(click).encode() + b"\n", "PartitionKey": str(click["user"])} for click in clicks]
    answer = lake.client("kinesis").put_records(StreamName="clicks", Records=records)
    assert answer["FailedRecordCount"] == 0


def crawl(lake: pocketlake.EmbeddedLake) -> None:
    glue = lake.client("glue")
    glue.create_database(DatabaseInput={"Name": "web"})
    glue.create_crawler(
        Name="clicks", Role="crawler", DatabaseName="web", Targets={"S3Targets": [{"Path": f"s3://{BUCKET}/clicks/"}]}
    )
    glue.start_crawler(Name="clicks")
    while glue.get_crawler(Name="clicks")["Crawler"]["State"] != "READY":
        lake.clock.advance(minutes=1)


def ask(lake: pocketlake.EmbeddedLake, sql: str) -> list[list[str]]:
    athena = lake.client("athena")
    query = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": "web"},
        ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"},
    )["QueryExecutionId"]
    while (status := athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"])["State"] in (
        "QUEUED",
        "RUNNING",
    ):
        time.sleep(0.01)
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    return [[cell["VarCharValue"] for cell in row["Data"]] for row in rows[1:]]


if __name__ == "__main__":
    main()
