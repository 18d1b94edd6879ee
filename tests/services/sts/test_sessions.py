"""Whom a role's trust policy admits, and what a session carries."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from .test_sts import TRUST, refusal, using

ACCOUNT = "000000000000"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def trust(
    principal: Any, action: Any = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"), **more: Any
) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_role(lake: Any, name: str, document: str, path: str = "/") -> str:
    role = lake.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document)["Role"]
    return str(role["Arn"])


def assume(sts: Any, role: str, **more: Any) -> Any:
    return sts.assume_role(RoleArn=role, RoleSessionName="s1", **more)


@pytest.fixture
def ada(lake: Any) -> Any:
    """STS as an IAM user asks it."""
    iam = lake.client("iam")
    iam.create_user(UserName="ada", Path="/team/")
    return using(lake, "sts", iam.create_access_key(UserName="ada")["AccessKey"])


ADA = f"arn:aws:iam::{ACCOUNT}:user/team/ada"
BOB = f"arn:aws:iam::{ACCOUNT}:user/team/bob"
ALL_BUT_ADA = json.dumps(
    {
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": {"AWS": ADA}, "Action": "sts:*"},
        ]
    }
)


@pytest.mark.parametrize(
    ("document", "admitted"),
    [
        (trust({"AWS": ADA}), True),
        (trust({"AWS": [BOB, ADA]}), True),
        (trust({"AWS": ROOT}), True),
        (trust({"AWS": ACCOUNT}), True),
        (trust("*"), True),
        (trust({"AWS": ADA}, "sts:*"), True),
        (trust({"AWS": BOB}), False),
        (trust({"AWS": "111122223333"}), False),
        (trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/ada"}), False),
        (trust({"Service": "glue.amazonaws.com"}), False),
        (trust({"AWS": ADA}, "sts:TagSession"), False),
        (trust({"AWS": ADA}, Effect="Deny"), False),
        (ALL_BUT_ADA, False),
    ],
)
def test_a_user_assumes_the_roles_that_trust_it(lake: Any, ada: Any, document: str, admitted: bool) -> None:
    role = make_role(lake, "worker", document)
    if admitted:
        assert assume(ada, role)["AssumedRoleUser"]["Arn"].endswith("/worker/s1")
        return
    message = f"User: {ADA} is not authorized to perform: sts:AssumeRole on resource: {role}"
    assert refusal(ada.assume_role, RoleArn=role, RoleSessionName="s1") == ("AccessDenied", message, 403)


@pytest.mark.claim("IAM-503")
def test_a_role_is_assumed_from_the_role_that_its_trust_policy_names(lake: Any) -> None:
    machine = make_role(lake, "machine", TRUST, path="/ssm/")
    other = make_role(lake, "other", TRUST)
    agent = make_role(lake, "agent", trust({"Service": "ec2.amazonaws.com"}))
    from_machine = using(lake, "sts", assume(lake.client("sts"), machine)["Credentials"])
    from_other = using(lake, "sts", assume(lake.client("sts"), other)["Credentials"])
    assert refusal(from_machine.assume_role, RoleArn=agent, RoleSessionName="s1")[0] == "AccessDenied"
    document = trust({"AWS": machine})
    lake.client("iam").update_assume_role_policy(RoleName="agent", PolicyDocument=document)
    assert assume(from_machine, agent)["AssumedRoleUser"]["Arn"].endswith("/agent/s1")
    assert refusal(from_other.assume_role, RoleArn=agent, RoleSessionName="s1") == (
        "AccessDenied",
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/other/s1 is not authorized to perform: sts:AssumeRole on resource: "
        + agent,
        403,
    )


@pytest.mark.parametrize(
    ("more", "action"),
    [
        ({"Tags": [{"Key": "team", "Value": "data"}]}, "sts:TagSession"),
        ({"SourceIdentity": "ada"}, "sts:SetSourceIdentity"),
    ],
)
def test_tags_and_source_identities_are_permissions_of_their_own(
    lake: Any, ada: Any, more: dict[str, Any], action: str
) -> None:
    role = make_role(lake, "worker", trust({"AWS": ADA}, "sts:AssumeRole"))
    assume(ada, role)
    code, message, _ = refusal(ada.assume_role, RoleArn=role, RoleSessionName="s1", **more)
    assert code == "AccessDenied"
    assert f"is not authorized to perform: {action} on resource: {role}" in message
    assume(ada, make_role(lake, "tagged", trust({"AWS": ADA})), **more)


def test_a_federated_user_assumes_no_role(lake: Any) -> None:
    role = make_role(lake, "worker", trust("*"))
    guest = using(lake, "sts", lake.client("sts").get_federation_token(Name="guest")["Credentials"])
    assert refusal(guest.assume_role, RoleArn=role, RoleSessionName="s1")[0] == "AccessDenied"


def test_transitive_tags_go_down_the_chain_and_stay_as_they_are(tmp_path: Any) -> None:
    import pocketlake

    tags = [{"Key": "team", "Value": "data"}, {"Key": "stage", "Value": "test"}]
    with pocketlake.run(tmp_path) as lake:
        first, second = (make_role(lake, name, trust("*")) for name in ("first", "second"))
        held = assume(lake.client("sts"), first, Tags=tags, TransitiveTagKeys=["team"])["Credentials"]
    with pocketlake.run(tmp_path) as lake:
        chained = using(lake, "sts", assume(using(lake, "sts", held), second)["Credentials"])
        for key in ("team", "Team"):
            answer = refusal(
                chained.assume_role, RoleArn=first, RoleSessionName="s1", Tags=[{"Key": key, "Value": "other"}]
            )
            assert answer[0] == "InvalidParameterValue"
            assert "conflicts with a transitive tag key from the calling session" in answer[1]
        assume(chained, first, Tags=[{"Key": "stage", "Value": "live"}])


def test_a_source_identity_stays_for_the_whole_chain(lake: Any) -> None:
    first, second = (make_role(lake, name, trust("*")) for name in ("first", "second"))
    start = assume(lake.client("sts"), first, SourceIdentity="ada")
    session = using(lake, "sts", start["Credentials"])
    assert assume(session, second)["SourceIdentity"] == "ada"
    assert assume(session, second, SourceIdentity="ada")["SourceIdentity"] == "ada"
    code, message, _ = refusal(session.assume_role, RoleArn=second, RoleSessionName="s1", SourceIdentity="bob")
    assert (code, "sts:SetSourceIdentity" in message) == ("AccessDenied", True)


def test_what_narrows_a_session_is_kept_with_its_key(tmp_path: Path) -> None:
    import pocketlake

    narrow = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
    managed = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    with pocketlake.run(tmp_path) as lake:
        role = make_role(lake, "worker", trust("*"))
        key = assume(
            lake.client("sts"), role, Policy=narrow, PolicyArns=[{"arn": managed}], Tags=[{"Key": "team", "Value": "d"}]
        )["Credentials"]["AccessKeyId"]
    database = tmp_path / "lake.sqlite"
    with sqlite3.connect(database) as connection:
        row = connection.execute("SELECT session FROM access_keys WHERE access_key = ?", (key,)).fetchone()
    assert json.loads(row[0]) == {"Policy": narrow, "PolicyArns": [managed], "Tags": {"team": "d"}}
