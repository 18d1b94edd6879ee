"""ARNs: every resource has one of its own, in the form of its service, and calls take it for the name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .samples import TRUST, refused

ACCOUNT = "000000000000"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def made(lake: Any, name: str) -> dict[str, str]:
    """One resource of each kind that has an ARN, all of the same name: kind -> ARN as the service tells it."""
    iam, s3, kinesis, firehose = (lake.client(service) for service in ("iam", "s3", "kinesis", "firehose"))
    arns = {"bucket": s3.create_bucket(Bucket=name)["BucketArn"]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    arns |= {"role": role, "user": iam.create_user(UserName=name)["User"]["Arn"]}
    arns["group"] = iam.create_group(GroupName=name)["Group"]["Arn"]
    arns["policy"] = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(POLICY))["Policy"]["Arn"]
    arns["profile"] = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arns["stream"] = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    destination = {"RoleARN": role, "BucketARN": arns["bucket"]}
    arns["delivery"] = firehose.create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination
    )["DeliveryStreamARN"]
    return arns


@pytest.mark.claim("IAM-002")
def test_each_resource_has_an_arn_of_its_own_that_calls_take_for_its_name(lake: Any) -> None:
    first, second = made(lake, "first"), made(lake, "second")
    arns = [*first.values(), *second.values()]
    assert len(set(arns)) == len(arns) == 16
    kinesis, iam, firehose = (lake.client(service) for service in ("kinesis", "iam", "firehose"))
    summary = kinesis.describe_stream_summary(StreamARN=second["stream"])["StreamDescriptionSummary"]
    assert summary["StreamName"] == "second"
    assert iam.get_policy(PolicyArn=second["policy"])["Policy"]["PolicyName"] == "second"
    iam.attach_role_policy(RoleName="first", PolicyArn=second["policy"])
    attached = iam.list_attached_role_policies(RoleName="first")["AttachedPolicies"]
    assert attached == [{"PolicyName": "second", "PolicyArn": second["policy"]}]
    session = lake.client("sts").assume_role(RoleArn=second["role"], RoleSessionName="s1")
    assert session["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/second/s1"
    shown = firehose.describe_delivery_stream(DeliveryStreamName="first")["DeliveryStreamDescription"]
    assert shown["Destinations"][0]["ExtendedS3DestinationDescription"]["BucketARN"] == first["bucket"]
    with refused("ResourceNotFoundException"):
        kinesis.describe_stream_summary(StreamARN=first["stream"].replace("first", "third"))


@pytest.mark.claim("IAM-003")
def test_the_name_alone_ends_the_arn_of_a_bucket_which_is_of_no_region_and_no_account(lake: Any) -> None:
    arn = lake.client("s3").create_bucket(Bucket="lake")["BucketArn"]
    assert arn.split(":") == ["arn", "aws", "s3", "", "", "lake"]


@pytest.mark.claim("IAM-004")
def test_a_type_and_a_slash_stand_before_the_name_of_streams_tables_and_roles(lake: Any) -> None:
    arns = made(lake, "first")
    head = f"us-east-1:{ACCOUNT}"
    assert arns["stream"] == f"arn:aws:kinesis:{head}:stream/first"
    assert arns["delivery"] == f"arn:aws:firehose:{head}:deliverystream/first"
    assert arns["role"] == f"arn:aws:iam::{ACCOUNT}:role/first"
    glue = lake.client("glue")
    glue.create_database(DatabaseInput={"Name": "db"})
    glue.create_table(DatabaseName="db", TableInput={"Name": "t"})
    glue.tag_resource(ResourceArn=f"arn:aws:glue:{head}:table/db/t", TagsToAdd={"team": "a"})
    assert glue.get_tags(ResourceArn=f"arn:aws:glue:{head}:table/db/t")["Tags"] == {"team": "a"}
    with refused("EntityNotFoundException"):
        glue.get_tags(ResourceArn=f"arn:aws:glue:{head}:table/db/u")
