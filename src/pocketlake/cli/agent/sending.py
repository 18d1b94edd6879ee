"""Batches on their way to a stream: what was refused is sent again, until all is taken."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from pocketlake.cli.agent.configuration import FlowSettings, Settings
from pocketlake.cli.agent.metrics import Metrics

MIB = 1 << 20
# Largest record, key included. Source: API references of PutRecords and PutRecordBatch.
RECORD_BYTES = {"kinesis": MIB, "firehose": 1_000 * 1024}
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 10.0
DEFAULT_REGION = "us-east-1"
SESSION_NAME = "AWSKinesisAgent"


class Record(NamedTuple):
    data: bytes
    key: str

    @property
    def size(self) -> int:
        return len(self.data) + len(self.key)


def record(flow: FlowSettings, data: bytes) -> Record:
    """Cut off, with the flow's terminator, where it is too large for the service."""
    key = ""
    if flow.service == "kinesis":
        deterministic = hashlib.md5(data, usedforsecurity=False).hexdigest() if flow.is_key_of_data else None
        key = deterministic or str(random.randrange(1 << 62))
    most = RECORD_BYTES[flow.service] - len(key)
    if len(data) > most:
        data = data[: most - len(flow.terminator)] + flow.terminator
    return Record(data, key)


class Sender:
    """Sends one flow's batches, one after the other."""

    def __init__(
        self,
        flow: FlowSettings,
        client: Any,
        stopping: threading.Event,
        tell: Callable[[str], None],
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics
        self._flow = flow
        self._client = client
        self._stopping = stopping
        self._tell = tell

    def send(self, batch: list[Record]) -> bool:
        """Whether all of it was taken; not so only when the agent is stopped meanwhile."""
        wait = FIRST_WAIT_SECONDS
        while batch:
            if self._metrics is not None:
                self._metrics.attempted(self._flow, len(batch))
            try:
                refused, reason = self._put(batch)
            except Exception as error:
                # Whatever came in between (no connection, no such stream yet, no permission), records wait for its end.
                refused, reason = batch, str(error)
                if self._metrics is not None:
                    self._metrics.failed(self._flow, len(batch), error)
            else:
                if self._metrics is not None:
                    size = sum(len(one.data) for one in batch) - sum(len(one.data) for one in refused)
                    self._metrics.answered(self._flow, size, len(refused))
            if len(refused) < len(batch):
                wait = FIRST_WAIT_SECONDS
            if refused:
                self._tell(f"{self._flow.stream}: {len(refused)} of {len(batch)} records are sent again: {reason}")
                if self._stopping.wait(wait):
                    return False
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            batch = refused
        return True

    def _put(self, batch: list[Record]) -> tuple[list[Record], str]:
        """The records that were refused, and why the first one was."""
        if self._flow.service == "kinesis":
            entries = [{"Data": one.data, "PartitionKey": one.key} for one in batch]
            answers = self._client.put_records(StreamName=self._flow.stream, Records=entries)["Records"]
        else:
            entries = [{"Data": one.data} for one in batch]
            answer = self._client.put_record_batch(DeliveryStreamName=self._flow.stream, Records=entries)
            answers = answer["RequestResponses"]
        refused = [(one, answer) for one, answer in zip(batch, answers, strict=True) if answer.get("ErrorCode")]
        first = refused[0][1] if refused else {}
        return [one for one, _ in refused], f"{first.get('ErrorCode')}: {first.get('ErrorMessage')}"


def client(settings: Settings, service: str, url: str) -> Any:
    """botocore's client; under the role that the configuration names, whose credentials renew themselves."""
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    session: Any = botocore.session.Session()
    region = session.get_config_variable("region") or DEFAULT_REGION
    if settings.keys:
        session.set_credentials(*settings.keys)
    elif session.get_credentials() is None:
        session.set_credentials("test", "test")  # a lake takes any

    def create(name: str, **credentials: Any) -> Any:
        return session.create_client(
            name,
            endpoint_url=settings.endpoints.get(name, url),
            region_name=settings.regions.get(name, region),
            config=Config(retries={"total_max_attempts": 1}),  # the sender repeats what is refused
            **credentials,
        )

    if settings.role:
        asked = {"RoleSessionName": SESSION_NAME}
        if settings.external_id:
            asked["ExternalId"] = settings.external_id
        fetcher = AssumeRoleCredentialFetcher(create, session.get_credentials(), settings.role, extra_args=asked)
        session._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return create(service)
