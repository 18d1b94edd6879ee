"""What is configured of a bucket: it is validated, kept, and acted on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import refused


@pytest.mark.claim("S3-002", "S3-004")
def test_every_bucket_encrypts_by_default(s3: Any, bucket: str) -> None:
    def default() -> Any:
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        return rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]

    assert default() == "AES256"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    s3.delete_bucket_encryption(Bucket=bucket)
    assert default() == "AES256"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    with refused("NotImplemented", 501):
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def policy(bucket: str, **changes: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:role/reader"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        **changes,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [{k: v for k, v in statement.items() if v is not None}]})


def test_a_policy_is_kept_as_it_was_written(s3: Any, bucket: str) -> None:
    with refused("NoSuchBucketPolicy", 404, "The bucket policy does not exist"):
        s3.get_bucket_policy(Bucket=bucket)
    text = policy(bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    s3.delete_bucket_policy(Bucket=bucket)
    with refused("NoSuchBucketPolicy", 404):
        s3.get_bucket_policy(Bucket=bucket)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        policy("lake-of-tests", Principal=None),
        policy("lake-of-tests", Action=None),
        policy("lake-of-tests", Effect="Maybe"),
        policy("lake-of-tests", Action="sqs:SendMessage"),
        policy("lake-of-tests", Resource="arn:aws:s3:::another-bucket/*"),
    ],
)
def test_a_bad_policy(s3: Any, bucket: str, text: str) -> None:
    with refused("MalformedPolicy", 400):
        s3.put_bucket_policy(Bucket=bucket, Policy=text)


def test_a_public_policy_is_blocked_unless_the_bucket_allows_it(s3: Any, bucket: str) -> None:
    everyone = policy(bucket, Principal="*")
    with refused("AccessDenied", 403):
        s3.put_bucket_policy(Bucket=bucket, Policy=everyone)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=everyone)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True


def test_public_access_blocks(s3: Any, bucket: str) -> None:
    blocks = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(blocks.values()) == {True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    blocks = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert [name for name, is_on in blocks.items() if is_on] == ["BlockPublicAcls"]
    s3.delete_public_access_block(Bucket=bucket)
    with refused("NoSuchPublicAccessBlockConfiguration", 404):
        s3.get_public_access_block(Bucket=bucket)


def test_ownership(s3: Any, bucket: str) -> None:
    def rules() -> Any:
        return s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]

    assert rules() == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    assert rules() == [{"ObjectOwnership": "ObjectWriter"}]
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    with refused("OwnershipControlsNotFoundError", 404):
        rules()


def test_access_control_lists_are_off(s3: Any, bucket: str, put: Callable[..., Any]) -> None:
    put("k", b"", ACL="bucket-owner-full-control")
    with refused("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"):
        put("k", b"", ACL="public-read")
    for ask in (lambda: s3.get_bucket_acl(Bucket=bucket), lambda: s3.get_object_acl(Bucket=bucket, Key="k")):
        acl = ask()
        (grant,) = acl["Grants"]
        assert (grant["Permission"], grant["Grantee"]["ID"]) == ("FULL_CONTROL", acl["Owner"]["ID"])
    with refused("AccessControlListNotSupported", 400):
        s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": acl["Owner"], "Grants": acl["Grants"]})
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.create_bucket(Bucket="public", ACL="public-read")


EVERYONE = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'


@pytest.mark.parametrize("given", [{"ACL": "private"}, {"GrantRead": EVERYONE}, {"GrantFullControl": EVERYONE}])
def test_where_access_control_lists_are_off_none_is_set(
    s3: Any, bucket: str, put: Callable[..., Any], given: dict[str, str]
) -> None:
    put("k", b"")
    asks: list[Callable[..., Any]] = [s3.put_object, s3.create_multipart_upload, s3.put_object_acl]
    for ask in asks:
        with refused("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"):
            ask(Bucket=bucket, Key="k", **given)
    with refused("AccessControlListNotSupported", 400):
        s3.put_bucket_acl(Bucket=bucket, **given)


def test_a_new_bucket_takes_no_grants(s3: Any) -> None:
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.create_bucket(Bucket="granted", GrantRead=EVERYONE)
    s3.create_bucket(Bucket="granted", ACL="private")


def test_a_canned_acl_and_grants_exclude_each_other(s3: Any, bucket: str, put: Callable[..., Any]) -> None:
    message = "Specifying both Canned ACLs and Header Grants is not allowed"
    for ask in (s3.put_object, s3.put_object_acl):
        put("k", b"")
        with refused("InvalidRequest", 400, message):
            ask(Bucket=bucket, Key="k", ACL="bucket-owner-full-control", GrantRead=EVERYONE)


def test_grants_where_access_control_lists_are_on_are_not_built(s3: Any, bucket: str, put: Callable[..., Any]) -> None:
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    put("k", b"", ACL="private")
    with refused("NotImplemented", 501):
        put("k", b"", GrantRead=EVERYONE)
