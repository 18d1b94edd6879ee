"""Item collections: the items under one partition key with their entries in local indexes, 10 GB at most.  [DDB-513]

Only tables with local indexes have the limit. A row for each collection holds its bytes, kept up by each write in the
write's own transaction; a collection that has no row yet is added up once.

Source: developer guide, Local secondary indexes, "Item collection size limit".
"""

from __future__ import annotations

from pocketlake.kernel.call import Call

from .. import quotas, store
from ..schemas import Table
from ..service import errors


def grow(call: Call, table: Table, hash: bytes, bytes_: int) -> None:
    """Add what a write adds, before it is made; less than nothing where items shrink.

    ItemCollectionSizeLimitExceededException: shrinking is always allowed.
    """
    size = measure(call, table, hash) + bytes_
    if bytes_ > 0 and size > quotas.COLLECTION_BYTES.value and call.limits_on:
        raise errors.ItemCollectionSizeLimitExceededException("Collection size exceeded.")
    store.put_collection(call.db, table.number, hash, size)


def measure(call: Call, table: Table, hash: bytes) -> int:
    """Bytes of a collection."""
    known = store.collection(call.db, table.number, hash)
    if known is not None:
        return known
    local = [index.number for index in table.indexes if not index.is_global]
    return store.sum_collection(call.db, table.number, local, hash)
