"""Signatures of messages, by a key and a certificate of this lake that any client can fetch and check.

The certificate certifies itself: no authority stands behind it. Its name is that of AWS's, which clients look for.
Source: SNS developer guide, "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pocketlake.kernel.call import Call

from .service import sns

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KEY_BITS = 2048
VALID = timedelta(days=3650)
BACKDATE = timedelta(days=1)
COMMON_NAME = "sns.amazonaws.com"
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class Signer(NamedTuple):
    """`name` is the certificate's file name, which changes with the key."""

    key: RSAPrivateKey
    certificate: bytes
    name: str


def signer(call: Call) -> Signer:
    return _signer(call.lake.directory / "sns")


@lru_cache(maxsize=8)
def _signer(folder: Path) -> Signer:
    """Read, or made at the first message: a key takes some tenths of a second. It outlives a reset of the lake."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = folder / "signing.pem"
    if not path.is_file():
        _make(folder, path)
    pem = path.read_bytes()
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, RSAPrivateKey)
    certificate = pem[pem.index(b"-----BEGIN CERTIFICATE") :]
    print_ = x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256())
    return Signer(key, certificate, f"SimpleNotificationService-{print_.hex()[:32]}.pem")


def _make(folder: Path, path: Path) -> None:
    """Key and certificate in one file, which is there whole or not at all."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    start = datetime.now(UTC) - BACKDATE  # clients judge certificates by the machine's time, not the lake's
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(COMMON_NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name("signing.pem.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.write(certificate.public_bytes(Encoding.PEM))
    temporary.replace(path)


def sign(call: Call, body: dict[str, Any], version: str) -> dict[str, str]:
    """SignatureVersion, Signature and SigningCertURL of a message. Version 1 is SHA1withRSA, 2 SHA256withRSA."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    own = signer(call)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = own.key.sign(signed_text(body).encode(), PKCS1v15(), algorithm)
    return {
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": f"{call.endpoint}/_pocketlake/documents/sns/{own.name}",
    }


def signed_text(body: dict[str, Any]) -> str:
    return "".join(f"{name}\n{body[name]}\n" for name in SIGNED[body["Type"]] if body.get(name) is not None)


@sns.document
def certificate(call: Call, name: str) -> bytes | None:
    """The certificate under the name that messages tell."""
    own = signer(call)
    return own.certificate if name == own.name else None
