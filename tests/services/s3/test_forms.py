"""Uploads by HTML forms are not built, and say so."""

from __future__ import annotations

from typing import Any

import urllib3


def test_an_upload_by_form_says_that_it_is_not_built(s3: Any, bucket: str) -> None:
    form = s3.generate_presigned_post(Bucket=bucket, Key="k")
    answer = urllib3.request("POST", form["url"], fields={**form["fields"], "file": ("k", b"body")})
    assert answer.status == 501
    assert b"<Code>NotImplemented</Code>" in answer.data
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert urllib3.request("POST", form["url"], body=b"").status == 405
