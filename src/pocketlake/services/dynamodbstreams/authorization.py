"""What each operation on streams must be permitted: actions of DynamoDB's, on a stream's ARN.

Source: Service Authorization Reference, "Amazon DynamoDB".
"""

from __future__ import annotations

from pocketlake.kernel.authorization import ANY, Authorization, On, Request, filled, template
from pocketlake.kernel.call import Call
from pocketlake.services.dynamodb.streams.iterators import open_iterator

STREAM = "{StreamArn}"


def stream_read(call: Call, request: Request) -> list[str]:
    """The iterator knows its stream."""
    table, _, label = open_iterator(call, request["ShardIterator"]).stream.partition("/")
    return [filled(template("dynamodb", f"table/{table}/stream/{label}"), call, {})]


authorization = Authorization(
    "dynamodb",
    {
        "describe_stream": STREAM,
        "get_records": On(stream_read),
        "get_shard_iterator": STREAM,
        "list_streams": ANY,
    },
)
