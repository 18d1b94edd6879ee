"""The limits of SNS, each with its source."""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

REFERENCE = "SNS API reference, "
GENERAL = "AWS General Reference, Amazon SNS endpoints and quotas"
FILTERS = "SNS developer guide, Filter policy constraints"
RETRIES = "SNS developer guide, Message delivery retries"
DAY = 86_400

TOPICS = Quota("standard topics per account", 100_000, "topics", GENERAL, adjustable=True)
FIFO_TOPICS = Quota("FIFO topics per account", 1_000, "topics", GENERAL, adjustable=True)
FIFO_SUBSCRIPTIONS = Quota("subscriptions of a FIFO topic", 100, "subscriptions", GENERAL, adjustable=True)
LARGE_SUBSCRIPTIONS = Quota(
    "subscriptions of a topic with messages above 256 KiB", 100, "subscriptions", REFERENCE + "CreateTopic"
)
PAGE = Quota("topics or subscriptions of one page", 100, "resources", REFERENCE + "ListTopics")
TAGS = Quota("tags per topic", 50, "tags", GENERAL)
NAME_LENGTH = Quota("topic name", 256, "characters", REFERENCE + "CreateTopic")
DISPLAY_NAME = Quota("display name", 100, "characters", REFERENCE + "CreateTopic")

MESSAGE_BYTES = Quota(
    "one message with its attributes, unless the topic says more", 262_144, "bytes", REFERENCE + "Publish"
)
LARGE_MESSAGE_BYTES = Quota("MaximumMessageSize, at most", 1_048_576, "bytes", REFERENCE + "CreateTopic")
SMALL_MESSAGE_BYTES = Quota("MaximumMessageSize, at least", 1_024, "bytes", REFERENCE + "CreateTopic")
SMS_CHARACTERS = Quota("one SMS publish", 1_600, "characters", REFERENCE + "Publish")
FIFO_TOPIC_RATE = Quota(
    "messages published to a FIFO topic, unless its throughput scope is MessageGroup", 3_000, "messages/s", GENERAL
)
FIFO_GROUP_RATE = Quota("messages published in a message group", 300, "messages/s", GENERAL)
BATCH_ENTRIES = Quota("entries of a batch", 10, "entries", REFERENCE + "PublishBatch")
SUBJECT = Quota("subject", 100, "characters", REFERENCE + "Publish")
DEDUPLICATION = Quota("a deduplication ID is remembered", 300, "seconds", REFERENCE + "Publish")
CONFIRMATION = Quota("a confirmation token lives", 2 * DAY, "seconds", REFERENCE + "Subscribe")

FILTER_KEYS = Quota("keys of a filter policy", 5, "keys", FILTERS)
FILTER_COMBINATIONS = Quota("combinations of a filter policy", 150, "combinations", FILTERS)
FILTER_BYTES = Quota("a filter policy", 262_144, "bytes", FILTERS)
TOPIC_FILTERS = Quota("filter policies of a topic", 200, "policies", FILTERS, adjustable=True)

RETRY_SECONDS = Quota("all retries of a delivery together", 3_600, "seconds", RETRIES)
RETRY_COUNT = Quota("retries of a delivery", 100, "retries", RETRIES)
ANSWER_SECONDS = Quota(
    "an HTTP endpoint answers within", 15, "seconds", "SNS developer guide, HTTP/HTTPS prerequisites"
)
ARCHIVE_DAYS = Quota(
    "retention of an archive", 365, "days", "SNS developer guide, Message archiving for FIFO topic owners"
)
DATA_PROTECTION = Quota("data protection policy", 30_720, "characters", REFERENCE + "PutDataProtectionPolicy")
USER_DATA = Quota("CustomUserData", 2_048, "bytes", REFERENCE + "CreatePlatformEndpoint")
OUTBOX_PAGE = Quota("messages of one look into the outbox", 1_000, "messages", "ours")

# Messages a second that an account publishes; adjustable.
PUBLISH_RATES = {
    "us-east-1": 30_000, "us-west-2": 9_000, "eu-west-1": 9_000,
    "us-east-2": 1_500, "us-west-1": 1_500, "ap-south-1": 1_500, "ap-northeast-2": 1_500, "ap-southeast-1": 1_500,
    "ap-southeast-2": 1_500, "ap-northeast-1": 1_500, "eu-central-1": 1_500,
}  # fmt: skip
PUBLISH_RATE_ELSEWHERE = Quota("messages that an account publishes, in regions not named", 300, "messages/s", GENERAL)


def publish_rate(region: str) -> float:
    """Messages a second of an account, those of batches counted one by one."""
    return PUBLISH_RATES.get(region, PUBLISH_RATE_ELSEWHERE.value)
