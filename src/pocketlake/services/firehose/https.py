"""Where a delivery stream's requests may go.

On AWS only https is allowed. Here plain http is, too, to this machine's own loopback addresses: that is where an
endpoint under development listens, and nothing crosses a wire.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from pocketlake.kernel.https import ANSWER_BYTES, Answer, Failure, post

__all__ = ["ANSWER_BYTES", "Answer", "Failure", "is_allowed", "post"]


def is_allowed(url: str) -> bool:
    """Whether requests may go to this URL."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0) and _is_private(parts)
    except ValueError:
        return False


def _is_private(parts: SplitResult) -> bool:
    if parts.scheme == "https":
        return True
    if parts.scheme != "http":
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
