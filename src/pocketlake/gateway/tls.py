"""TLS with a local authority: made once in the lake's directory, so that clients can be told to trust it.

    AWS_CA_BUNDLE=<lake>/tls/ca.pem aws --endpoint-url https://localhost:4566 s3 ls

The authority's key never leaves that directory (mode 0600).
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

HOSTS = ("localhost", "*.localhost", "s3.localhost", "*.s3.localhost", "127.0.0.1", "::1")
VALID_DAYS = 397  # the longest that common clients accept of a server
AUTHORITY_DAYS = 3650
RENEW_DAYS = 30  # before the end
BACKDATE = timedelta(days=1)  # for clients whose clock is behind


@dataclass(slots=True, frozen=True)
class Authority:
    """Where things lie: `ca` for clients (AWS_CA_BUNDLE), `certificate` (with chain) and `key` for the server."""

    ca: Path
    certificate: Path
    key: Path


def server_context(certificate: str | Path, key: str | Path) -> ssl.SSLContext:
    """A context for the front, which speaks HTTP/2 and HTTP/1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def ensure_authority(directory: Path, now: datetime, hosts: Iterable[str] = ()) -> Authority:
    """The authority of this lake and a certificate for localhost and `hosts`, made or renewed where needed.

    `now` is the machine's time, not the lake's: clients judge certificates by their own clocks.
    """
    from cryptography import x509

    if now.tzinfo is None:
        raise ValueError("`now` needs a time zone")
    folder = Path(directory) / "tls"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = Authority(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    names = tuple(dict.fromkeys((*HOSTS, *hosts)))
    ca_key = _load_key(folder / "ca.key")
    ca = _load_certificate(paths.ca)
    if ca_key is None or ca is None or not _is_current(ca, now) or ca.public_key() != ca_key.public_key():
        ca_key = _new_key()
        ca = _issue_authority(ca_key, now)
        _write(folder / "ca.key", _key_pem(ca_key), 0o600)
        _write(paths.ca, _pem(ca), 0o644)
    leaf, leaf_key = _load_certificate(paths.certificate), _load_key(paths.key)
    if (
        leaf is None
        or leaf_key is None
        or not _is_current(leaf, now)
        or leaf.public_key() != leaf_key.public_key()
        or leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value != _alternative_names(names)
        or not _is_signed_by(leaf, ca)
    ):
        leaf_key = _new_key()
        leaf = _issue_server(leaf_key, names, ca, ca_key, now)
        _write(paths.key, _key_pem(leaf_key), 0o600)
        _write(paths.certificate, _pem(leaf) + _pem(ca), 0o644)
    return paths


def _issue_authority(key: EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    name = _name("Pocketlake local authority")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _begin(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _issue_server(
    key: EllipticCurvePrivateKey,
    names: tuple[str, ...],
    ca: x509.Certificate,
    ca_key: EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID

    return (
        _begin(_name("Pocketlake"), ca.subject, key, now, VALID_DAYS)
        .add_extension(_alternative_names(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _begin(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    from cryptography import x509

    start = now.astimezone(UTC) - BACKDATE
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )


def _name(common_name: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_names(names: Iterable[str]) -> x509.SubjectAlternativeName:
    from cryptography import x509

    def general(name: str) -> x509.GeneralName:
        try:
            return x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            return x509.DNSName(name)

    return x509.SubjectAlternativeName([general(name) for name in names])


def _is_current(certificate: x509.Certificate, now: datetime) -> bool:
    left = certificate.not_valid_after_utc - now
    return certificate.not_valid_before_utc <= now and left > timedelta(days=RENEW_DAYS)


def _is_signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _load_key(path: Path) -> EllipticCurvePrivateKey | None:
    """None where there is none, or none of ours: it is made anew then."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    return key if isinstance(key, EllipticCurvePrivateKey) else None


def _load_certificate(path: Path) -> x509.Certificate | None:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(file, "wb") as opened:
        opened.write(data)
    temporary.replace(path)
