"""The grammar of policies: what IAM takes, and its words for what it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pocketlake.kernel.errors import ServiceError
from pocketlake.services.iam import service as _  # noqa: F401 - registers, so that errors have their service
from pocketlake.services.iam.documents import identity_policy
from pocketlake.services.iam.trust import trust_policy

BUCKET = "arn:aws:s3:::lake"
SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
NO_ACTIONS = "Policy statement must contain actions."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


def statement(**changes: Any) -> dict[str, Any]:
    """A good statement with these members changed, or left out where they are None."""
    whole = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def condition(**tests: Any) -> dict[str, Any]:
    return statement(Condition=tests)


GOOD = [
    statement(),
    statement(Sid="Read", Action=["s3:GetObject", "s3:List*"], Resource=[BUCKET, f"{BUCKET}/*"]),
    statement(Action="*", Resource="*"),
    statement(Action=None, NotAction="iam:*", Resource="*"),
    statement(Resource=None, NotResource=BUCKET, Effect="Deny"),
    statement(Resource="arn:aws:s3:us-west-2:123456789012:accesspoint/own/object/*"),
    statement(Resource="arn:aws:kinesis:*:*:stream/*"),
    statement(Resource="arn:aws:iam::123456789012:role/*", Action="iam:PassRole"),
    statement(Resource=[BUCKET, None]),
    condition(StringEquals={"aws:RequestedRegion": ["eu-west-1"]}, Bool={"aws:SecureTransport": True}),
    condition(**{"ForAllValues:StringLikeIfExists": {"aws:TagKeys": "a*"}, "Null": {"aws:TokenIssueTime": "true"}}),
    condition(DateGreaterThan={"aws:CurrentTime": "2026-11-21T00:00:00Z"}),
    condition(DateLessThan={"aws:EpochTime": "1700000000"}, NumericLessThan={"s3:max-keys": 10}),
]

BAD = [
    (statement(Effect=None), SYNTAX),
    (statement(Effect="Perhaps"), SYNTAX),
    (statement(Effect="allow"), LEGACY),
    (statement(Extra=1), SYNTAX),
    (statement(Sid=["a"]), SYNTAX),
    (statement(NotAction="s3:*"), SYNTAX),
    (statement(NotResource="*"), SYNTAX),
    (statement(Action={}), SYNTAX),
    (statement(Resource=[{}]), SYNTAX),
    (statement(Condition=[]), SYNTAX),
    (condition(StringEquals="a"), SYNTAX),
    (condition(Matches={"a": "b"}), SYNTAX),
    (condition(StringEquals={"a": {}}), SYNTAX),
    (condition(DateLessThan={"a": "soon"}), LEGACY),
    (condition(DateLessThan={"a": "2026-13"}), LEGACY),
    (condition(DateLessThan={"a": str(2**63)}), LEGACY),
    (statement(Action=None), NO_ACTIONS),
    (statement(Action=[]), NO_ACTIONS),
    (statement(Action="ListBucket"), VENDOR),
    (statement(Action="s3:List:Bucket"), "Actions/Condition can contain only one colon."),
    (statement(Action="s 3:ListBucket"), "Vendor s 3 is not valid"),
    (statement(Resource=None), "Policy statement must contain resources."),
    (statement(Resource=""), 'Resource  must be in ARN format or "*".'),
    (statement(Resource="lake"), 'Resource lake must be in ARN format or "*".'),
    (
        statement(Resource="arn:amazon:s3:::lake"),
        'Partition "amazon" is not valid for resource "arn:amazon:s3:::lake".',
    ),
    (statement(Resource="arn:aws:s3::lake"), LEGACY),
    (statement(Resource="arn:aws:*:::lake"), "Resource vendor must be fully qualified and cannot contain regexes."),
    (statement(Resource="arn:aws:s3:eu-west-1::lake"), "can not contain region information."),
    (statement(Resource="arn:aws:iam:eu-west-1::role/a"), "cannot contain region information."),
    (statement(Resource="arn:aws:iam::123456789012:lake"), 'IAM resource path must either be "*" or start with user/'),
    (statement(Principal={"AWS": "*"}), "Policy document should not specify a principal."),
]


@pytest.mark.parametrize("good", GOOD)
def test_statements_that_are_right(good: dict[str, Any]) -> None:
    identity_policy(json.dumps({"Version": "2012-10-17", "Statement": good}))
    identity_policy(json.dumps({"Version": "2012-10-17", "Id": "x", "Statement": [good, statement()]}))


@pytest.mark.parametrize(("bad", "message"), BAD)
def test_statements_that_are_wrong(bad: dict[str, Any], message: str) -> None:
    for statements in (bad, [statement(), bad]):
        assert message in why(json.dumps({"Version": "2012-10-17", "Statement": statements}))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("not JSON", SYNTAX),
        ("[]", SYNTAX),
        ('{"Version": "2012-10-17"}', SYNTAX),
        ('{"Version": "2012-10-17", "Statement": []}', SYNTAX),
        (json.dumps({"Version": "2013-01-01", "Statement": statement()}), SYNTAX),
        (json.dumps({"Version": "2012-10-17", "Statement": statement(), "More": 1}), SYNTAX),
        (json.dumps({"Statement": statement()}), "Policy document must be version 2012-10-17 or greater."),
        (
            json.dumps({"Version": "2008-10-17", "Statement": statement()}),
            "Policy document must be version 2012-10-17 or greater.",
        ),
        (
            json.dumps({"Version": "2012-10-17", "Statement": [statement(Sid="a"), statement(Sid="a")]}),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ],
)
def test_documents_that_are_wrong(document: str, message: str) -> None:
    assert why(document) == message


def why(document: str) -> str:
    with pytest.raises(ServiceError) as caught:
        identity_policy(document)
    assert caught.value.code == "MalformedPolicyDocumentException"
    return caught.value.message


def trust(**changes: Any) -> str:
    whole = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole", **changes}
    return json.dumps({"Statement": {name: value for name, value in whole.items() if value is not None}})


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": "123456789012"},
        {"AWS": ["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/path/name"]},
        {"AWS": "arn:aws:sts::123456789012:assumed-role/name/session"},
        {"AWS": "AROAQ3EGRIYVKBUXYPQRS"},
        {"Service": ["lambda.amazonaws.com", "ops.emr-serverless.amazonaws.com"]},
        {"Federated": "cognito-identity.amazonaws.com"},
    ],
)
def test_principals_that_a_role_may_trust(principal: Any) -> None:
    trust_policy(trust(Principal=principal))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("some policy", SYNTAX),
        (trust(Resource="*"), "Has prohibited field Resource."),
        (trust(Principal=None), "Missing required field Principal"),
        (trust(Action=None), "Missing required field Action"),
        (trust(Action="s3:GetObject"), "AssumeRole policy may only specify STS AssumeRole actions."),
        (trust(Principal={"AWS": "somebody"}), 'Invalid principal in policy: "AWS":"somebody"'),
        (trust(Principal={"AWS": "arn:aws:s3:::lake"}), 'Invalid principal in policy: "AWS":"arn:aws:s3:::lake"'),
        (trust(Principal={"Service": "glue"}), 'Invalid principal in policy: "SERVICE":"glue"'),
        (trust(Principal={"Robot": "r2"}), 'Invalid principal in policy: "Robot":"r2"'),
    ],
)
def test_trust_policies_that_are_wrong(document: str, message: str) -> None:
    with pytest.raises(ServiceError) as caught:
        trust_policy(document)
    assert caught.value.message == message
