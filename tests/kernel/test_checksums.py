"""Checksums against the catalogue's check values, in one piece, in pieces, and joined."""

from __future__ import annotations

import hashlib

import pytest

from pocketlake.kernel import checksums

CHECK = b"123456789"

# The check values of the CRC catalogue (reveng.sourceforge.io), of which S3 uses these three.
CRCS = {"crc32": "cbf43926", "crc32c": "e3069283", "crc64nvme": "ae8b14860a799888"}


@pytest.mark.parametrize(("name", "expected"), CRCS.items())
def test_crcs_have_the_catalogues_check_values(name: str, expected: str) -> None:
    assert checksums.digest(name, CHECK).hex() == expected


@pytest.mark.parametrize("name", checksums.ALGORITHMS)
def test_pieces_give_what_the_whole_gives(name: str) -> None:
    data = bytes(range(256)) * 999
    hasher = checksums.new(name)
    for start in range(0, len(data), 7_001):
        hasher.update(data[start : start + 7_001])
    assert hasher.digest() == checksums.digest(name, data)


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
def test_hashes_are_hashlibs(name: str) -> None:
    assert checksums.digest(name, CHECK) == hashlib.new(name, CHECK).digest()


@pytest.mark.parametrize("name", CRCS)
@pytest.mark.parametrize("data", [b"", b"x"])
def test_empty_input_is_zero_and_changes_nothing(name: str, data: bytes) -> None:
    hasher = checksums.new(name)
    hasher.update(b"")
    assert set(hasher.digest()) == {0}
    hasher.update(data)
    hasher.update(b"")
    assert hasher.digest() == checksums.digest(name, data)


@pytest.mark.parametrize("name", CRCS)
@pytest.mark.parametrize("cut", [0, 1, 5_000, 10_000])
def test_crcs_of_two_parts_combine_to_the_crc_of_both(name: str, cut: int) -> None:
    data = bytes(range(250)) * 40
    first, second = data[:cut], data[cut:]
    joined = checksums.combine(name, checksums.digest(name, first), checksums.digest(name, second), len(second))
    assert joined == checksums.digest(name, data)


def test_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        checksums.new("crc16")
