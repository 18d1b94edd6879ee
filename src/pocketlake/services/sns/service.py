"""The service's declaration: what its operations register with."""

from __future__ import annotations

from pocketlake.kernel.service import Service

from . import store

sns = Service("sns", migrations=store.MIGRATIONS, validation_error="ValidationError")
errors = sns.errors
# Links in messages: a token confirms, and who may end a subscription without a signature the subscription says.
sns.unsigned = {"confirm_subscription", "unsubscribe"}


def invalid(reason: str) -> Exception:
    """InvalidParameter as SNS words it."""
    error: Exception = errors.InvalidParameterException(f"Invalid parameter: {reason}")
    return error


def missing(what: str) -> Exception:
    error: Exception = errors.NotFoundException(f"{what} does not exist")
    return error
