"""Signed mode: nobody gets in whom the lake does not know; a new lake knows its root user."""

import configparser
import stat
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.exceptions import ClientError

import pocketlake


@pytest.fixture
def signed(tmp_path):
    with pocketlake.run(tmp_path, auth="signed") as lake:
        yield lake


def client(lake, service, key, secret):
    session = boto3.session.Session(key, secret, region_name="us-east-1")
    return session.client(service, endpoint_url=lake.endpoint_url)


def root_key(lake):
    path = lake.directory / "credentials"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = configparser.ConfigParser()
    found.read(path)
    return found["default"]["aws_access_key_id"], found["default"]["aws_secret_access_key"]


def test_the_root_user_s_key_gets_in_and_a_wrong_secret_does_not(signed):
    key, secret = root_key(signed)
    assert client(signed, "sts", key, secret).get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    for service, operation in (("sts", "get_caller_identity"), ("kinesis", "list_streams"), ("s3", "list_buckets")):
        with pytest.raises(ClientError, match="Signature"):
            getattr(client(signed, service, key, "wrong"), operation)()


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("kinesis", "list_streams", "UnrecognizedClientException"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
    ],
)
def test_unknown_keys_are_refused(signed, service, operation, code):
    with pytest.raises(ClientError) as caught:
        getattr(client(signed, service, "AKIAUNKNOWN", "x"), operation)()
    assert caught.value.response["Error"]["Code"] == code


def test_nobody_in_particular_reads_nothing(signed):
    key, secret = root_key(signed)
    s3 = client(signed, "s3", key, secret)
    s3.create_bucket(Bucket="private")
    s3.put_object(Bucket="private", Key="k", Body=b"secret")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{signed.endpoint_url}/private/k")
    assert caught.value.code == 403


def test_the_first_key_is_made_once(tmp_path):
    with pocketlake.run(tmp_path, auth="signed") as lake:
        first = root_key(lake)
    with pocketlake.run(tmp_path, auth="signed") as lake:
        assert root_key(lake) == first
        client(lake, "kinesis", *first).list_streams()
