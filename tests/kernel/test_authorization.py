"""What calls must be permitted: every operation declares it, and real requests come out as the actions and ARNs of AWS.

authorization_reference.json has the actions, resource types and ARNs of AWS's Service Authorization Reference.
"""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pocketlake.services
from pocketlake.embedded import run
from pocketlake.gateway.model import load, python_name
from pocketlake.kernel import access
from pocketlake.kernel.authorization import ANY, MEMBER, members, rules_of

REFERENCE = json.loads(Path(__file__).with_name("authorization_reference.json").read_text())
SERVICES = sorted(
    one.name.replace("_", "-")
    for one in Path(pocketlake.services.__path__[0]).iterdir()
    if (one / "__init__.py").exists() and "service" in (one / "__init__.py").read_text()
)
ACCOUNT = "000000000000"
HERE = f"us-east-1:{ACCOUNT}"


# What AWS's own pages say elsewhere than in the reference's table: IAM user guide, "Pass session tags in AWS STS".
SAID_ELSEWHERE = {("sts", "get_federation_token")}


def authorization_of(name):
    return importlib.import_module(f"pocketlake.services.{name.replace('-', '_')}").service.authorization


def declared(name):
    """Operation, its shape in the model (None: it takes nothing, or only services call it), and what its rule names."""
    model = load(name)
    known = {python_name(one) for one in model.names()}
    for operation, rule in authorization_of(name).rules.items():
        for on in () if callable(rule) else rules_of(rule):
            yield operation, model.by_python_name(operation).input if operation in known else None, on


@pytest.mark.parametrize("name", SERVICES)
def test_every_operation_names_actions_that_aws_has(name):
    service = importlib.import_module(f"pocketlake.services.{name.replace('-', '_')}").service
    missing = service.operations.keys() - service.authorization.rules.keys()
    assert not missing, f"services/{name}/authorization.py does not say what these must be permitted"
    for operation, _, on in declared(name):
        prefix, _, action = service.authorization.action(operation, on).partition(":")
        assert action in REFERENCE[prefix]["actions"], f"{name} {operation}"


@pytest.mark.parametrize("name", SERVICES)
def test_templates_take_members_that_the_requests_have(name):
    for operation, shape, on in declared(name):
        if shape is None:
            continue
        paths = [] if callable(on.resource) else members(on.resource)
        for path in (*paths, *filter(None, (on.given, on.unless))):
            within = shape
            for member in path.split("."):
                assert member in within.members, f"{name} {operation}: {path}"
                within = within.members[member].shape


@pytest.mark.parametrize("name", SERVICES)
def test_templates_are_arns_of_the_types_that_the_action_knows(name):
    for operation, _, on in declared(name):
        if callable(on.resource) or (name, operation) in SAID_ELSEWHERE:
            continue
        prefix, _, action = authorization_of(name).action(operation, on).partition(":")
        types = REFERENCE[prefix]["actions"][action]
        for form in on.resource.split("|"):
            if form == ANY or form.startswith("{"):
                assert bool(types) == (form != ANY), f"{name} {operation}"
            else:
                concrete = MEMBER.sub(lambda found: "/" if found[1] == "Path" else "x", form)
                assert any(_pattern(prefix, one).fullmatch(concrete) for one in types), f"{name} {operation}"


def _pattern(prefix, resource_type):
    """An ARN of this type, as the reference writes it."""
    parts = re.split(r"\$\{\w+\}", REFERENCE[prefix]["resources"][resource_type])
    return re.compile("[^:]+".join(map(re.escape, parts)))


def test_nothing_is_loaded_before_it_is_asked_for():
    code = (
        "import sys, pocketlake.gateway.server, pocketlake.services.kinesis;"
        "print([name for name in sys.modules if 'authorization' in name])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# Real requests of boto3


@pytest.fixture(scope="module")
def needs_of():
    """`needs_of(service, operation, **request)`: what that call had to be permitted, whether it succeeded or not."""
    heard = []

    def listen(call, request):
        if call.request is not None:
            heard.extend(call.needs(request))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "authorise", listen)
        with run() as lake:

            def ask(service, operation, **request):
                client = lake.client(service)
                heard.clear()
                try:
                    ask.answer = getattr(client, operation)(**request)
                except client.exceptions.ClientError as error:
                    assert error.response["ResponseMetadata"]["HTTPStatusCode"] != 500, error
                return [tuple(need) for need in heard]

            ask.lake = lake
            yield ask


STREAM = f"arn:aws:kinesis:{HERE}:stream/s"
TABLE = f"arn:aws:dynamodb:{HERE}:table/t"
QUEUE = f"arn:aws:sqs:{HERE}:q"
TOPIC = f"arn:aws:sns:{HERE}:t"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
KEY = {"pk": {"S": "a"}}

REQUESTS = [
    # Firehose and Kinesis: by name, by ARN, and where the reference knows no resource.
    ("kinesis", "put_record", {"StreamName": "s", "Data": b"", "PartitionKey": "k"}, [("kinesis:PutRecord", STREAM)]),
    ("kinesis", "delete_stream", {"StreamARN": STREAM}, [("kinesis:DeleteStream", STREAM)]),
    ("kinesis", "list_streams", {}, [("kinesis:ListStreams", "*")]),
    (
        "kinesis",
        "create_stream",
        {"StreamName": "s", "ShardCount": 1, "Tags": {"a": "b"}},
        [("kinesis:CreateStream", STREAM), ("kinesis:AddTagsToStream", STREAM)],
    ),
    (
        "kinesis",
        "start_stream_encryption",
        {"StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
        [
            ("kinesis:StartStreamEncryption", STREAM),
            ("kinesis:StartStreamEncryption", f"arn:aws:kms:{HERE}:alias/aws/kinesis"),
        ],
    ),
    (
        "firehose",
        "create_delivery_stream",
        {
            "DeliveryStreamName": "d",
            "ExtendedS3DestinationConfiguration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::b"},
        },
        [
            ("firehose:CreateDeliveryStream", f"arn:aws:firehose:{HERE}:deliverystream/d"),
            ("iam:PassRole", ROLE),
        ],
    ),
    # SQS and SNS: batches by the action of their single form.
    (
        "sqs",
        "send_message_batch",
        {"QueueUrl": f"http://localhost/{ACCOUNT}/q", "Entries": [{"Id": "1", "MessageBody": "m"}]},
        [("sqs:SendMessage", QUEUE)],
    ),
    (
        "sqs",
        "start_message_move_task",
        {"SourceArn": QUEUE, "DestinationArn": QUEUE + "2"},
        [
            ("sqs:StartMessageMoveTask", QUEUE),
            ("sqs:ReceiveMessage", QUEUE),
            ("sqs:DeleteMessage", QUEUE),
            ("sqs:GetQueueAttributes", QUEUE),
            ("sqs:SendMessage", QUEUE + "2"),
        ],
    ),
    (
        "sns",
        "publish_batch",
        {"TopicArn": TOPIC, "PublishBatchRequestEntries": [{"Id": "1", "Message": "m"}]},
        [("sns:Publish", TOPIC)],
    ),
    ("sns", "publish", {"PhoneNumber": "+15550100", "Message": "m"}, [("sns:Publish", "+15550100")]),
    # DynamoDB: indexes, several tables, several actions.
    (
        "dynamodb",
        "query",
        {
            "TableName": "t",
            "IndexName": "idx",
            "KeyConditionExpression": "pk = :a",
            "ExpressionAttributeValues": {":a": {"S": ""}},
        },
        [("dynamodb:Query", f"{TABLE}/index/idx")],
    ),
    (
        "dynamodb",
        "batch_write_item",
        {"RequestItems": {"t": [{"PutRequest": {"Item": KEY}}], f"{TABLE}2": [{"PutRequest": {"Item": KEY}}]}},
        [("dynamodb:BatchWriteItem", TABLE), ("dynamodb:BatchWriteItem", f"{TABLE}2")],
    ),
    (
        "dynamodb",
        "transact_write_items",
        {
            "TransactItems": [
                {"Put": {"TableName": "t", "Item": KEY}},
                {"ConditionCheck": {"TableName": "t2", "Key": KEY, "ConditionExpression": "attribute_exists(pk)"}},
            ]
        },
        [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheckItem", f"{TABLE}2")],
    ),
    (
        "dynamodb",
        "batch_execute_statement",
        {
            "Statements": [
                {"Statement": 'SELECT * FROM "t"."idx" WHERE pk = ?', "Parameters": [{"S": "a"}]},
                {"Statement": "DELETE FROM t2 WHERE pk = 'a'"},
                {"Statement": "no statement"},
            ]
        },
        [("dynamodb:PartiQLSelect", f"{TABLE}/index/idx"), ("dynamodb:PartiQLDelete", f"{TABLE}2")],
    ),
    # S3: actions shared, actions of versions, and more for what is set along with an object.
    ("s3", "head_object", {"Bucket": "b", "Key": "k/{x}*"}, [("s3:GetObject", "arn:aws:s3:::b/k/{x}*")]),
    (
        "s3",
        "get_object_attributes",
        {"Bucket": "b", "Key": "k", "VersionId": "v", "ObjectAttributes": ["ETag"]},
        [("s3:GetObjectVersion", "arn:aws:s3:::b/k"), ("s3:GetObjectVersionAttributes", "arn:aws:s3:::b/k")],
    ),
    ("s3", "list_objects_v2", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
    ("s3", "list_buckets", {}, [("s3:ListAllMyBuckets", "*")]),
    (
        "s3",
        "put_object",
        {"Bucket": "b", "Key": "k", "Body": b"", "Tagging": "a=b"},
        [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:PutObjectTagging", "arn:aws:s3:::b/k")],
    ),
    (
        "s3",
        "copy_object",
        {"Bucket": "b", "Key": "k", "CopySource": {"Bucket": "c", "Key": "of/it ü", "VersionId": "v"}},
        [("s3:GetObjectVersion", "arn:aws:s3:::c/of/it ü"), ("s3:PutObject", "arn:aws:s3:::b/k")],
    ),
    (
        "s3",
        "delete_objects",
        {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}, {"Key": "l", "VersionId": "v"}]}},
        [("s3:DeleteObject", "arn:aws:s3:::b/k"), ("s3:DeleteObjectVersion", "arn:aws:s3:::b/l")],
    ),
    # IAM and STS: paths, who asks, and what nobody needs to be permitted.
    (
        "iam",
        "create_role",
        {"RoleName": "r", "Path": "/team/", "AssumeRolePolicyDocument": "{}"},
        [("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/team/r")],
    ),
    ("iam", "get_role", {"RoleName": "r"}, [("iam:GetRole", ROLE)]),
    ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "se"}, [("sts:AssumeRole", ROLE)]),
    ("sts", "get_caller_identity", {}, []),
    # Glue: what is in a database needs the database and the catalog.
    (
        "glue",
        "batch_delete_table",
        {"DatabaseName": "d", "TablesToDelete": ["t", "u"]},
        [
            ("glue:BatchDeleteTable", f"arn:aws:glue:{HERE}:catalog"),
            ("glue:BatchDeleteTable", f"arn:aws:glue:{HERE}:database/d"),
            ("glue:BatchDeleteTable", f"arn:aws:glue:{HERE}:table/d/t"),
            ("glue:BatchDeleteTable", f"arn:aws:glue:{HERE}:table/d/u"),
        ],
    ),
    (
        "glue",
        "create_table",
        {"DatabaseName": "d", "TableInput": {"Name": "t"}},
        [
            ("glue:CreateTable", f"arn:aws:glue:{HERE}:catalog"),
            ("glue:CreateTable", f"arn:aws:glue:{HERE}:database/d"),
            ("glue:CreateTable", f"arn:aws:glue:{HERE}:table/d/t"),
        ],
    ),
    # Athena: what is not said is the primary workgroup.
    (
        "athena",
        "start_query_execution",
        {"QueryString": "SELECT 1"},
        [("athena:StartQueryExecution", f"arn:aws:athena:{HERE}:workgroup/primary")],
    ),
]


@pytest.mark.parametrize(
    ("service", "operation", "request_", "needed"), REQUESTS, ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_request_needs(needs_of, service, operation, request_, needed):
    assert needs_of(service, operation, **request_) == needed


def test_an_iterator_and_a_page_know_their_stream(needs_of):
    needs_of("kinesis", "create_stream", StreamName="known", ShardCount=2)
    needs_of.lake.clock.advance(5)
    stream = f"arn:aws:kinesis:{HERE}:stream/known"
    shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST"}
    needs_of("kinesis", "get_shard_iterator", StreamName="known", **shard)
    iterator = needs_of.answer["ShardIterator"]
    assert needs_of("kinesis", "get_records", ShardIterator=iterator) == [("kinesis:GetRecords", stream)]
    needs_of("kinesis", "list_shards", StreamName="known", MaxResults=1)
    token = needs_of.answer["NextToken"]
    assert needs_of("kinesis", "list_shards", NextToken=token) == [("kinesis:ListShards", stream)]


def test_a_consumer_is_needed_by_its_own_arn(needs_of):
    needs_of("kinesis", "create_stream", StreamName="fanned", ShardCount=1)
    needs_of.lake.clock.advance(5)
    stream = f"arn:aws:kinesis:{HERE}:stream/fanned"
    needed = needs_of("kinesis", "register_stream_consumer", StreamARN=stream, ConsumerName="c")
    assert needed == [("kinesis:RegisterStreamConsumer", stream)]
    consumer = needs_of.answer["Consumer"]["ConsumerARN"]
    by_name = needs_of("kinesis", "describe_stream_consumer", StreamARN=stream, ConsumerName="c")
    by_arn = needs_of("kinesis", "describe_stream_consumer", ConsumerARN=consumer)
    assert by_name == by_arn == [("kinesis:DescribeStreamConsumer", consumer)]


def test_a_saved_query_is_needed_by_its_workgroup(needs_of):
    needs_of("athena", "create_work_group", Name="team")
    needs_of("athena", "create_named_query", Name="n", Database="d", QueryString="SELECT 1", WorkGroup="team")
    found = needs_of("athena", "get_named_query", NamedQueryId=needs_of.answer["NamedQueryId"])
    assert found == [("athena:GetNamedQuery", f"arn:aws:athena:{HERE}:workgroup/team")]


def test_an_entity_is_needed_by_its_path(needs_of):
    needs_of("iam", "create_user", UserName="Ann", Path="/team/")
    assert needs_of("iam", "delete_user", UserName="ann") == [
        ("iam:DeleteUser", f"arn:aws:iam::{ACCOUNT}:user/team/Ann")
    ]
