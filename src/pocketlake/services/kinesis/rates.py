"""How often the control plane may be asked: token buckets that hold one second's worth."""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.quotas import Quota, TokenBucket

from .service import errors


def admit(call: Call, quota: Quota, subject: str, name: str) -> None:
    """One more call of this operation on `subject` (an ARN, or an account and region).

    LimitExceededException past the rate; `name` is how its message calls the subject.
    """
    if not call.limits_on:
        return
    key = ("rate", call.operation, subject)
    bucket: TokenBucket | None = call.memory.get(key)
    if bucket is None:
        bucket = call.memory[key] = TokenBucket(quota.value, now=call.now)
    if not bucket.take(1, call.now):
        raise errors.LimitExceededException(f"Rate exceeded for {name} under account {call.account}.")
