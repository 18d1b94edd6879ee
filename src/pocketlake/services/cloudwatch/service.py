"""The service's declaration: what its operations register with."""

from __future__ import annotations

from pocketlake.kernel.service import Service

from . import store

cloudwatch = Service("cloudwatch", migrations=store.MIGRATIONS, validation_error="ValidationError")
errors = cloudwatch.errors


def invalid(message: str) -> Exception:
    """InvalidParameterValue."""
    error: Exception = errors.InvalidParameterValueException(message)
    return error


def combination(message: str) -> Exception:
    """InvalidParameterCombination."""
    error: Exception = errors.InvalidParameterCombinationException(message)
    return error


def refuse(message: str) -> Exception:
    """ValidationError, whose messages end in a line feed on AWS."""
    error: Exception = errors.ValidationError(f"{message}\n")
    return error
