"""Scan: all items of a table or index in the order of their partition keys' hashes, whole or in segments."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call

from . import lag, parameters, reads, schemas, store
from .capacity import throttling
from .service import Invalid, operation, refuse

HASHES = 1 << 32


@operation
def scan(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[DDB-534, DDB-535, DDB-536, DDB-537]"""
    bindings = parameters.bind(
        request,
        ("ProjectionExpression", "FilterExpression"),
        ("AttributesToGet", "ScanFilter", "ConditionalOperator"),
    )
    reads.check_select(request)
    paths, condition = reads.asked(request, bindings, "ScanFilter")
    bindings.check_used()
    low, high = _segment(request)
    table = schemas.find(call, request["TableName"])
    asked = reads.reading(request, table, paths, condition)
    if asked.start is not None and not low <= asked.start.hash < high:
        raise refuse(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
            f"correct Segment. TotalSegments: {request['TotalSegments']} Segment: {request['Segment']}"
        )
    admission = throttling.admit_read(call, table, asked.index)
    if asked.index is None:
        cursor = store.scan(call.db, table.number, low, high, asked.start)
    else:
        cursor = store.index_scan(call.db, table.number, asked.index.number, low, high, asked.start)
    if call.lake.faults.behaviours:
        cursor = lag.of_range(call, table, asked.index, asked.consistent, cursor, low, high, asked.start)
    return reads.page(call, request, asked, cursor, admission)


def _segment(request: dict[str, Any]) -> tuple[bytes, bytes]:
    """The hashes of a segment: [low, high)."""
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if segment is not None and total is None:
        raise Invalid(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if total is None:
        return b"", store.LAST
    if segment is None:
        raise Invalid(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if segment >= total:
        raise Invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    low = (HASHES * segment // total).to_bytes(4, "big") if segment else b""
    high = (HASHES * (segment + 1) // total).to_bytes(4, "big") if segment + 1 < total else store.LAST
    return low, high
