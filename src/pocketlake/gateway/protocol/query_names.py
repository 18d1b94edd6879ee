"""What query protocol calls things in services whose models have moved to JSON and lost those names.

Source: botocore 1.31.0's model of SQS, the last one that described its query protocol.
"""

from __future__ import annotations

import copy
from typing import Any

NAMESPACES = {"SQS": "http://queue.amazonaws.com/doc/2012-11-05/"}
# The name of a list's items: all of these lists are flat.
ITEMS = {
    "SQS": {
        "AWSAccountIdList": "AWSAccountId",
        "ActionNameList": "ActionName",
        "AttributeNameList": "AttributeName",
        "BatchResultErrorEntryList": "BatchResultErrorEntry",
        "BinaryList": "BinaryListValue",
        "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
        "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
        "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
        "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
        "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
        "MessageAttributeNameList": "MessageAttributeName",
        "MessageList": "Message",
        "MessageSystemAttributeList": "MessageSystemAttributeName",
        "QueueUrlList": "QueueUrl",
        "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
        "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
        "StringList": "StringListValue",
        "TagKeyList": "TagKey",
    }
}
# The names of a map's entries, their keys and their values.
ENTRIES = {
    "SQS": {
        "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
        "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
        "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
        "QueueAttributeMap": ("Attribute", "Name", "Value"),
        "TagMap": ("Tag", "Key", "Value"),
    }
}


def restored(raw: dict[str, Any]) -> dict[str, Any]:
    """The model with its query names; the model itself where none are known."""
    service = raw["metadata"]["serviceId"]
    if service not in NAMESPACES:
        return raw
    raw = copy.deepcopy(raw)
    raw["metadata"]["xmlNamespace"] = NAMESPACES[service]
    shapes = raw["shapes"]
    for name, item in ITEMS[service].items():
        if name in shapes:
            shapes[name]["flattened"] = True
            shapes[name]["member"]["locationName"] = item
    for name, (_, key, value) in ENTRIES[service].items():
        if name in shapes:
            shapes[name]["flattened"] = True
            shapes[name]["key"]["locationName"], shapes[name]["value"]["locationName"] = key, value
    for shape in shapes.values():
        for member in shape.get("members", {}).values():
            kind = member["shape"]
            if kind in ENTRIES[service]:
                member["locationName"] = ENTRIES[service][kind][0]
            elif kind in ITEMS[service]:
                member["locationName"] = ITEMS[service][kind]
    return raw
