"""Documents for tests."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::lake/*"}],
}


def new_role(iam: Any, name: str = "delivery", **options: Any) -> dict[str, Any]:
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **options)["Role"]


def new_policy(iam: Any, name: str = "read", **options: Any) -> str:
    return iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(READ), **options)["Policy"]["Arn"]


@contextmanager
def refused(code: str, message: str = "", status: int = 0):
    """The block is refused with this code; the message holds `message`."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    assert answer["Error"]["Code"] == code
    assert message in answer["Error"]["Message"]
    assert not status or answer["ResponseMetadata"]["HTTPStatusCode"] == status
