"""The local authority, and clients that trust it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import stat
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
import uvloop
from botocore.config import Config
from cryptography import x509

from pocketlake.gateway.http import Front, HttpLimits, Reply
from pocketlake.gateway.message import FileSlice, Request, Response
from pocketlake.gateway.tls import Authority, ensure_authority, server_context
from tests.gateway.http_toy import DATE

NOW = datetime.now(UTC)
SIZE = 3 * 1024 * 1024 + 17


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return ensure_authority(tmp_path_factory.mktemp("lake"), NOW)


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def secure_port(
    request: pytest.FixtureRequest, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """A front behind TLS in a thread of its own, which answers with a large slice of a file."""
    file = tmp_path_factory.mktemp("files") / "file"
    file.write_bytes(b"0123456789abcdef" * (SIZE // 16 + 1))
    loop = uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()

    def handle(req: Request, reply: Reply) -> None:
        assert req.secure
        reply(Response(200, [("ETag", '"e"')], FileSlice(str(file), 1, SIZE)))

    front = Front(handle, HttpLimits(), lambda: DATE)
    context = server_context(authority.certificate, authority.key)
    port = loop.run_until_complete(front.listen("127.0.0.1", 0, context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield port
    asyncio.run_coroutine_threadsafe(front.close(1), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_urllib_trusts_the_bundle(secure_port: int, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=str(authority.ca))
    for host in ("localhost", "127.0.0.1"):
        with urllib.request.urlopen(f"https://{host}:{secure_port}/", context=context, timeout=5) as answer:
            body = answer.read()
        assert len(body) == SIZE
        assert body.startswith(b"123456789abcdef0")


def test_nobody_else_does(secure_port: int) -> None:
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"https://localhost:{secure_port}/", timeout=5)


def test_boto3_trusts_the_bundle(secure_port: int, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.ca))
    s3 = boto3.client(
        "s3",
        endpoint_url=f"https://localhost:{secure_port}",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 0}),
    )
    assert len(s3.get_object(Bucket="bucket", Key="key")["Body"].read()) == SIZE


def test_what_is_current_is_kept_and_what_ends_soon_is_renewed(tmp_path: Path) -> None:
    paths = ensure_authority(tmp_path, NOW)
    files = [paths.ca, paths.certificate, paths.key]
    first = [path.read_bytes() for path in files]
    ensure_authority(tmp_path, NOW + timedelta(days=360))
    assert [path.read_bytes() for path in files] == first
    ensure_authority(tmp_path, NOW + timedelta(days=370))
    assert paths.ca.read_bytes() == first[0]
    assert paths.certificate.read_bytes() != first[1]
    ensure_authority(tmp_path, NOW + timedelta(days=3650))
    assert paths.ca.read_bytes() != first[0]


def test_more_hosts_mean_a_new_certificate(tmp_path: Path) -> None:
    paths = ensure_authority(tmp_path, NOW, hosts=["lake.example", "10.0.0.7"])
    certificate = x509.load_pem_x509_certificate(paths.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "*.localhost", "s3.localhost", "*.s3.localhost", "lake.example"} == set(
        names.get_values_for_type(x509.DNSName)
    )
    assert {"127.0.0.1", "::1", "10.0.0.7"} == {str(a) for a in names.get_values_for_type(x509.IPAddress)}
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=397)


@pytest.mark.parametrize("name", ["ca.pem", "ca.key", "server.pem", "server.key"])
def test_damaged_files_are_made_anew(tmp_path: Path, name: str) -> None:
    ensure_authority(tmp_path, NOW)
    (tmp_path / "tls" / name).write_bytes(b"rubbish")
    paths = ensure_authority(tmp_path, NOW)
    server_context(paths.certificate, paths.key)


def test_keys_are_for_the_owner_only(tmp_path: Path) -> None:
    paths = ensure_authority(tmp_path, NOW)
    for key in (paths.key, paths.ca.with_name("ca.key")):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        ensure_authority(tmp_path, datetime(2026, 1, 1))


@pytest.mark.parametrize("kind", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_a_peer_that_keeps_an_idle_connection_holds_up_the_end_for_a_second_at_most(
    authority: Authority, kind: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """It does not read, so it never answers the end of TLS: connection pools of the KPL and of curl are like that."""
    loop = kind()
    front = Front(lambda req, reply: reply(Response(200, [], b"ok")), HttpLimits(), lambda: DATE)
    context = server_context(authority.certificate, authority.key)
    port = loop.run_until_complete(front.listen("127.0.0.1", 0, context))

    def ask() -> ssl.SSLSocket:
        trusting = ssl.create_default_context(cafile=str(authority.ca))
        client = trusting.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        return client

    silent = socket.create_connection(("127.0.0.1", port))  # and one that never says hello
    client = loop.run_until_complete(loop.run_in_executor(None, ask))
    began = time.monotonic()
    loop.run_until_complete(front.close(30))
    assert time.monotonic() - began < 5
    client.close()
    silent.close()
    loop.close()
