"""What clients ask before they can say anything else: key schemas of tables, and lists of attributes' names."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.errors import ServiceError

from . import attribute_lists
from .requests import Request
from .service import errors
from .wire import values
from .wire.failures import TABLE_NOT_FOUND
from .wire.scanning import Malformed
from .wire.values import Members


def define_key_schema(request: Request, table_name: Any) -> bytes:
    """Names and types of the key, the partition key first."""
    try:
        schema = request.schema(request.table(table_name))
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise errors.ResourceNotFoundException(error.message, DaxCodes=TABLE_NOT_FOUND) from None
    found = {schema.hash: schema.hash_type}
    if schema.sort is not None:
        found[schema.sort] = schema.sort_type
    return values.dump(found)


def define_attribute_list(request: Request, number: Any) -> bytes:
    if type(number) is not int:
        raise Malformed("a list's number is a number")
    return values.dump(list(attribute_lists.names_of(request.call, number)))


def define_attribute_list_id(request: Request, names: Any) -> bytes:
    """Clients send an array; the one for Java a set, in order all the same."""
    listed = names.values if type(names) is Members else names
    if not isinstance(listed, (list, tuple)) or not all(type(name) is str for name in listed):
        raise Malformed("a list is of names")
    return values.dump(attribute_lists.number_of(request.call, tuple(listed)))
