"""Managed policies: versions, defaults, and those of AWS."""

from __future__ import annotations

import json
from typing import Any

from .samples import READ, new_policy, refused

WRITE = {**READ, "Statement": [{**READ["Statement"][0], "Action": "s3:PutObject"}]}


def test_a_policy_and_its_first_version(iam: Any) -> None:
    arn = new_policy(iam, Path="/data/", Description="reads", Tags=[{"Key": "a", "Value": "b"}])
    assert arn == "arn:aws:iam::000000000000:policy/data/read"
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (policy["DefaultVersionId"], policy["AttachmentCount"], policy["IsAttachable"]) == ("v1", 0, True)
    assert (policy["Description"], policy["Tags"]) == ("reads", [{"Key": "a", "Value": "b"}])
    assert policy["PolicyId"].startswith("ANPA")
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == READ
    assert version["IsDefaultVersion"]
    with refused("EntityAlreadyExists", "A policy called read already exists. Duplicate names are not allowed.", 409):
        new_policy(iam)


def test_five_versions_and_no_more(iam: Any) -> None:
    arn = new_policy(iam)
    for _ in range(4):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(WRITE))["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v5", False)
    with refused("LimitExceeded", "A managed policy can have up to 5 versions.", 409):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(WRITE))
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v3")
    with refused("DeleteConflict", "Cannot delete the default version of a policy."):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v3")
    with refused("DeleteConflict", "This policy has more than one version."):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(WRITE), SetAsDefault=True)
    assert made["PolicyVersion"]["VersionId"] == "v6"  # numbers are never used again
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions] == [
        ("v6", True), ("v4", False), ("v3", False), ("v2", False), ("v1", False),
    ]  # fmt: skip
    with refused("NoSuchEntity", "version v9 does not exist or is not attachable."):
        iam.get_policy_version(PolicyArn=arn, VersionId="v9")


def test_a_document_has_6144_characters_white_space_aside(iam: Any) -> None:
    def document(count: int) -> str:
        names = [f"arn:aws:s3:::{'b' * 40}{number:04}" for number in range(count)]
        return json.dumps({**READ, "Statement": [{**READ["Statement"][0], "Resource": names}]}, indent=8)

    iam.create_policy(PolicyName="fits", PolicyDocument=document(100))
    with refused("LimitExceeded", "Cannot exceed quota for PolicySize: 6144", 409):
        iam.create_policy(PolicyName="too-long", PolicyDocument=document(110))


def test_policies_of_aws(iam: Any) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (policy["PolicyName"], policy["Arn"], policy["DefaultVersionId"]) == ("AdministratorAccess", arn, "v1")
    statement = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]["Statement"]
    assert statement == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    with refused("AccessDenied", status=403):
        iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity", "Policy arn:aws:iam::aws:policy/Imagined was not found."):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/Imagined")
    with refused("NotImplemented", "The text of the AWS managed policy ReadOnlyAccess", 501):
        iam.get_policy_version(PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess", VersionId="v1")


def test_every_shipped_text_is_a_policy() -> None:
    from pocketlake.services.iam import aws_policies
    from pocketlake.services.iam.documents import identity_policy

    for policy in aws_policies.WITH_TEXT:
        if policy.statements is not None:
            identity_policy(json.dumps({"Version": "2012-10-17", "Statement": policy.statements}))


def test_lists_by_scope_and_use(iam: Any) -> None:
    arn = new_policy(iam)
    assert [one["Arn"] for one in iam.list_policies(Scope="Local")["Policies"]] == [arn]
    shipped = [one["PolicyName"] for one in iam.list_policies(Scope="AWS", MaxItems=1000)["Policies"]]
    assert "AmazonKinesisFullAccess" in shipped
    assert len(iam.list_policies(MaxItems=1000)["Policies"]) == len(shipped) + 1
    assert iam.list_policies(OnlyAttached=True)["Policies"] == []
    pages = iam.get_paginator("list_policies").paginate(PaginationConfig={"PageSize": 7})
    assert sum(len(page["Policies"]) for page in pages) == len(shipped) + 1
