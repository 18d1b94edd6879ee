"""Services over HTTP/2: every protocol, and signatures that name the host as :authority gives it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.gateway.http2_toy import Peer2, connected2
from tests.gateway.http_toy import run

TARGET = {"x_amz_target": "Kinesis_20131202.ListStreams", "content_type": "application/x-amz-json-1.1"}
NOBODY = "AWS4-HMAC-SHA256 Credential=test/20300501/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"
FORM = {"content_type": "application/x-www-form-urlencoded", "authorization": NOBODY}


def asked(lake: Any, work: Any) -> None:
    async def talk() -> None:
        async with connected2(urlsplit(lake.endpoint_url).port) as peer:
            await work(peer)

    run("asyncio", talk())


def test_json_query_and_rest_services_on_one_connection(lake: Any) -> None:
    lake.client("kinesis").create_stream(StreamName="flights", ShardCount=1)

    async def work(peer: Peer2) -> None:
        streams = peer.ask("/", b"{}", "POST", **TARGET)
        identity = peer.ask("/", b"Action=GetCallerIdentity&Version=2011-06-15", "POST", **FORM)
        bucket = peer.ask("/landing", method="PUT")
        assert json.loads((await peer.answer(streams))[2])["StreamNames"] == ["flights"]
        assert b"<Account>000000000000</Account>" in (await peer.answer(identity))[2]
        assert (await peer.answer(bucket))[0] == 200
        assert (await peer.answer(peer.ask("/landing/key", b"body", "PUT")))[0] == 200
        status, headers, body = await peer.answer(peer.ask("/landing/key"))
        assert (status, body, headers["etag"]) == (200, b"body", '"841a2d689ad86bd1611447453c22c6fc"')
        missing = await peer.answer(peer.ask("/landing/nothing", method="HEAD"))
        assert missing[0] == 404

    asked(lake, work)
    assert lake.client("s3").get_object(Bucket="landing", Key="key")["Body"].read() == b"body"


@pytest.mark.parametrize("honest", [True, False])
def test_signatures_of_known_keys_are_verified(lake: Any, honest: bool) -> None:
    iam = lake.client("iam")
    iam.create_user(UserName="ana")
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_user_policy(UserName="ana", PolicyArn=arn)
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    secret = key["SecretAccessKey"] if honest else "wrong"
    host = urlsplit(lake.endpoint_url).netloc

    async def work(peer: Peer2) -> None:
        for service, signer, method, path, body, given in (
            ("kinesis", SigV4Auth, "POST", "/", b"{}", TARGET),
            ("s3", S3SigV4Auth, "PUT", "/landing", b"", {}),
        ):
            headers = {name.replace("_", "-"): value for name, value in given.items()}
            request = AWSRequest(method, f"http://{host}{path}", headers={**headers, "Host": host}, data=body)
            signer(Credentials(key["AccessKeyId"], secret), service, "us-east-1").add_auth(request)
            signed = {name.lower().replace("-", "_"): value for name, value in request.headers.items()}
            status, _, answer = await peer.answer(peer.ask(path, body, method, authority=signed.pop("host"), **signed))
            assert (status == 200) == honest, answer
            assert honest or b"SignatureDoesNotMatch" in answer or b"InvalidSignatureException" in answer

    asked(lake, work)
