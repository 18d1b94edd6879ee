"""Roles, what they hold, and what carries them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .samples import READ, TRUST, new_policy, new_role, refused


@pytest.mark.claim("IAM-009")
def test_a_role_is_the_same_in_every_region(lake: Any) -> None:
    role = new_role(lake.client("iam", region="us-east-1"), Path="/data/", Tags=[{"Key": "team", "Value": "a"}])
    found = lake.client("iam", region="eu-west-1").get_role(RoleName="delivery")["Role"]
    assert found["Arn"] == role["Arn"] == "arn:aws:iam::000000000000:role/data/delivery"
    assert found["AssumeRolePolicyDocument"] == TRUST
    assert found["RoleId"].startswith("AROA")
    assert len(found["RoleId"]) == 21
    assert found["MaxSessionDuration"] == 3600
    assert found["Tags"] == [{"Key": "team", "Value": "a"}]
    assert found["CreateDate"].microsecond == 0


def test_accounts_have_roles_of_their_own(lake: Any) -> None:
    new_role(lake.client("iam"))
    other = lake.client("iam", account="111122223333")
    assert other.list_roles()["Roles"] == []
    assert new_role(other)["Arn"] == "arn:aws:iam::111122223333:role/delivery"


def test_names_are_taken_whatever_their_case(iam: Any) -> None:
    new_role(iam, "Delivery")
    with refused("EntityAlreadyExists", "Role with name DELIVERY already exists.", 409):
        new_role(iam, "DELIVERY")
    assert iam.get_role(RoleName="delivery")["Role"]["RoleName"] == "Delivery"


def test_a_role_that_is_not_there(iam: Any) -> None:
    with refused("NoSuchEntity", "The role with name nobody cannot be found.", 404):
        iam.get_role(RoleName="nobody")


def test_a_trust_policy_must_be_one(iam: Any) -> None:
    with refused("MalformedPolicyDocument", "Syntax errors in policy.", 400):
        iam.create_role(RoleName="x", AssumeRolePolicyDocument="some policy")
    new_role(iam)
    changed = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"Service": "glue.amazonaws.com"}}]}
    iam.update_assume_role_policy(RoleName="delivery", PolicyDocument=json.dumps(changed))
    assert iam.get_role(RoleName="delivery")["Role"]["AssumeRolePolicyDocument"] == changed
    many = [{**TRUST["Statement"][0], "Sid": f"s{number}"} for number in range(40)]
    with refused("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048", 409):
        iam.update_assume_role_policy(RoleName="delivery", PolicyDocument=json.dumps({**TRUST, "Statement": many}))


def test_update_role_sets_what_it_leaves_out_to_its_default(iam: Any) -> None:
    new_role(iam, Description="old", MaxSessionDuration=7200)
    iam.update_role(RoleName="delivery", Description="new")
    role = iam.get_role(RoleName="delivery")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("new", 3600)
    assert iam.update_role_description(RoleName="delivery", Description="d")["Role"]["Description"] == "d"


def test_roles_are_listed_by_path_and_page(iam: Any) -> None:
    for number in range(5):
        new_role(iam, f"r{number}", Path="/etl/" if number % 2 else "/")
    first = iam.list_roles(MaxItems=3)
    assert [role["RoleName"] for role in first["Roles"]] == ["r0", "r1", "r2"]
    assert first["IsTruncated"]
    rest = iam.list_roles(MaxItems=3, Marker=first["Marker"])
    assert [role["RoleName"] for role in rest["Roles"]] == ["r3", "r4"]
    assert not rest["IsTruncated"]
    assert [role["RoleName"] for role in iam.list_roles(PathPrefix="/etl/")["Roles"]] == ["r1", "r3"]
    with refused("ValidationError", "Invalid Marker"):
        iam.list_roles(Marker="made-up")


def test_inline_policies(iam: Any) -> None:
    new_role(iam)
    iam.put_role_policy(RoleName="delivery", PolicyName="p", PolicyDocument=json.dumps(READ))
    assert iam.get_role_policy(RoleName="delivery", PolicyName="p")["PolicyDocument"] == READ
    assert iam.list_role_policies(RoleName="delivery")["PolicyNames"] == ["p"]
    with refused("DeleteConflict", "Cannot delete entity, must delete policies first.", 409):
        iam.delete_role(RoleName="delivery")
    with refused("MalformedPolicyDocument"):
        iam.put_role_policy(RoleName="delivery", PolicyName="q", PolicyDocument=json.dumps(TRUST))
    wide = {
        **READ,
        "Statement": [{**READ["Statement"][0], "Resource": [f"arn:aws:s3:::{'b' * 40}{n}" for n in range(200)]}],
    }
    with refused("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role delivery"):
        iam.put_role_policy(RoleName="delivery", PolicyName="q", PolicyDocument=json.dumps(wide))
    iam.delete_role_policy(RoleName="delivery", PolicyName="p")
    with refused("NoSuchEntity", "The role policy with name p cannot be found."):
        iam.get_role_policy(RoleName="delivery", PolicyName="p")
    iam.delete_role(RoleName="delivery")


def test_attached_policies(iam: Any) -> None:
    new_role(iam)
    own, aws = new_policy(iam, Path="/data/"), "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    for policy in (own, aws, own):
        iam.attach_role_policy(RoleName="delivery", PolicyArn=policy)
    attached = iam.list_attached_role_policies(RoleName="delivery")["AttachedPolicies"]
    assert {(one["PolicyName"], one["PolicyArn"]) for one in attached} == {
        ("read", own),
        ("AmazonS3ReadOnlyAccess", aws),
    }
    assert [
        one["PolicyArn"]
        for one in iam.list_attached_role_policies(RoleName="delivery", PathPrefix="/data/")["AttachedPolicies"]
    ] == [own]
    assert iam.get_policy(PolicyArn=own)["Policy"]["AttachmentCount"] == 1
    holders = iam.list_entities_for_policy(PolicyArn=own)
    assert [role["RoleName"] for role in holders["PolicyRoles"]] == ["delivery"]
    assert holders["PolicyUsers"] == holders["PolicyGroups"] == []
    with refused("DeleteConflict", "must detach all policies first."):
        iam.delete_role(RoleName="delivery")
    with refused("DeleteConflict", "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=own)
    iam.detach_role_policy(RoleName="delivery", PolicyArn=own)
    with refused("NoSuchEntity", f"Policy {own} was not found."):
        iam.detach_role_policy(RoleName="delivery", PolicyArn=own)
    with refused("NoSuchEntity", "does not exist or is not attachable."):
        iam.attach_role_policy(RoleName="delivery", PolicyArn="arn:aws:iam::aws:policy/Imagined")


def test_a_role_holds_ten_policies(iam: Any) -> None:
    new_role(iam)
    for number in range(11):
        arn = new_policy(iam, f"p{number}")
        if number < 10:
            iam.attach_role_policy(RoleName="delivery", PolicyArn=arn)
    with refused("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10", 409):
        iam.attach_role_policy(RoleName="delivery", PolicyArn=arn)


def test_boundaries(iam: Any) -> None:
    boundary = new_policy(iam)
    new_role(iam, PermissionsBoundary=boundary)
    shown = iam.get_role(RoleName="delivery")["Role"]["PermissionsBoundary"]
    assert shown["PermissionsBoundaryArn"] == boundary
    assert iam.get_policy(PolicyArn=boundary)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    with refused("DeleteConflict"):
        iam.delete_policy(PolicyArn=boundary)
    iam.delete_role_permissions_boundary(RoleName="delivery")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="delivery")["Role"]
    with refused("NoSuchEntity"):
        new_role(iam, "other", PermissionsBoundary="arn:aws:iam::000000000000:policy/imagined")
    iam.put_role_permissions_boundary(RoleName="delivery", PermissionsBoundary=boundary)
    iam.delete_role(RoleName="delivery")
    iam.delete_policy(PolicyArn=boundary)


def test_instance_profiles_carry_one_role(iam: Any) -> None:
    new_role(iam)
    new_role(iam, "second")
    profile = iam.create_instance_profile(InstanceProfileName="machine", Path="/ec2/")["InstanceProfile"]
    assert profile["Arn"] == "arn:aws:iam::000000000000:instance-profile/ec2/machine"
    assert profile["Roles"] == []
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="delivery")
    with refused("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"):
        iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="second")
    found = iam.list_instance_profiles_for_role(RoleName="delivery")["InstanceProfiles"]
    assert [(one["InstanceProfileName"], one["Roles"][0]["RoleName"]) for one in found] == [("machine", "delivery")]
    with refused("DeleteConflict", "must remove roles from instance profile first."):
        iam.delete_role(RoleName="delivery")
    with refused("DeleteConflict", "must remove roles from instance profile first."):
        iam.delete_instance_profile(InstanceProfileName="machine")
    iam.remove_role_from_instance_profile(InstanceProfileName="machine", RoleName="delivery")
    iam.delete_instance_profile(InstanceProfileName="machine")
    with refused("NoSuchEntity", "Instance Profile machine cannot be found."):
        iam.get_instance_profile(InstanceProfileName="machine")


def test_service_linked_roles_belong_to_their_service(iam: Any) -> None:
    role = iam.create_service_linked_role(AWSServiceName="firehose.amazonaws.com")["Role"]
    assert role["Arn"].endswith(":role/aws-service-role/firehose.amazonaws.com/AWSServiceRoleForFirehose")
    with refused("InvalidInput", "has been taken in this account"):
        iam.create_service_linked_role(AWSServiceName="firehose.amazonaws.com")
    with refused("UnmodifiableEntity"):
        iam.delete_role(RoleName=role["RoleName"])
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    with refused("NoSuchEntity"):
        iam.get_role(RoleName=role["RoleName"])
    with refused("NotImplemented", status=501):
        iam.create_service_linked_role(AWSServiceName="imagined.amazonaws.com")


def test_tags_are_told_apart_by_more_than_case(iam: Any) -> None:
    new_role(iam, Tags=[{"Key": "Team", "Value": "a"}])
    iam.tag_role(RoleName="delivery", Tags=[{"Key": "team", "Value": "b"}, {"Key": "stage", "Value": ""}])
    assert iam.list_role_tags(RoleName="delivery")["Tags"] == [
        {"Key": "stage", "Value": ""},
        {"Key": "team", "Value": "b"},
    ]
    with refused("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."):
        iam.tag_role(RoleName="delivery", Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}])
    iam.tag_role(RoleName="delivery", Tags=[{"Key": f"k{n}", "Value": ""} for n in range(48)])
    with refused("LimitExceeded"):
        iam.tag_role(RoleName="delivery", Tags=[{"Key": "one-more", "Value": ""}])
    iam.untag_role(RoleName="delivery", TagKeys=["TEAM", "unknown"])
    assert len(iam.list_role_tags(RoleName="delivery")["Tags"]) == 49


def test_roles_survive_a_restart(tmp_path: Any) -> None:
    import pocketlake

    with pocketlake.run(tmp_path) as lake:
        new_role(lake.client("iam"))
    with pocketlake.run(tmp_path) as lake:
        assert lake.client("iam").get_role(RoleName="delivery")["Role"]["AssumeRolePolicyDocument"] == TRUST
