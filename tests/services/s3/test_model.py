"""Random work against a dict: whatever is put, copied, deleted and uploaded, reads and listings agree with it."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

KEYS = st.text(alphabet="ab/é", min_size=1, max_size=4).filter(lambda key: not key.startswith("/"))
BODIES = st.binary(max_size=40) | st.integers(15_000, 200_000).map(lambda size: b"z" * size)
MIB = 1024 * 1024


def machine(lake: Any) -> type[RuleBasedStateMachine]:
    s3 = lake.client("s3")

    class Objects(RuleBasedStateMachine):
        """A bucket, and every version each key has had: (version id, body or None for a marker), newest last."""

        @initialize()
        def begin(self) -> None:
            lake.reset()
            s3.create_bucket(Bucket="model")
            self.versioning = ""
            self.history: dict[str, list[tuple[str, bytes | None]]] = {}

        def write(self, key: str, version: str | None, body: bytes | None) -> None:
            version = version or "null"
            versions = self.history.setdefault(key, [])
            versions[:] = [each for each in versions if each[0] != version]
            versions.append((version, body))

        def current(self, key: str) -> bytes | None:
            versions = self.history.get(key)
            return versions[-1][1] if versions else None

        @rule(status=st.sampled_from(["Enabled", "Suspended"]))
        def set_versioning(self, status: str) -> None:
            s3.put_bucket_versioning(Bucket="model", VersioningConfiguration={"Status": status})
            self.versioning = status

        @rule(key=KEYS, body=BODIES)
        def put(self, key: str, body: bytes) -> None:
            self.write(key, s3.put_object(Bucket="model", Key=key, Body=body).get("VersionId"), body)

        @rule(key=KEYS, tail=BODIES)
        def upload(self, key: str, tail: bytes) -> None:
            named = {"Bucket": "model", "Key": key}
            named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
            bodies = [b"m" * 5 * MIB, tail]
            parts = [
                {"PartNumber": n, "ETag": s3.upload_part(**named, PartNumber=n, Body=body)["ETag"]}
                for n, body in enumerate(bodies, 1)
            ]
            done = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
            self.write(key, done.get("VersionId"), b"".join(bodies))

        @rule(source=KEYS, key=KEYS)
        def copy(self, source: str, key: str) -> None:
            body = self.current(source)
            if body is not None:
                done = s3.copy_object(
                    Bucket="model", Key=key, CopySource={"Bucket": "model", "Key": source}, MetadataDirective="REPLACE"
                )
                self.write(key, done.get("VersionId"), body)

        @rule(key=KEYS)
        def delete(self, key: str) -> None:
            done = s3.delete_object(Bucket="model", Key=key)
            if self.versioning:
                self.write(key, done["VersionId"], None)
            else:
                self.history.pop(key, None)

        @rule(key=KEYS, which=st.integers(0, 5))
        def delete_version(self, key: str, which: int) -> None:
            versions = self.history.get(key)
            if versions:
                version = versions[which % len(versions)]
                s3.delete_object(Bucket="model", Key=key, VersionId=version[0])
                versions.remove(version)

        @invariant()
        def listings_agree(self) -> None:
            if not hasattr(self, "history"):
                return
            there = sorted(key for key in self.history if self.current(key) is not None)
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket="model", PaginationConfig={"PageSize": 3})
            entries = [entry for page in pages for entry in page.get("Contents", [])]
            assert [entry["Key"] for entry in entries] == there
            assert [entry["Size"] for entry in entries] == [len(self.current(key) or b"") for key in there]

        @rule(delimiter=st.sampled_from(["/", "a", "é"]), prefix=st.sampled_from(["", "a", "a/"]))
        def folders_agree(self, delimiter: str, prefix: str) -> None:
            expected = set()
            for key in self.history:
                if self.current(key) is not None and key.startswith(prefix):
                    head, found, _ = key[len(prefix) :].partition(delimiter)
                    expected.add(prefix + head + found)
            pages = s3.get_paginator("list_objects").paginate(
                Bucket="model", Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": 2}
            )
            found_names = []
            for page in pages:
                found_names += [each["Key"] for each in page.get("Contents", [])]
                found_names += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
            assert sorted(found_names) == sorted(expected)
            assert len(found_names) == len(set(found_names))

        @rule(key=KEYS, which=st.integers(0, 5))
        def reads_agree(self, key: str, which: int) -> None:
            body = self.current(key)
            if body is not None:
                assert s3.get_object(Bucket="model", Key=key)["Body"].read() == body
            versions = self.history.get(key)
            if versions:
                version, kept = versions[which % len(versions)]
                if kept is not None:
                    got = s3.get_object(Bucket="model", Key=key, VersionId=version)["Body"].read()
                    assert hashlib.md5(got).digest() == hashlib.md5(kept).digest()

        @rule(size=st.integers(1, 4))
        def versions_agree(self, size: int) -> None:
            pages = s3.get_paginator("list_object_versions").paginate(
                Bucket="model", PaginationConfig={"PageSize": size}
            )
            found: dict[str, set[tuple[str, bool, bool]]] = {}
            for page in pages:
                for member in ("Versions", "DeleteMarkers"):
                    for each in page.get(member, []):
                        told = (each["VersionId"], each["IsLatest"], member == "DeleteMarkers")
                        found.setdefault(each["Key"], set()).add(told)
            expected = {
                key: {(version, n == len(versions), body is None) for n, (version, body) in enumerate(versions, 1)}
                for key, versions in self.history.items()
                if versions
            }
            assert found == expected

        def teardown(self) -> None:
            """With everything deleted no file is left."""
            if not hasattr(self, "history"):
                return
            for key, versions in self.history.items():
                for version, _ in versions:
                    s3.delete_object(Bucket="model", Key=key, VersionId=version)
            s3.delete_bucket(Bucket="model")
            assert [path for path in (lake.directory / "blobs").rglob("*") if path.is_file()] == []

    return Objects


def test_objects_against_a_model(lake: Any) -> None:
    run_state_machine_as_test(
        machine(lake),
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
