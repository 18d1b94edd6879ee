"""The reference tables: CSV files in S3, which a crawler finds and describes; the flights' partitions."""

from __future__ import annotations

from pocketlake.embedded import EmbeddedLake

from . import source
from .pipeline import BUCKET, DATABASE, TABLE
from .queries import ask

CRAWLER = "reference-tables"
CLASSIFIER = "csv-with-header"
CRAWL_STEP_SECONDS = 60
CRAWL_STEPS = 60


class CrawlFailed(Exception):
    """The crawler did not find what was uploaded."""


def upload(lake: EmbeddedLake) -> int:
    """Put the CSV files as they came, a folder each; the bytes written."""
    s3 = lake.client("s3")
    written = 0
    for name in source.REFERENCE:
        content = source.reference(name)
        s3.put_object(Bucket=BUCKET, Key=f"reference/{name}/{name}.csv", Body=content)
        written += len(content)
    return written


def crawl(lake: EmbeddedLake) -> list[str]:
    """Let a crawler make tables of them; the tables' names.

    A crawler tells a header from data by its types, and the airlines are text throughout: as on AWS, a classifier that
    knows of the header is needed.
    """
    glue = lake.client("glue")
    glue.create_classifier(CsvClassifier={"Name": CLASSIFIER, "Delimiter": ",", "ContainsHeader": "PRESENT"})
    glue.create_crawler(
        Name=CRAWLER,
        Role="flights-pipeline",
        DatabaseName=DATABASE,
        Classifiers=[CLASSIFIER],
        Targets={"S3Targets": [{"Path": f"s3://{BUCKET}/reference/"}]},
    )
    glue.start_crawler(Name=CRAWLER)
    for _ in range(CRAWL_STEPS):
        crawler = glue.get_crawler(Name=CRAWLER)["Crawler"]
        if crawler["State"] == "READY" and "LastCrawl" in crawler:
            break
        lake.clock.advance(seconds=CRAWL_STEP_SECONDS)
    if crawler.get("LastCrawl", {}).get("Status") != "SUCCEEDED":
        raise CrawlFailed(f"the crawler ended with {crawler.get('LastCrawl') or crawler['State']}")
    tables = [
        t["Name"]
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=DATABASE)
        for t in page["TableList"]
    ]
    found = sorted(set(tables) - {TABLE})
    if found != sorted(source.REFERENCE):
        raise CrawlFailed(f"the crawler made {found}, expected {sorted(source.REFERENCE)}")
    return found


def register_partitions(lake: EmbeddedLake) -> int:
    """MSCK REPAIR TABLE finds the days that Firehose has written; how many there are."""
    ask(lake, f"MSCK REPAIR TABLE {TABLE}")
    pages = lake.client("glue").get_paginator("get_partitions").paginate(DatabaseName=DATABASE, TableName=TABLE)
    return sum(len(page["Partitions"]) for page in pages)
