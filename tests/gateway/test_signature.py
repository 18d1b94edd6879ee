"""Signatures: what botocore's signers write is accepted, and nothing else."""

from __future__ import annotations

import calendar
import time
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore.auth import HmacV1Auth, HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketlake.gateway import signature
from pocketlake.gateway.message import Request
from pocketlake.kernel.errors import NotImplemented501, ServiceError

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SIGNERS = {
    ("header", "s3"): S3SigV4Auth,
    ("header", "kinesis"): SigV4Auth,
    ("header", "iam"): SigV4Auth,
    ("query", "s3"): S3SigV4QueryAuth,
    ("query", "sts"): SigV4QueryAuth,
}


def signed(
    kind: str,
    service: str,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    token: str | None = None,
    **options: Any,
) -> Request:
    """A request as it arrives after botocore signed it."""
    url = f"http://localhost:4566{path}" + (f"?{query}" if query else "")
    aws = AWSRequest(method, url, headers=headers or {}, data=body)
    aws.context["payload_signing_enabled"] = True
    signer = SIGNERS[kind, service](Credentials(KEY, SECRET, token), service, "eu-west-1", **options)
    signer.add_auth(aws)
    parts = urlsplit(aws.url)
    arrived = {name.lower(): value for name, value in aws.headers.items()} | {"host": "localhost:4566"}
    return Request(method, parts.path + (f"?{parts.query}" if parts.query else ""), arrived, body)


def check(request: Request, secret: str = SECRET, token: str = "", later: float = 0.0) -> None:
    found = signature.credential(request)
    assert found is not None
    signature.verify(request, found, secret, time.time() + later, token)


def refusal(request: Request, **options: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        check(request, **options)
    return caught.value


class Pieces:
    """A body that arrives in pieces."""

    length = None

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


def drain(body: Any) -> bytes:
    async def read_all() -> bytes:
        whole = b""
        while piece := await body.read():
            whole += piece
        return whole

    reading = read_all()
    try:
        reading.send(None)
    except StopIteration as end:
        return bytes(end.value)
    raise AssertionError("the body waits")


text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
names = text.filter(lambda name: name and not name.startswith("X-Amz-"))  # these are the signature's own
pairs = st.lists(st.tuples(names, text), max_size=4)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(SIGNERS)),
    st.lists(text.filter(lambda part: part not in ("", ".", "..") and "/" not in part), max_size=3),
    pairs,
    st.binary(max_size=40),
)
def test_every_request_that_botocore_signs_is_accepted(
    how: tuple[str, str], path: list[str], query: list[tuple[str, str]], body: bytes
) -> None:
    kind, service = how
    method = "GET" if kind == "query" else "POST"
    encoded = "/" + "/".join(quote(part, safe="~") for part in path)
    body = b"" if kind == "query" else body
    request = signed(kind, service, method, encoded, urlencode(query, quote_via=quote, safe="~"), body=body)
    check(request)
    assert refusal(request, secret=SECRET + "x").code in (
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
    )


@pytest.mark.parametrize("how", sorted(SIGNERS))
def test_the_credential_names_key_scope_and_kind(how: tuple[str, str]) -> None:
    found = signature.credential(signed(*how, token="session"))
    assert found is not None
    assert (found.access_key, found.region, found.service, found.kind) == (KEY, "eu-west-1", how[1], how[0])
    assert found.session_token == "session"
    assert len(found.date) == 8
    assert "host" in found.signed_headers


AUTHORIZATIONS = [
    ("AWS AKID:sig=", ("AKID", "", "s3", "2")),
    (
        "AWS4-HMAC-SHA256 Signature=ab,SignedHeaders=host,Credential=AKID/20130524/us-east-1/sqs/aws4_request",
        ("AKID", "us-east-1", "sqs", "4"),
    ),
    ("AWS4-HMAC-SHA256 Credential=AKID/20130524/us-east-1", ("AKID", "", "", "4")),
    (
        "AWS4-ECDSA-P256-SHA256 Credential=AKID/20130524/s3/aws4_request, SignedHeaders=host, Signature=30",
        ("AKID", "", "s3", "4a"),
    ),
]


@pytest.mark.parametrize(("header", "expected"), AUTHORIZATIONS)
def test_other_forms_of_the_header_are_recognised(header: str, expected: tuple[str, ...]) -> None:
    found = signature.credential(Request("GET", "/", {"authorization": header}))
    assert found is not None
    assert (found.access_key, found.region, found.service, found.version) == expected


@pytest.mark.parametrize("header", ["", "Bearer abc", "Basic abc", "AWS4-HMAC-SHA512 x"])
def test_others_are_nobodys(header: str) -> None:
    assert signature.credential(Request("GET", "/?list-type=2", {"authorization": header})) is None


def test_version_2_outside_s3_is_refused() -> None:
    request = Request("GET", "/?Action=ListQueues&AWSAccessKeyId=AKID&SignatureVersion=2&Signature=x", {})
    assert refusal(request).code == "InvalidRequest"


@pytest.mark.parametrize("signer", [HmacV1Auth, HmacV1QueryAuth])
@pytest.mark.parametrize("token", [None, "session"])
@pytest.mark.parametrize("path", ["/bucket/a%20b/%C3%BC?versionId=x%2By&max-keys=3", "/bucket/?uploads", "/bucket/key"])
def test_version_2_of_s3(signer: Any, token: str | None, path: str) -> None:
    """boto3 presigns so unless it is told otherwise."""
    aws = AWSRequest("PUT", f"http://localhost:4566{path}", headers={"Content-Type": "a/b", "X-Amz-Meta-B": "x  y"})
    signer(Credentials(KEY, SECRET, token)).add_auth(aws)
    parts = urlsplit(aws.url)
    headers = {name.lower(): value for name, value in aws.headers.items()} | {"host": "localhost:4566"}
    if signer is HmacV1QueryAuth:
        headers = {"host": "localhost:4566"}
    request = Request("PUT", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers)
    found = signature.credential(request)
    assert found is not None
    assert (found.access_key, found.version, found.service) == (KEY, "2", "s3")
    check(request, token=token or "")
    error = refusal(request, secret="wrong", token=token or "")
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)
    assert refusal(request, token="another").code == "InvalidToken"
    late = refusal(request, token=token or "", later=4000)
    assert late.code == ("AccessDenied" if signer is HmacV1QueryAuth else "RequestTimeTooSkewed")


@pytest.mark.parametrize("expires", ["", "soon", "-1", "1e9"])
def test_a_version_2_url_says_when_it_ends(expires: str) -> None:
    error = refusal(Request("GET", f"/b/k?AWSAccessKeyId=AKID&Expires={expires}&Signature=x", {}))
    assert (error.code, error.status) == ("AccessDenied", 403)


def test_version_4a_says_that_it_is_not_built() -> None:
    header = "AWS4-ECDSA-P256-SHA256 Credential=A/20130524/s3/aws4_request, SignedHeaders=host, Signature=30"
    with pytest.raises(NotImplemented501):
        check(Request("GET", "/", {"authorization": header}))


@pytest.mark.parametrize(
    ("service", "code"),
    [("s3", "SignatureDoesNotMatch"), ("iam", "SignatureDoesNotMatch"), ("kinesis", "InvalidSignatureException")],
)
@pytest.mark.parametrize("change", ["method", "path", "query", "header", "host"])
def test_a_changed_request_is_refused(service: str, code: str, change: str) -> None:
    request = signed("header", service, headers={"X-Amz-Meta-A": "1"}, query="a=1", body=b"{}")
    if change == "method":
        request.method = "PUT"
    elif change == "path":
        request.target = "/other?a=1"
    elif change == "query":
        request.target = "/?a=2"
    else:
        request.headers["x-amz-meta-a" if change == "header" else "host"] = "changed"
    error = refusal(request)
    assert error.code == code
    assert error.status == (400 if service == "kinesis" else 403)


def test_s3_tells_what_it_would_have_signed() -> None:
    request = signed("header", "s3", "GET", "/bucket/key")
    request.headers["host"] = "elsewhere"
    members = refusal(request).members
    assert members["AWSAccessKeyId"] == KEY
    assert members["SignatureProvided"] in request.headers["authorization"]
    assert members["CanonicalRequest"].startswith("GET\n/bucket/key\n\nhost:elsewhere\n")
    assert members["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
    assert bytes.fromhex(members["CanonicalRequestBytes"]) == members["CanonicalRequest"].encode()


@pytest.mark.parametrize(
    ("service", "code"),
    [("s3", "RequestTimeTooSkewed"), ("iam", "SignatureDoesNotMatch"), ("kinesis", "InvalidSignatureException")],
)
@pytest.mark.parametrize("later", [901.0, -902.0])
def test_a_request_more_than_fifteen_minutes_off_is_refused(service: str, code: str, later: float) -> None:
    request = signed("header", service)
    check(request, later=895 if later > 0 else -895)
    error = refusal(request, later=later)
    assert error.code == code
    if service == "s3":
        assert error.members["MaxAllowedSkewMilliseconds"] == 900000
    else:
        assert ("Signature expired" in error.message) == (later > 0)


def test_a_changed_body_is_refused_by_its_hash() -> None:
    request = signed("header", "s3", "PUT", "/b/k", body=b"data")
    request.body = b"dat4"
    error = refusal(request)
    assert (error.code, error.status) == ("XAmzContentSHA256Mismatch", 400)
    request = signed("header", "kinesis", body=b"{}")
    request.body = b"[]"
    assert refusal(request).code == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("service", "code"), [("s3", "XAmzContentSHA256Mismatch"), ("kinesis", "InvalidSignatureException")]
)
def test_a_body_still_arriving_is_judged_at_its_end(service: str, code: str) -> None:
    request = signed("header", service, "PUT", "/b/k", body=b"first second")
    request.body = Pieces(b"first ", b"second")
    check(request)
    assert drain(request.body) == b"first second"
    request.body = Pieces(b"first ", b"other")
    check(request)
    with pytest.raises(ServiceError) as caught:
        drain(request.body)
    assert caught.value.code == code


def test_s3_wants_every_amz_header_signed() -> None:
    request = signed("header", "s3", "PUT", "/b/k")
    request.headers["x-amz-acl"] = "public-read"
    error = refusal(request)
    assert (error.code, error.members["HeadersNotSigned"]) == ("AccessDenied", "x-amz-acl")
    check(signed("header", "kinesis") or request)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("nonsense", "InvalidArgument"),
        ("UNSIGNED-PAYLOAD", ""),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", ""),
        (None, "InvalidRequest"),
    ],
)
def test_s3s_payload_header(value: str | None, code: str) -> None:
    request = signed("header", "s3", "PUT", "/b/k", body=b"data")
    if value is None:
        del request.headers["x-amz-content-sha256"]
        assert refusal(request).code == code
        return
    request.headers["x-amz-content-sha256"] = value
    if code:
        assert refusal(request).code == code
    else:
        assert refusal(request).members["CanonicalRequest"].endswith(value)


def test_a_presigned_url_lasts_as_long_as_it_says() -> None:
    request = signed("query", "s3", "GET", "/b/k", expires=60)
    check(request, later=58)
    error = refusal(request, later=62)
    assert (error.code, error.message, error.status) == ("AccessDenied", "Request has expired", 403)
    assert error.members["X-Amz-Expires"] == 60
    assert refusal(request, later=-1000).message == "Request is not valid yet"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("X-Amz-Expires=60", "X-Amz-Expires=soon", "X-Amz-Expires should be a number"),
        ("X-Amz-Expires=60", "X-Amz-Expires=-1", "X-Amz-Expires must be non-negative"),
        ("X-Amz-Expires=60", "X-Amz-Expires=604801", "must be less than a week"),
        ("X-Amz-Expires=60", "A=1", "Query-string authentication version 4 requires"),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=NONE", "Query-string authentication version 4 requires"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=", "Query-string authentication version 4 requires"),
        ("X-Amz-Date=", "X-Amz-Date=x", "X-Amz-Date must be in the ISO8601 Long Format"),
    ],
)
def test_a_malformed_presigned_query_says_what_is_wrong(old: str, new: str, message: str) -> None:
    request = signed("query", "s3", "GET", "/b/k", expires=60)
    assert old in request.target
    request.target = request.target.replace(old, new)
    error = refusal(request)
    assert error.code == "AuthorizationQueryParametersError"
    assert message in error.message


@pytest.mark.parametrize("how", sorted(SIGNERS))
def test_a_session_needs_its_own_token(how: tuple[str, str]) -> None:
    code = {"s3": "InvalidToken", "kinesis": "UnrecognizedClientException"}.get(how[1], "InvalidClientTokenId")
    method = "GET" if how[0] == "query" else "POST"
    check(signed(*how, method, token="right"), token="right")
    assert refusal(signed(*how, method, token="wrong"), token="right").code == code
    assert refusal(signed(*how, method), token="right").code == code
    assert refusal(signed(*how, method, token="right")).code == code


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("s3", "AuthorizationHeaderMalformed"),
        ("iam", "IncompleteSignature"),
        ("kinesis", "IncompleteSignatureException"),
    ],
)
@pytest.mark.parametrize("part", ["SignedHeaders=", "Signature="])
def test_an_incomplete_header_says_so(service: str, code: str, part: str) -> None:
    request = signed("header", service)
    whole = request.headers["authorization"]
    request.headers["authorization"] = ",".join(one for one in whole.split(",") if not one.strip().startswith(part))
    assert refusal(request).code == code


def test_the_scopes_day_is_the_requests_day() -> None:
    request = signed("header", "iam")
    found = signature.credential(request)
    assert found is not None
    request.headers["authorization"] = request.headers["authorization"].replace(found.date, "20130524")
    assert "Date in Credential scope does not match" in refusal(request).message


def test_unknown_keys_in_each_services_words() -> None:
    found = signature.credential(signed("header", "s3"))
    assert found is not None
    assert signature.unknown_key("s3", found).code == "InvalidAccessKeyId"
    assert signature.unknown_key("sts", found).code == "InvalidClientTokenId"
    assert signature.unknown_key("kinesis", found).message == "The security token included in the request is invalid."
    assert signature.missing("kinesis").code == "MissingAuthenticationTokenException"
    assert signature.expired("glue").code == "ExpiredTokenException"
    assert signature.expired("s3").code == "ExpiredToken"


def test_the_example_of_the_s3_documentation() -> None:
    """GET Object with a range: Amazon S3 API Reference, "Transferring payload in a single chunk"."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    request = Request(
        "GET",
        "/test.txt",
        {
            "host": "examplebucket.s3.amazonaws.com",
            "range": "bytes=0-9",
            "x-amz-content-sha256": empty,
            "x-amz-date": "20130524T000000Z",
            "authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        },
    )
    found = signature.credential(request)
    assert found is not None
    signature.verify(request, found, SECRET, calendar.timegm((2013, 5, 24, 0, 0, 0)))


def test_verifying_a_small_request_costs_little() -> None:
    request = signed("header", "kinesis", body=b"{}" * 100)
    found = signature.credential(request)
    assert found is not None
    now, rounds = time.time(), 300

    def cost() -> float:
        start = time.perf_counter()
        for _ in range(rounds):
            signature.credential(request)
            signature.verify(request, found, SECRET, now)
        return (time.perf_counter() - start) / rounds

    # The aim is 40 us; a busy machine gets room.
    assert min(cost() for _ in range(5)) < 120e-6
