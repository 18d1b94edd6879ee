"""Answers that are the same everywhere."""

from __future__ import annotations

from typing import Any

NO_CONTENT: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": 204}}
