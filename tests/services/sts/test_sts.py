"""Who a caller is, and credentials that end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
        ],
    }
)
ROLE = "arn:aws:iam::000000000000:role/etl/loader"


@pytest.fixture
def sts(lake: Any) -> Any:
    lake.client("iam").create_role(RoleName="loader", Path="/etl/", AssumeRolePolicyDocument=TRUST)
    return lake.client("sts")


def using(lake: Any, service: str, credentials: dict[str, Any], **changes: str) -> Any:
    given = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials.get("SessionToken"),
    }
    return lake.client(service, **{**given, **changes})


def refusal(call: Any, **request: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_an_unknown_key_is_the_root_of_its_account(lake: Any) -> None:
    for account in ("000000000000", "111122223333"):
        found = lake.client("sts", account=account).get_caller_identity()
        assert (found["Account"], found["UserId"]) == (account, account)
        assert found["Arn"] == f"arn:aws:iam::{account}:root"


def test_a_session_of_a_role(lake: Any, sts: Any) -> None:
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="night@1", SourceIdentity="ada")
    user, credentials = answer["AssumedRoleUser"], answer["Credentials"]
    assert user["Arn"] == "arn:aws:sts::000000000000:assumed-role/loader/night@1"  # no path
    role_id = lake.client("iam").get_role(RoleName="loader")["Role"]["RoleId"]
    assert user["AssumedRoleId"] == f"{role_id}:night@1"
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert (len(credentials["AccessKeyId"]), len(credentials["SecretAccessKey"])) == (20, 40)
    assert 3590 < (credentials["Expiration"] - lake.clock.now()).total_seconds() <= 3600
    assert answer["SourceIdentity"] == "ada"
    found = using(lake, "sts", credentials).get_caller_identity()
    assert (found["Arn"], found["UserId"]) == (user["Arn"], user["AssumedRoleId"])


def test_a_session_works_in_every_service_and_needs_all_of_its_parts(lake: Any, sts: Any) -> None:
    credentials = sts.assume_role(RoleArn=ROLE, RoleSessionName="s1")["Credentials"]
    using(lake, "s3", credentials).create_bucket(Bucket="lake")
    assert using(lake, "kinesis", credentials).list_streams()["StreamNames"] == []
    wrong = {"s3": "SignatureDoesNotMatch", "kinesis": "InvalidSignatureException", "sts": "SignatureDoesNotMatch"}
    other = {"s3": "InvalidToken", "kinesis": "UnrecognizedClientException", "sts": "InvalidClientTokenId"}
    asks = {"s3": "list_buckets", "kinesis": "list_streams", "sts": "get_caller_identity"}
    for service, ask in asks.items():
        client = using(lake, service, credentials, aws_secret_access_key="wrong")
        assert refusal(getattr(client, ask))[0] == wrong[service]
        client = using(lake, service, credentials, aws_session_token="another")
        assert refusal(getattr(client, ask))[0] == other[service]


def test_a_session_ends_on_the_lakes_clock(lake: Any, sts: Any) -> None:
    credentials = sts.assume_role(RoleArn=ROLE, RoleSessionName="s1", DurationSeconds=900)["Credentials"]
    lake.clock.advance(seconds=890)
    assert using(lake, "sts", credentials).get_caller_identity()["Account"] == "000000000000"
    lake.clock.advance(seconds=20)
    message = "The security token included in the request is expired"
    assert refusal(using(lake, "sts", credentials).get_caller_identity) == ("ExpiredToken", message, 403)
    assert refusal(using(lake, "kinesis", credentials).list_streams) == ("ExpiredTokenException", message, 400)
    assert refusal(using(lake, "s3", credentials).list_buckets)[:2] == (
        "ExpiredToken",
        "The provided token has expired.",
    )


def test_sessions_work_in_a_lake_years_from_now(lake: Any, sts: Any) -> None:
    lake.clock.advance(days=4000)
    credentials = sts.assume_role(RoleArn=ROLE, RoleSessionName="s1")["Credentials"]
    assert using(lake, "sts", credentials).get_caller_identity()["Arn"].endswith("/loader/s1")


@pytest.mark.parametrize("role", ["arn:aws:iam::000000000000:role/nobody", "arn:aws:iam::111122223333:role/etl/loader"])
def test_a_role_that_is_not_there_is_refused_as_not_allowed(sts: Any, role: str) -> None:
    code, message, status = refusal(sts.assume_role, RoleArn=role, RoleSessionName="s1")
    assert (code, status) == ("AccessDenied", 403)
    assert message == (
        "User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: " + role
    )


def test_a_role_of_another_account(lake: Any, sts: Any) -> None:
    other = lake.client("sts", account="111122223333")
    answer = other.assume_role(RoleArn=ROLE, RoleSessionName="s1")
    assert using(lake, "sts", answer["Credentials"]).get_caller_identity()["Account"] == "000000000000"


def test_how_long_a_session_may_last(lake: Any, sts: Any) -> None:
    too_long = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    request = {"RoleArn": ROLE, "RoleSessionName": "s1"}
    assert refusal(sts.assume_role, **request, DurationSeconds=3601) == ("ValidationError", too_long, 400)
    unchecked = lake.client("sts", config=Config(parameter_validation=False))
    assert refusal(unchecked.assume_role, **request, DurationSeconds=899)[0] == "ValidationError"
    lake.client("iam").update_role(RoleName="loader", MaxSessionDuration=7200)
    credentials = sts.assume_role(**request, DurationSeconds=7200)["Credentials"]
    chained = using(lake, "sts", credentials)
    assert chained.assume_role(**request)["AssumedRoleUser"]["Arn"].endswith("/loader/s1")
    assert "role chaining" in refusal(chained.assume_role, **request, DurationSeconds=7200)[1]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RoleSessionName": "has space"}, "ValidationError"),
        ({"RoleSessionName": "x" * 65}, "ValidationError"),
        ({"RoleArn": "arn:aws:s3:::a-bucket-of-mine"}, "ValidationError"),
        ({"Policy": "not JSON"}, "MalformedPolicyDocument"),
        ({"Policy": "{}"}, "MalformedPolicyDocument"),
        ({"Policy": '{"Version": "2012-10-17", "Statement": [' + " " * 2100 + "]}"}, "PackedPolicyTooLarge"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::000000000000:policy/imagined"}]}, "MalformedPolicyDocument"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "1"}]}, "InvalidParameterValue"),
        ({"SerialNumber": "GAHT12345678", "TokenCode": "123456"}, "NotImplemented"),
    ],
)
def test_what_assume_role_refuses(sts: Any, changes: dict[str, Any], code: str) -> None:
    assert refusal(sts.assume_role, **{"RoleArn": ROLE, "RoleSessionName": "s1", **changes})[0] == code


def test_session_tokens_keep_the_callers_identity(lake: Any) -> None:
    iam = lake.client("iam")
    user = iam.create_user(UserName="ada")["User"]
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    credentials = using(lake, "sts", key).get_session_token()["Credentials"]
    assert (credentials["Expiration"] - lake.clock.now()).total_seconds() > 11 * 3600
    session = using(lake, "sts", credentials)
    assert session.get_caller_identity()["Arn"] == user["Arn"]
    denied = ("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
    assert refusal(session.get_session_token) == denied
    root = lake.client("sts").get_session_token(DurationSeconds=7200)["Credentials"]
    assert (root["Expiration"] - lake.clock.now()).total_seconds() <= 3600
    iam.delete_access_key(UserName="ada", AccessKeyId=key["AccessKeyId"])


def test_federation_tokens_are_an_identity_of_their_own(lake: Any) -> None:
    answer = lake.client("sts").get_federation_token(Name="guest")
    assert answer["FederatedUser"]["Arn"] == "arn:aws:sts::000000000000:federated-user/guest"
    assert answer["FederatedUser"]["FederatedUserId"] == "000000000000:guest"
    found = using(lake, "sts", answer["Credentials"]).get_caller_identity()
    assert (found["Arn"], found["UserId"]) == (answer["FederatedUser"]["Arn"], "000000000000:guest")


def test_whose_key_it_is(lake: Any, sts: Any) -> None:
    credentials = sts.assume_role(RoleArn=ROLE, RoleSessionName="s1")["Credentials"]
    other = lake.client("sts", account="111122223333")
    assert other.get_access_key_info(AccessKeyId=credentials["AccessKeyId"])["Account"] == "000000000000"
    assert sts.get_access_key_info(AccessKeyId="AKIAIOSFODNN7EXAMPLE")["Account"] == "000000000000"


def test_sessions_survive_a_restart(tmp_path: Any) -> None:
    import pocketlake

    with pocketlake.run(tmp_path) as lake:
        credentials = lake.client("sts").get_federation_token(Name="guest")["Credentials"]
    with pocketlake.run(tmp_path) as lake:
        assert using(lake, "sts", credentials).get_caller_identity()["Arn"].endswith("/guest")


def test_a_signed_lake_lets_no_stranger_in(tmp_path: Any) -> None:
    import pocketlake

    with pocketlake.run(tmp_path) as lake:
        lake.client("iam").create_user(UserName="ada")
        key = lake.client("iam").create_access_key(UserName="ada")["AccessKey"]
    with pocketlake.run(tmp_path, auth="signed") as lake:
        assert using(lake, "sts", key).get_caller_identity()["Arn"].endswith(":user/ada")
        stranger = "The security token included in the request is invalid."
        assert refusal(lake.client("sts").get_caller_identity) == ("InvalidClientTokenId", stranger, 403)
        assert refusal(lake.client("kinesis").list_streams) == ("UnrecognizedClientException", stranger, 400)
        assert refusal(lake.client("s3").list_buckets)[0] == "InvalidAccessKeyId"
