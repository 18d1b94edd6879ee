"""The limits of SQS, each with its source."""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

QUEUES = "SQS developer guide, Amazon SQS standard queue quotas"
FIFO = "SQS developer guide, Amazon SQS FIFO queue quotas"
MESSAGES = "SQS developer guide, Amazon SQS message quotas"
REFERENCE = "SQS API reference, "
FAIR = "SQS developer guide, How Amazon SQS fair queues work"
MIB = 1024 * 1024
DAY = 86_400

NAME_LENGTH = Quota("queue name", 80, "characters", QUEUES)
LISTED = Quota("queues of one ListQueues", 1000, "queues", QUEUES)
TAGS = Quota("tags per queue", 50, "tags", QUEUES)
PURGE_INTERVAL = Quota("purges of a queue, one in", 60, "seconds", REFERENCE + "PurgeQueue")
RECREATION = Quota("a deleted queue's name is free after", 60, "seconds", REFERENCE + "DeleteQueue")
PERMISSION_ACTIONS = Quota("actions of one AddPermission", 7, "actions", REFERENCE + "AddPermission")

MESSAGE_BYTES = Quota("one message with its attributes", MIB, "bytes", MESSAGES + " (256 KiB until August 2025)")
BATCH_BYTES = Quota("all messages of a batch", MIB, "bytes", MESSAGES)
BATCH_ENTRIES = Quota("entries of a batch", 10, "entries", MESSAGES)
ATTRIBUTES = Quota("attributes of a message", 10, "attributes", MESSAGES)
RECEIVE = Quota("messages of one ReceiveMessage", 10, "messages", REFERENCE + "ReceiveMessage")
WAIT = Quota("long poll", 20, "seconds", QUEUES)
DELAY = Quota("delay of a message", 900, "seconds", QUEUES)
VISIBILITY = Quota("visibility timeout, in all", 43_200, "seconds", MESSAGES)
RECEIVES = Quota("maxReceiveCount", 1000, "receives", REFERENCE + "SetQueueAttributes")
SOURCES = Quota("queues that a RedriveAllowPolicy names", 10, "queues", REFERENCE + "SetQueueAttributes")

IN_FLIGHT = Quota("messages in flight of a standard queue", 120_000, "messages", QUEUES, adjustable=True)
# Older editions of the guide say 20,000; its page on message backlogs has said 120,000 since November 2024.
FIFO_IN_FLIGHT = Quota(
    "messages in flight of a FIFO queue",
    120_000,
    "messages",
    "SQS developer guide, Avoid large message backlogs with the same message group ID",
    adjustable=True,
)
DEDUPLICATION = Quota("a message's deduplication ID is remembered", 300, "seconds", FIFO)
ATTEMPT = Quota("a ReceiveRequestAttemptId is remembered", 300, "seconds", REFERENCE + "ReceiveMessage")
FIFO_CALLS = Quota("calls of each API action on a FIFO queue", 300, "calls/s", FIFO)

NOISY_SHARE = Quota("a noisy tenant's share of the messages in flight, above", 0.10, "of all", FAIR)
NOISY_MESSAGES = Quota("a noisy tenant's messages in flight, at least", 30, "messages", FAIR)

MOVE_RATE = Quota("messages of a move task", 500, "messages/s", REFERENCE + "StartMessageMoveTask")
MOVE_TASKS = Quota("move tasks listed of a queue", 10, "tasks", REFERENCE + "ListMessageMoveTasks")

# Calls a second of each action on a FIFO queue in high-throughput mode, without batching.
HIGH_THROUGHPUT = {
    "us-east-1": 70_000, "us-west-2": 70_000, "eu-west-1": 70_000,
    "us-east-2": 19_000, "eu-central-1": 19_000,
    "ap-south-1": 9_000, "ap-southeast-1": 9_000, "ap-southeast-2": 9_000, "ap-northeast-1": 9_000,
    "eu-west-2": 4_500, "sa-east-1": 4_500,
}  # fmt: skip
HIGH_THROUGHPUT_ELSEWHERE = Quota(
    "calls of each API action on a FIFO queue in high-throughput mode, in regions not named", 2_400, "calls/s", FIFO
)


def fifo_calls(region: str, is_high_throughput: bool) -> float:
    """Calls a second of each API action."""
    if not is_high_throughput:
        return FIFO_CALLS.value
    return HIGH_THROUGHPUT.get(region, HIGH_THROUGHPUT_ELSEWHERE.value)
