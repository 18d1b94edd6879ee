"""Signatures over HTTP, with a key that the lake knows: presigned URLs, signed chunks, bodies larger than the spool."""

from __future__ import annotations

import base64
import hashlib
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

EMPTY = hashlib.sha256(b"").hexdigest()
CHUNK = 65536
LARGE = 3 * 1024 * 1024


@pytest.fixture
def key(lake: Any) -> dict[str, str]:
    iam = lake.client("iam")
    iam.create_user(UserName="ada")
    lake.client("s3").create_bucket(Bucket="lake")
    return iam.create_access_key(UserName="ada")["AccessKey"]


def using(lake: Any, service: str, key: dict[str, str], secret: str = "", **options: Any) -> Any:
    secret = secret or key["SecretAccessKey"]
    return lake.client(service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=secret, **options)


def ask(method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body or None, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_presigned_urls_are_checked(lake: Any, key: dict[str, str]) -> None:
    s3 = using(lake, "s3", key, config=Config(signature_version="s3v4"))
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "lake", "Key": "a b/ü+~"}, ExpiresIn=60)
    get = s3.generate_presigned_url("get_object", Params={"Bucket": "lake", "Key": "a b/ü+~"}, ExpiresIn=60)
    assert ask("PUT", put, b"data")[0] == 200
    assert ask("GET", get) == (200, b"data")
    status, text = ask("DELETE", get)
    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    status, text = ask("GET", get.replace("lake/", "lake/other"))
    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    status, text = ask("GET", get.replace("X-Amz-Expires=60", "X-Amz-Expires=1000000"))
    assert (status, b"<Code>AuthorizationQueryParametersError</Code>" in text) == (400, True)


def test_presigned_urls_as_boto3_writes_them_untold(lake: Any, key: dict[str, str]) -> None:
    s3 = using(lake, "s3", key)
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "lake", "Key": "a b/ü+~"}, ExpiresIn=60)
    assert "AWSAccessKeyId=" in put  # Signature Version 2
    # urllib adds a content type of its own unless it is told one, and Version 2 signs it.
    assert ask("PUT", put, b"data", {"Content-Type": ""})[0] == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": "lake", "Key": "a b/ü+~"}, ExpiresIn=60)
    assert ask("GET", get) == (200, b"data")
    status, text = ask("GET", get.replace("lake/", "lake/other"))
    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)


def test_presigned_urls_last_by_the_machines_clock(lake: Any, key: dict[str, str]) -> None:
    url = using(lake, "s3", key).generate_presigned_url("list_objects_v2", Params={"Bucket": "lake"}, ExpiresIn=60)
    lake.clock.advance(days=365)
    assert ask("GET", url)[0] == 200


def chunked_upload(lake: Any, key: dict[str, str], data: bytes, tampered: bool = False) -> tuple[int, bytes]:
    """An upload whose chunks are signed one after the other, as the Java SDK sends it."""

    class Streaming(S3SigV4Auth):
        def payload(self, request: Any) -> str:
            return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"

    url = f"{lake.endpoint_url}/lake/chunked"
    headers = {
        "Content-Encoding": "aws-chunked",
        "X-Amz-Decoded-Content-Length": str(len(data)),
        "X-Amz-Trailer": "x-amz-checksum-sha1",
    }
    request = AWSRequest("PUT", url, headers=headers, data=b"")
    signer = Streaming(Credentials(key["AccessKeyId"], key["SecretAccessKey"]), "s3", "us-east-1")
    signer.add_auth(request)
    scope = signer.credential_scope(request)
    previous = request.headers["Authorization"].rpartition("Signature=")[2]

    def sign(kind: str, *hashes: str) -> str:
        nonlocal previous
        text = "\n".join([f"AWS4-HMAC-SHA256-{kind}", request.headers["X-Amz-Date"], scope, previous, *hashes])
        previous = signer.signature(text, request)
        return previous

    body = b""
    for at in [*range(0, len(data), CHUNK), len(data)]:
        piece = data[at : at + CHUNK]
        signature = sign("PAYLOAD", EMPTY, hashlib.sha256(piece).hexdigest())
        body += b"%x;chunk-signature=%b\r\n%b" % (len(piece), signature.encode(), piece) + b"\r\n" * bool(piece)
    line = "x-amz-checksum-sha1:" + base64.b64encode(hashlib.sha1(data).digest()).decode()
    trailer = sign("TRAILER", hashlib.sha256(f"{line}\n".encode()).hexdigest())
    body += f"{line}\r\nx-amz-trailer-signature:{trailer}\r\n\r\n".encode()
    if tampered:
        body = body.replace(data[-5:] + b"\r\n", b"other\r\n")
    return ask("PUT", url, body, dict(request.headers.items()))


@pytest.mark.parametrize("size", [0, 11, CHUNK * 3 + 17, LARGE])
def test_signed_chunks_are_put_together(lake: Any, key: dict[str, str], size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    assert chunked_upload(lake, key, data)[0] == 200
    found = lake.client("s3").get_object(Bucket="lake", Key="chunked", ChecksumMode="ENABLED")
    assert found["Body"].read() == data
    assert "ChecksumSHA1" in found
    assert "aws-chunked" not in found.get("ContentEncoding", "")


@pytest.mark.parametrize("size", [11, LARGE])
def test_a_tampered_chunk_leaves_nothing_behind(lake: Any, key: dict[str, str], size: int) -> None:
    status, text = chunked_upload(lake, key, b"z" * (size - 5) + b"hello", tampered=True)
    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    assert lake.client("s3").list_objects_v2(Bucket="lake")["KeyCount"] == 0


def test_bodies_larger_than_the_spool_are_judged_before_they_are_used(lake: Any, key: dict[str, str]) -> None:
    lake.client("kinesis").create_stream(StreamName="flights", ShardCount=4)
    lake.clock.advance(seconds=60)
    records = [{"Data": bytes(200_000), "PartitionKey": str(number)} for number in range(9)]
    answer = using(lake, "kinesis", key).put_records(StreamName="flights", Records=records)
    assert len(answer["Records"]) == 9
    with pytest.raises(ClientError) as caught:
        using(lake, "kinesis", key, "wrong").put_records(StreamName="flights", Records=records)
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    s3 = using(lake, "s3", key, "wrong")
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket="lake", Key="large", Body=bytes(LARGE))
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert lake.client("s3").list_objects_v2(Bucket="lake")["KeyCount"] == 0


def test_a_declared_hash_must_be_the_bodys(lake: Any, key: dict[str, str]) -> None:
    for size in (10, LARGE):
        request = AWSRequest("PUT", f"{lake.endpoint_url}/lake/k", data=b"a" * size)
        request.context["payload_signing_enabled"] = True
        S3SigV4Auth(Credentials(key["AccessKeyId"], key["SecretAccessKey"]), "s3", "us-east-1").add_auth(request)
        assert urlsplit(request.url).path == "/lake/k"
        status, text = ask("PUT", request.url, b"b" * size, dict(request.headers.items()))
        assert (status, b"<Code>XAmzContentSHA256Mismatch</Code>" in text) == (400, True)
    assert lake.client("s3").list_objects_v2(Bucket="lake")["KeyCount"] == 0
