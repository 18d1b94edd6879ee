"""Messages: sent, alone and in batches."""

from __future__ import annotations

import hashlib
import random
import re
from typing import Any

from pocketlake.kernel.call import Call

from . import addresses, batches, fifo, fifo_store, message_attributes, quotas, settling, store
from .live import Queue, milliseconds
from .service import errors, invalid, missing, sqs

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
IDENTIFIER = re.compile(r"[!-~]{1,128}")  # letters, digits and punctuation
UUID_MASK = ~((0xF << 76) | (0x3 << 62))
UUID_BITS = (0x4 << 76) | (0x2 << 62)
BATCH_BYTES = int(quotas.BATCH_BYTES.value)
MOST_DELAY = int(quotas.DELAY.value)


def new_id() -> bytes:
    """The bytes of a random UUID. It is a name and opens nothing: receipt handles do."""
    return ((random.getrandbits(128) & UUID_MASK) | UUID_BITS).to_bytes(16, "big")


def id_text(message: bytes) -> str:
    text = message.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@sqs.operation
def send_message(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[SQS-008, SQS-030, SQS-513, SQS-518]"""
    queue = addresses.find(call, request)
    queue.admit(call)
    size = _size(request)
    if size > queue.largest:
        raise _too_long(queue)
    call.undo(queue.forget)
    answer = _send(call, queue, request, milliseconds(call), size)
    _sent(call, queue)
    return answer


@sqs.operation
def send_message_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to ten, 1 MiB together; each succeeds or fails alone.  [SQS-011, SQS-010]"""
    queue = addresses.find(call, request)
    queue.admit(call)
    entries = request["Entries"]
    batches.check(entries, "SendMessageBatchRequestEntry")
    weight = sum(map(_weight, entries))
    if weight > BATCH_BYTES:
        raise errors.BatchRequestTooLong(
            f"Batch requests cannot be longer than {BATCH_BYTES} bytes. You have sent {weight} bytes."
        )
    now = milliseconds(call)
    if queue.is_fifo:
        for entry in entries:
            fifo.key(queue, entry)  # what a FIFO queue cannot do without fails the batch as a whole

    def send(entry: dict[str, Any]) -> dict[str, Any]:
        size = _size(entry)
        if size > queue.largest:
            raise _too_long(queue)
        return _send(call, queue, entry, now, size)

    call.undo(queue.forget)
    answer = batches.run(entries, send)
    if answer["Successful"]:
        _sent(call, queue)
    return answer


def _weight(entry: dict[str, Any]) -> int:
    """Bytes that count for an entry of a batch, before it is judged."""
    body = entry["MessageBody"]
    size = len(body) if body.isascii() else len(body.encode("utf-8", "replace"))
    for name, value in entry.get("MessageAttributes", {}).items():
        size += len(name) + len(value["DataType"])
        size += len(value.get("StringValue", "").encode("utf-8", "replace") or value.get("BinaryValue", b""))
    return size


def _size(request: dict[str, Any]) -> int:
    """Bytes that count for the message, whose body and attributes are checked."""
    body = request["MessageBody"]
    if body.isascii():
        size = len(body)
        if not body.isprintable() and ILLEGAL.search(body):
            raise _illegal()
    else:
        if ILLEGAL.search(body):
            raise _illegal()
        size = len(body.encode())
    if not body:
        raise missing("MessageBody")
    if "MessageAttributes" in request:
        size += message_attributes.check(request["MessageAttributes"])
    if "MessageSystemAttributes" in request:
        message_attributes.check_system(request["MessageSystemAttributes"])
    return size


def _illegal() -> Exception:
    error: Exception = errors.InvalidMessageContents(
        "Invalid binary character was found in the message body, the set of allowed characters is "
        "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
    )
    return error


def _too_long(queue: Queue) -> Exception:
    error: Exception = errors.InvalidParameterValueException(
        f"One or more parameters are invalid. Reason: Message must be shorter than {queue.largest} bytes."
    )
    return error


def _send(call: Call, queue: Queue, request: dict[str, Any], now: int, size: int) -> dict[str, Any]:
    """Write the message, unless a FIFO queue knows it; the answer."""
    body: str = request["MessageBody"]
    attributes, system = request.get("MessageAttributes"), request.get("MessageSystemAttributes")
    answer = {"MD5OfMessageBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()}
    if attributes:
        answer["MD5OfMessageAttributes"] = message_attributes.digest(attributes)
    if system:
        answer["MD5OfMessageSystemAttributes"] = message_attributes.digest(system)
    group, dedup = request.get("MessageGroupId"), request.get("MessageDeduplicationId")
    if group is not None or dedup is not None:
        _check_identifiers(queue, group, dedup)
    delay = queue.delay
    if "DelaySeconds" in request and not queue.is_fifo:
        delay = _delay(request["DelaySeconds"]) * 1000
    scoped = ""
    if queue.is_fifo:
        dedup, scoped = fifo.key(queue, request)
        known = fifo.repeated(call, queue, scoped, now)
        if known is not None:
            queue.meter.add("NumberOfDeduplicatedSentMessages", 1, now / 1000)
            return {**answer, "MessageId": id_text(known[0]), "SequenceNumber": fifo.sequence_of(known[1])}
    position, message, visible = queue.place(call), new_id(), now + delay if delay else 0
    kept = message_attributes.dump(attributes or {}, system or {}) if attributes or system else None
    sender = call.principal.user_id or call.principal.account
    store.send(call.db, position, visible, now, message, group, dedup, sender, body, kept)
    queue.meter.add("SentMessageSize", size, now / 1000)
    queue.enters(visible, now)
    answer["MessageId"] = id_text(message)
    if queue.is_fifo:
        fifo_store.open_group(call.db, queue.id, str(group), visible, position)
        fifo.remember(call, queue, scoped, message, position, now)
        answer["SequenceNumber"] = fifo.sequence_number(position)
    return answer


def _delay(seconds: int) -> int:
    if not 0 <= seconds <= MOST_DELAY:
        raise invalid(seconds, "DelaySeconds", f"DelaySeconds must be >= 0 and <= {MOST_DELAY}.")
    return seconds


def _check_identifiers(queue: Queue, group: str | None, dedup: str | None) -> None:
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", dedup)):
        if value is not None and not IDENTIFIER.fullmatch(value):
            raise invalid(
                value, name, f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
            )
    if dedup is not None and not queue.is_fifo:
        raise invalid(
            dedup, "MessageDeduplicationId", "The request include parameter that is not valid for this queue type."
        )


def _sent(call: Call, queue: Queue) -> None:
    """Once a call: who waits for messages wakes, and the messages' end is foreseen."""
    if not queue.is_watched:
        settling.watch(call, queue)
    call.notify(queue.topic)
