"""Which service a request is for, by signature scope, target header, host, query action, and path."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from pocketlake.gateway.message import Request

# Signing names that differ from boto3's name of the service.
SIGNING_NAMES = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "email": "ses",
    "elasticmapreduce": "emr",
    "airflow": "mwaa",
    "s3express": "s3",
    "s3-object-lambda": "s3",
    "aps": "amp",
    "tagging": "resourcegroupstaggingapi",
}

# The part of X-Amz-Target before the dot; for requests without a signature, and services that share a signing name.
TARGET_PREFIXES = {
    "Kinesis_20131202": "kinesis",
    "Firehose_20150804": "firehose",
    "AWSGlue": "glue",
    "AmazonAthena": "athena",
    "AmazonSQS": "sqs",
    "DynamoDB_20120810": "dynamodb",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "AmazonDAXV3": "dax",
    "AnyScaleFrontendService": "application-autoscaling",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
    "AmazonSSM": "ssm",
    "Logs_20140328": "logs",
    "GraniteServiceVersion20100801": "cloudwatch",
    "AWSEvents": "events",
    "AWSStepFunctions": "stepfunctions",
    "RedshiftData": "redshift-data",
    "RedshiftServerless": "redshift-serverless",
    "ElasticMapReduce": "emr",
    "AWSLakeFormation": "lakeformation",
    "AmazonDMSv20160101": "dms",
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101": "cloudtrail",
    "CloudTrail_20131101": "cloudtrail",
    "KinesisAnalytics_20180523": "kinesisanalyticsv2",
    "DataPipeline": "datapipeline",
    "FmrsService": "datasync",
    "TransferService": "transfer",
    "SageMaker": "sagemaker",
    "ResourceGroupsTaggingAPI_20170126": "resourcegroupstaggingapi",
}

# Query services name no service in their body, but their API's version.
QUERY_VERSIONS = {
    "2011-06-15": "sts",
    "2010-05-08": "iam",
    "2010-03-31": "sns",
    "2012-11-05": "sqs",
    "2010-08-01": "cloudwatch",
}

S3_HOST = re.compile(r"^(?:(?P<bucket>.+)\.)?s3[.-](?:[a-z0-9-]+\.)*(?:localhost|amazonaws\.com|localstack\.cloud)$")
PORT = re.compile(r":\d+$")
LONGEST_HOST = 261  # a domain name and a port
# Links in messages to people and servers, which carry neither a signature nor an API's version.
LINKS = {"ConfirmSubscription": "sns", "Unsubscribe": "sns"}
LINK = re.compile(r"/\?(?:[^#]*&)?Action=([A-Za-z]+)(?:&|$)")


class Bucket(NamedTuple):
    """A virtual-hosted bucket and the path-style target that means the same."""

    name: str
    target: str


def service_of(request: Request, scope: str) -> str:
    """boto3's name of the service; `scope` is the service in the signature's credential scope, or empty."""
    prefix, dot, _ = request.headers.get("x-amz-target", "").rpartition(".")
    if dot and (named := TARGET_PREFIXES.get(prefix)):
        return named
    if scope:
        return SIGNING_NAMES.get(scope, scope)
    if request.target.startswith("/service/") and "smithy-protocol" in request.headers:
        named = request.target.split("/")[2]
        return TARGET_PREFIXES.get(named, named.lower())
    if (version := _query_version(request)) in QUERY_VERSIONS:
        return QUERY_VERSIONS[version]
    if request.method == "GET" and (link := LINK.match(request.target)) and link[1] in LINKS:
        return LINKS[link[1]]
    return "s3"


def _query_version(request: Request) -> str:
    if isinstance(request.body, bytes) and request.headers.get("content-type", "").startswith(
        "application/x-www-form-urlencoded"
    ):
        text = request.body[:100_000].decode("latin-1")
    else:
        text = request.target.partition("?")[2]
    if "Action=" not in text:
        return ""
    found = re.search(r"(?:^|&)Version=([0-9-]+)", text)
    return found[1] if found else ""


def virtual_bucket(request: Request) -> Bucket | None:
    """The bucket in the Host header: `bucket.s3.localhost:4566`, `bucket.s3.us-east-1.amazonaws.com`,
    `bucket.localhost`."""
    host = request.headers.get("host", "")
    name = _bucket_of(host) if len(host) <= LONGEST_HOST else ""
    if not name:
        return None
    return Bucket(name, f"/{name}{request.target}" if request.target.startswith("/") else request.target)


@lru_cache(maxsize=1024)
def _bucket_of(host: str) -> str:
    host = PORT.sub("", host.lower())
    found = S3_HOST.match(host)
    if found is not None:
        return found["bucket"] or ""
    return host.removesuffix(".localhost") if host.endswith(".localhost") else ""


def is_aws_service(name: str) -> bool:
    """Whether AWS has a service of this boto3 name (so that a 501 can name it)."""
    import botocore

    return name.replace("-", "").isalnum() and (Path(botocore.__file__).parent / "data" / name).is_dir()


def split_target(target: str) -> tuple[str, str]:
    """Path and query as received. An absolute-form target loses its scheme and host."""
    if not target.startswith("/") and "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("?")
    return path or "/", query


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Decoded names and values in order; a name without "=" has the value ""."""
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote(name.replace("+", " ")), unquote(value.replace("+", " "))))
    return pairs
