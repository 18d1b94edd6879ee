"""What each operation on queues must be permitted. A batch needs the action of its single form.

Sources: Service Authorization Reference, "Amazon SQS"; developer guide, "Amazon SQS API permissions: Actions and
resource reference", and "Configure a dead-letter queue redrive" for the queues that a move task works on.
"""

from __future__ import annotations

import base64

import orjson

from pocketlake.kernel.authorization import ANY, Authorization, On, Request, filled, template
from pocketlake.kernel.call import Call

from . import addresses

NAMED = template("sqs", "{QueueName}")
OF_ACCOUNT = "arn:aws:sqs:{region}:{QueueOwnerAWSAccountId}:{QueueName}|" + NAMED
SOURCE = "{SourceArn}"


def queue(call: Call, request: Request) -> list[str]:
    """The one that QueueUrl names, whether it is there or not."""
    account, name = addresses.owner_and_name(call, request["QueueUrl"])
    return [filled(OF_ACCOUNT, call, {"QueueOwnerAWSAccountId": account, "QueueName": name})]


def moved_queue(call: Call, request: Request) -> list[str]:
    """The source that a move task's handle names; a handle that is none is the operation's to refuse."""
    try:
        return [str(orjson.loads(base64.b64decode(request["TaskHandle"]))["sourceArn"])]
    except (ValueError, KeyError, TypeError):
        return [filled(NAMED, call, {})]


authorization = Authorization(
    "sqs",
    {
        "add_permission": On(queue),
        "cancel_message_move_task": On(moved_queue),
        "change_message_visibility": On(queue),
        "change_message_visibility_batch": On(queue, "ChangeMessageVisibility"),
        "create_queue": (On(NAMED), On(NAMED, "TagQueue", given="tags")),
        "delete_message": On(queue),
        "delete_message_batch": On(queue, "DeleteMessage"),
        "delete_queue": On(queue),
        "get_queue_attributes": On(queue),
        "get_queue_url": OF_ACCOUNT,
        "list_dead_letter_source_queues": On(queue),
        "list_message_move_tasks": SOURCE,
        "list_queue_tags": On(queue),
        "list_queues": ANY,
        "purge_queue": On(queue),
        "receive_message": On(queue),
        "remove_permission": On(queue),
        "send_message": On(queue),
        "send_message_batch": On(queue, "SendMessage"),
        "set_queue_attributes": On(queue),
        "start_message_move_task": (
            On(SOURCE),
            On(SOURCE, "ReceiveMessage"),
            On(SOURCE, "DeleteMessage"),
            On(SOURCE, "GetQueueAttributes"),
            On("{DestinationArn}", "SendMessage", given="DestinationArn"),
        ),
        "tag_queue": On(queue),
        "untag_queue": On(queue),
    },
)
