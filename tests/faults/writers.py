"""Writers that put load on a lake until it dies under them, and remember what was acknowledged."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, HTTPClientError

from pocketlake.embedded import EmbeddedLake

# One attempt a call: what a retry would write twice, a client could not tell from a fault of ours.
IMPATIENT = Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=20)
PART = 5 * 1024 * 1024

GONE = (HTTPClientError, BotoCoreError, OSError, HTTPException)


@dataclass(slots=True)
class Acknowledged:
    """What the lake said it took. `attempted` also holds what was sent but not answered: it may be there, or not."""

    records: list[tuple[str, str, str]] = field(default_factory=list)  # shard, sequence number, data
    attempted_records: set[str] = field(default_factory=set)
    objects: dict[str, tuple[str, str]] = field(default_factory=dict)  # key -> ETag, SHA-256 of the content
    attempted_objects: dict[str, str] = field(default_factory=dict)  # key -> SHA-256 of the content sent last
    delivered: list[str] = field(default_factory=list)  # lines that Firehose took
    attempted_delivered: set[str] = field(default_factory=set)


class Writer(threading.Thread):
    """Repeats one step until the lake is gone. An error that is an answer, not silence, is kept and fails the round."""

    def __init__(self, step: Callable[[], None], stopped: threading.Event) -> None:
        super().__init__(daemon=True)
        self._step = step
        self._stopped = stopped
        self.error: BaseException | None = None

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._step()
            except GONE:
                return
            except BaseException as error:  # reported by the round, in the test's own thread
                self.error = error
                return


class Writers:
    """Some at once. `stopped` tells those that wait that there is no reason to."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        self.stopped = threading.Event()
        self._writers = [Writer(step, self.stopped) for step in steps]

    def start(self) -> None:
        for writer in self._writers:
            writer.start()

    def join(self) -> None:
        """Wait for the writers to notice that the lake is gone; raises what any of them met instead."""
        self.stopped.set()
        for writer in self._writers:
            writer.join(timeout=60)
            assert not writer.is_alive(), "a writer hangs: its call was neither answered nor cut off"
        for writer in self._writers:
            if writer.error is not None:
                raise writer.error


class Load(Writers):
    """Kinesis, S3 (single and multipart) and Firehose writers against one lake; names are new in each round."""

    def __init__(self, lake: EmbeddedLake, names: dict[str, str], round_number: int, seed: int) -> None:
        self.acknowledged = Acknowledged()
        self._names = names
        self._round = round_number
        self._clock = lake.clock
        self._kinesis = lake.client("kinesis", config=IMPATIENT)
        self._s3 = lake.client("s3", config=IMPATIENT)
        self._firehose = lake.client("firehose", config=IMPATIENT) if "delivery" in names else None
        self._counter = 0
        self._counting = threading.Lock()
        self._random = random.Random(seed)
        steps = [self._put_records, self._put_records, self._put_object, self._put_object, self._upload_parts]
        if self._firehose is not None:
            steps += [self._put_record_batch, self._pass_time]
        super().__init__(*steps)

    def _names_for(self, count: int, kind: str) -> list[str]:
        with self._counting:
            first, self._counter = self._counter, self._counter + count
        return [f"{kind}-{self._round}-{number}" for number in range(first, first + count)]

    def _put_records(self) -> None:
        names = self._names_for(self._random.randint(1, 60), "record")
        self.acknowledged.attempted_records.update(names)
        records = [{"Data": name.encode(), "PartitionKey": name} for name in names]
        answers = self._kinesis.put_records(StreamName=self._names["stream"], Records=records)["Records"]
        taken = zip(names, answers, strict=True)
        self.acknowledged.records += [(a["ShardId"], a["SequenceNumber"], n) for n, a in taken if "SequenceNumber" in a]

    def _put_object(self) -> None:
        # Few keys, so that objects are overwritten too; a key has one writer, so that the last one sent is known.
        key = f"{self._round}/{threading.current_thread().name}/object-{self._random.randrange(40)}"
        body = os.urandom(self._random.choice([0, 100, 20_000, 300_000]))
        digest = hashlib.sha256(body).hexdigest()
        self.acknowledged.attempted_objects[key] = digest
        answer = self._s3.put_object(Bucket=self._names["bucket"], Key=key, Body=body)
        self.acknowledged.objects[key] = (answer["ETag"], digest)

    def _upload_parts(self) -> None:
        (name,) = self._names_for(1, "multipart")
        place = {"Bucket": self._names["bucket"], "Key": name}
        bodies = [os.urandom(PART), os.urandom(1000)]
        digest = hashlib.sha256(b"".join(bodies)).hexdigest()
        self.acknowledged.attempted_objects[name] = digest
        upload = self._s3.create_multipart_upload(**place)["UploadId"]
        parts: list[dict[str, Any]] = []
        for number, body in enumerate(bodies, 1):
            part = self._s3.upload_part(**place, UploadId=upload, PartNumber=number, Body=body)
            parts.append({"ETag": part["ETag"], "PartNumber": number})
        answer = self._s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})
        self.acknowledged.objects[name] = (answer["ETag"], digest)

    def _put_record_batch(self) -> None:
        assert self._firehose is not None
        names = self._names_for(self._random.randint(1, 60), "delivery")
        self.acknowledged.attempted_delivered.update(names)
        records = [{"Data": f"{name}\n".encode()} for name in names]
        answer = self._firehose.put_record_batch(DeliveryStreamName=self._names["delivery"], Records=records)
        taken = zip(names, answer["RequestResponses"], strict=True)
        self.acknowledged.delivered += [name for name, response in taken if "RecordId" in response]

    def _pass_time(self) -> None:
        """Buffers fall due while they are written to, so that some die in the middle of a delivery."""
        self.stopped.wait(self._random.uniform(0.0, 0.3))
        self._clock.advance(seconds=61)


def etag_of(body: bytes, parts: int = 0) -> str:
    """The ETag of a single put; of `parts` parts of PART bytes (the last one shorter)."""
    if not parts:
        return f'"{hashlib.md5(body).hexdigest()}"'
    digests = b"".join(hashlib.md5(body[n * PART : (n + 1) * PART]).digest() for n in range(parts))
    return f'"{hashlib.md5(digests).hexdigest()}-{parts}"'
