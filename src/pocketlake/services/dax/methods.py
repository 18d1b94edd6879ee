"""The protocol's methods: a number, how many parameters follow it, and who does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import batches, definitions, items, queries, transactions

SERVICE = 1  # the only one there is
AUTHORIZE, ENDPOINTS = 1489122155, 455855874  # of the connection's own: neither asks a table


class Method(NamedTuple):
    name: str  # the API's
    python_name: str
    parameters: int
    handler: Callable[..., bytes] | None
    writes: bool = False


METHODS: dict[int, Method] = {
    AUTHORIZE: Method("AuthorizeConnection", "authorize_connection", 5, None),
    ENDPOINTS: Method("Endpoints", "endpoints", 0, None),
    -742646399: Method("DefineKeySchema", "define_key_schema", 1, definitions.define_key_schema),
    670678385: Method("DefineAttributeList", "define_attribute_list", 1, definitions.define_attribute_list),
    -1230579644: Method(
        "DefineAttributeListId", "define_attribute_list_id", 1, definitions.define_attribute_list_id, writes=True
    ),
    263244906: Method("GetItem", "get_item", 3, items.get_item),
    -2106490455: Method("PutItem", "put_item", 4, items.put_item, writes=True),
    1425579023: Method("UpdateItem", "update_item", 3, items.update_item, writes=True),
    1013539361: Method("DeleteItem", "delete_item", 3, items.delete_item, writes=True),
    -697851100: Method("BatchGetItem", "batch_get_item", 2, batches.batch_get_item),
    116217951: Method("BatchWriteItem", "batch_write_item", 2, batches.batch_write_item, writes=True),
    -931250863: Method("Query", "query", 3, queries.query),
    -1875390620: Method("Scan", "scan", 2, queries.scan),
    1866287579: Method("TransactGetItems", "transact_get_items", 4, transactions.transact_get_items),
    -1160037738: Method(
        "TransactWriteItems", "transact_write_items", 9, transactions.transact_write_items, writes=True
    ),
}
