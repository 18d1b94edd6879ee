"""The service's declaration, and what its refusals share."""

from __future__ import annotations

from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.service import Service

MIGRATIONS = [
    """
    CREATE TABLE dax_attribute_lists (id INTEGER NOT NULL PRIMARY KEY, names BLOB NOT NULL);
    CREATE TABLE dax_events (
        account TEXT NOT NULL, region TEXT NOT NULL, number INTEGER NOT NULL,
        date REAL NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
        PRIMARY KEY (account, region, number)
    ) WITHOUT ROWID;
    """
]

dax = Service("dax", migrations=MIGRATIONS, validation_error="InvalidParameterValueException")
errors = dax.errors


def invalid(message: str) -> ServiceError:
    error: ServiceError = errors.InvalidParameterValueException(message)
    return error


def refuse(message: str) -> ServiceError:
    """What DynamoDB would not accept: to clients of the data plane."""
    error: ServiceError = errors.ValidationException(message)
    return error
