"""The service's declaration: what its operations register with."""

from __future__ import annotations

from pocketlake.kernel.service import Service

from . import store

# Codes whose status is not 400. Source: AWS's answers as LocalStack's and moto's verified tests recorded them.
STATUSES = {"OverLimit": 403, "PurgeQueueInProgress": 403, "RequestThrottled": 403, "ResourceNotFoundException": 404}

sqs = Service(
    "sqs",
    migrations=store.MIGRATIONS,
    validation_error="InvalidParameterValueException",
    statuses=STATUSES,
)
errors = sqs.errors
# What a standard queue is free to do, on demand: see disorder.py.
sqs.behaviours = {"duplicates": {"share": (0.0, 1.0, 1.0)}, "shuffle": {"window": (1, 10_000, 100)}}


def invalid(value: object, parameter: str, reason: str) -> Exception:
    """InvalidParameterValue as SQS words it."""
    error: Exception = errors.InvalidParameterValueException(
        f"Value {value} for parameter {parameter} is invalid. Reason: {reason}"
    )
    return error


def missing(parameter: str) -> Exception:
    error: Exception = errors.MissingRequiredParameterException(f"The request must contain the parameter {parameter}.")
    return error
