"""What each operation on delivery streams must be permitted.

Source: Service Authorization Reference, "Amazon Kinesis Firehose"; tags given at once: API Reference,
CreateDeliveryStream; roles handed over: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pocketlake.kernel.authorization import ANY, Authorization, On, Request, template
from pocketlake.kernel.call import Call

STREAM = template("firehose", "deliverystream/{DeliveryStreamName}")


def roles(call: Call, request: Request) -> dict[str, None]:
    """Those that Firehose shall assume for reading, transforming and delivering."""
    return dict.fromkeys(_roles(request))


def _roles(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "RoleARN":
                yield member
            else:
                yield from _roles(member)
    elif isinstance(value, list):
        for member in value:
            yield from _roles(member)


authorization = Authorization(
    "firehose",
    {
        "create_delivery_stream": (
            On(STREAM),
            On(STREAM, "TagDeliveryStream", given="Tags"),
            On(roles, "iam:PassRole"),
        ),
        "delete_delivery_stream": STREAM,
        "describe_delivery_stream": STREAM,
        "list_delivery_streams": ANY,
        "list_tags_for_delivery_stream": STREAM,
        "put_record": STREAM,
        "put_record_batch": STREAM,
        "start_delivery_stream_encryption": STREAM,
        "stop_delivery_stream_encryption": STREAM,
        "tag_delivery_stream": STREAM,
        "untag_delivery_stream": STREAM,
        "update_destination": (On(STREAM), On(roles, "iam:PassRole")),
    },
)
