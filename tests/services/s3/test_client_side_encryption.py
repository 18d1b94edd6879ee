"""Client-side encryption: what a client encrypts under a key of its own, S3 keeps as it came and cannot read.

The envelope is that of Amazon's S3 encryption clients: a data key for each object, wrapped by the master key, travels
in the object's metadata beside the nonce and the names of the algorithms.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

MARKER = b"a secret that nobody else may read"
BODY = MARKER * 5000  # large enough to lie in a file of its own


def sealed(body: bytes, master: bytes) -> tuple[bytes, dict[str, str]]:
    key, nonce = os.urandom(32), os.urandom(12)
    envelope = {
        "x-amz-key-v2": base64.b64encode(aes_key_wrap(master, key)).decode(),
        "x-amz-iv": base64.b64encode(nonce).decode(),
        "x-amz-cek-alg": "AES/GCM/NoPadding",
        "x-amz-wrap-alg": "AESWrap",
        "x-amz-unencrypted-content-length": str(len(body)),
    }
    return AESGCM(key).encrypt(nonce, body, None), envelope


def opened(got: dict[str, Any], master: bytes) -> bytes:
    key = aes_key_unwrap(master, base64.b64decode(got["Metadata"]["x-amz-key-v2"]))
    nonce = base64.b64decode(got["Metadata"]["x-amz-iv"])
    return AESGCM(key).decrypt(nonce, got["Body"].read(), None)


@pytest.mark.claim("S3-532")
def test_only_the_master_key_opens_what_the_client_sealed(s3: Any, bucket: str, lake: Any) -> None:
    master = os.urandom(32)
    ciphertext, envelope = sealed(BODY, master)
    s3.put_object(Bucket=bucket, Key="k", Body=ciphertext, Metadata=envelope)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    for key in ("k", "copy"):
        assert opened(s3.get_object(Bucket=bucket, Key=key), master) == BODY
    with pytest.raises((InvalidUnwrap, InvalidTag)):
        opened(s3.get_object(Bucket=bucket, Key="k"), os.urandom(32))
    stored = [path.read_bytes() for path in Path(lake.directory).rglob("*") if path.is_file()]
    assert any(ciphertext in content for content in stored)
    assert not any(MARKER in content for content in stored)
