"""Users, groups, their keys, and the account."""

from __future__ import annotations

import json
from typing import Any

from .samples import READ, new_policy, refused


def test_a_user(iam: Any) -> None:
    user = iam.create_user(UserName="Ada", Path="/team/", Tags=[{"Key": "a", "Value": "b"}])["User"]
    assert user["Arn"] == "arn:aws:iam::000000000000:user/team/Ada"
    assert user["UserId"].startswith("AIDA")
    assert iam.get_user(UserName="Ada")["User"]["Tags"] == [{"Key": "a", "Value": "b"}]
    assert "Tags" not in iam.list_users()["Users"][0]
    with refused("EntityAlreadyExists", "User with name ada already exists.", 409):
        iam.create_user(UserName="ada")
    with refused("NoSuchEntity", "The user with name bob cannot be found.", 404):
        iam.get_user(UserName="bob")


def test_a_renamed_user_keeps_what_it_has(lake: Any, iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="etl")
    iam.add_user_to_group(GroupName="etl", UserName="ada")
    policy = new_policy(iam)
    iam.attach_user_policy(UserName="ada", PolicyArn=policy)
    iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=json.dumps(READ))
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    iam.update_user(UserName="ada", NewUserName="Grace", NewPath="/new/")
    assert [user["UserName"] for user in iam.get_group(GroupName="etl")["Users"]] == ["Grace"]
    assert iam.list_entities_for_policy(PolicyArn=policy)["PolicyUsers"][0]["UserName"] == "Grace"
    assert iam.list_user_policies(UserName="grace")["PolicyNames"] == ["p"]
    assert iam.list_access_keys(UserName="Grace")["AccessKeyMetadata"][0]["AccessKeyId"] == key["AccessKeyId"]
    assert caller(lake, key)["Arn"] == "arn:aws:iam::000000000000:user/new/Grace"
    with refused("NoSuchEntity"):
        iam.get_user(UserName="ada")


def caller(lake: Any, key: dict[str, str]) -> dict[str, str]:
    sts = lake.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    return sts.get_caller_identity()


def test_a_user_is_deleted_when_nothing_holds_it(iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="etl")
    iam.add_user_to_group(GroupName="etl", UserName="ada")
    policy = new_policy(iam)
    iam.attach_user_policy(UserName="ada", PolicyArn=policy)
    iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=json.dumps(READ))
    key = iam.create_access_key(UserName="ada")["AccessKey"]["AccessKeyId"]
    for reason, mend in (
        ("must remove users from group first.", lambda: iam.remove_user_from_group(GroupName="etl", UserName="ada")),
        ("must detach all policies first.", lambda: iam.detach_user_policy(UserName="ada", PolicyArn=policy)),
        ("must delete policies first.", lambda: iam.delete_user_policy(UserName="ada", PolicyName="p")),
        ("must delete access keys first.", lambda: iam.delete_access_key(UserName="ada", AccessKeyId=key)),
    ):
        with refused("DeleteConflict", f"Cannot delete entity, {reason}", 409):
            iam.delete_user(UserName="ada")
        mend()
    iam.delete_user(UserName="ada")


def test_groups_and_their_members(iam: Any) -> None:
    group = iam.create_group(GroupName="etl", Path="/data/")["Group"]
    assert group["Arn"] == "arn:aws:iam::000000000000:group/data/etl"
    for name in ("a", "b", "c"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="etl", UserName=name)
    iam.add_user_to_group(GroupName="etl", UserName="a")
    first = iam.get_group(GroupName="etl", MaxItems=2)
    assert [user["UserName"] for user in first["Users"]] == ["a", "b"]
    rest = iam.get_group(GroupName="etl", Marker=first["Marker"])
    assert [user["UserName"] for user in rest["Users"]] == ["c"]
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="a")["Groups"]] == ["etl"]
    with refused("DeleteConflict", "must remove users from group first."):
        iam.delete_group(GroupName="etl")
    iam.update_group(GroupName="etl", NewGroupName="load")
    assert [one["GroupName"] for one in iam.list_groups_for_user(UserName="b")["Groups"]] == ["load"]
    for name in ("a", "b", "c"):
        iam.remove_user_from_group(GroupName="load", UserName=name)
    iam.delete_group(GroupName="load")
    assert iam.list_groups()["Groups"] == []


def test_a_user_has_two_keys_whose_secret_is_told_once(lake: Any, iam: Any) -> None:
    user = iam.create_user(UserName="ada")["User"]
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA")
    assert (len(key["AccessKeyId"]), len(key["SecretAccessKey"]), key["Status"]) == (20, 40, "Active")
    second = iam.create_access_key(UserName="ada")["AccessKey"]
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409):
        iam.create_access_key(UserName="ada")
    listed = iam.list_access_keys(UserName="ada")["AccessKeyMetadata"]
    assert {one["AccessKeyId"] for one in listed} == {key["AccessKeyId"], second["AccessKeyId"]}
    assert "SecretAccessKey" not in listed[0]
    assert caller(lake, key) | {"ResponseMetadata": None} == {
        "Account": "000000000000",
        "Arn": user["Arn"],
        "UserId": user["UserId"],
        "ResponseMetadata": None,
    }


def test_a_known_key_signs_with_its_own_secret(lake: Any, iam: Any) -> None:
    iam.create_user(UserName="ada")
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    with refused("SignatureDoesNotMatch", status=403):
        caller(lake, {**key, "SecretAccessKey": "guessed"})
    iam.update_access_key(UserName="ada", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with refused("InvalidClientTokenId", "The security token included in the request is invalid.", 403):
        caller(lake, key)
    iam.update_access_key(AccessKeyId=key["AccessKeyId"], Status="Active")
    assert caller(lake, key)["Arn"].endswith(":user/ada")


def test_who_asks_without_a_name(lake: Any, iam: Any) -> None:
    assert iam.get_user()["User"]["Arn"] == "arn:aws:iam::000000000000:root"
    iam.create_user(UserName="ada")
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    own = lake.client("iam", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert own.get_user()["User"]["UserName"] == "ada"
    assert own.list_access_keys()["AccessKeyMetadata"][0]["UserName"] == "ada"


def test_the_accounts_alias_is_its_own(lake: Any, iam: Any) -> None:
    iam.create_account_alias(AccountAlias="my-lake")
    assert iam.list_account_aliases()["AccountAliases"] == ["my-lake"]
    with refused("EntityAlreadyExists", status=409):
        lake.client("iam", account="111122223333").create_account_alias(AccountAlias="my-lake")
    iam.create_account_alias(AccountAlias="other-lake")
    assert iam.list_account_aliases()["AccountAliases"] == ["other-lake"]
    iam.delete_account_alias(AccountAlias="other-lake")
    with refused("NoSuchEntity"):
        iam.delete_account_alias(AccountAlias="other-lake")


def test_the_accounts_summary_counts(iam: Any) -> None:
    iam.create_user(UserName="ada")
    new_policy(iam)
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Policies"], summary["Roles"], summary["PolicyVersionsInUse"]) == (1, 1, 0, 1)
    assert summary["AccessKeysPerUserQuota"] == 2


def test_what_is_not_built_says_so(iam: Any) -> None:
    with refused("NotImplemented", "SimulatePrincipalPolicy is not implemented by Pocketlake yet.", 501):
        iam.simulate_principal_policy(
            PolicySourceArn="arn:aws:iam::000000000000:user/ada", ActionNames=["s3:GetObject"]
        )
