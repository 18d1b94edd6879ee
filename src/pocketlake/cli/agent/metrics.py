"""What the agent publishes to CloudWatch about its sending, in the namespace AWSKinesisAgent.

Source: Kinesis Data Streams and Firehose developer guides, "Monitor Kinesis Agent health".
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pocketlake.cli.agent.configuration import FlowSettings

NAMESPACE = "AWSKinesisAgent"
UNITS = {"BytesSent": "Bytes", "RecordSendAttempts": "Count", "RecordSendErrors": "Count", "ServiceErrors": "Count"}
DESTINATIONS = {"kinesis": "KinesisStream", "firehose": "DeliveryStream"}
PUBLISH_SECONDS = 30.0
THROTTLED = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException"})


class Metrics:
    """Counts for all flows, published now and then; what cannot be published is counted on."""

    def __init__(self, client: Any, tell: Callable[[str], None]) -> None:
        self._client = client
        self._tell = tell
        self._lock = threading.Lock()
        self._counted: dict[str, Counter[str]] = {}
        self._has_failed = False

    def attempted(self, flow: FlowSettings, records: int) -> None:
        self._add(flow, RecordSendAttempts=records)

    def answered(self, flow: FlowSettings, sent_bytes: int, refused: int) -> None:
        """A call came back: so much was taken, so many records were not."""
        self._add(flow, BytesSent=sent_bytes, RecordSendErrors=refused, ServiceErrors=0)

    def failed(self, flow: FlowSettings, records: int, error: Exception) -> None:
        """A call as a whole was refused, or never came back. Throttling is no error of the service."""
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        self._add(flow, RecordSendErrors=records, ServiceErrors=int(code not in THROTTLED))

    def _add(self, flow: FlowSettings, **counts: int) -> None:
        destination = f"{DESTINATIONS[flow.service]}:{flow.stream}"
        with self._lock:
            self._counted.setdefault(destination, Counter()).update(counts)

    def publish(self) -> None:
        with self._lock:
            counted, self._counted = self._counted, {}
        data = [
            {
                "MetricName": name,
                "Dimensions": [{"Name": "Destination", "Value": destination}],
                "Value": float(value),
                "Unit": UNITS[name],
            }
            for destination, counts in counted.items()
            for name, value in counts.items()
        ]
        if not data:
            return
        try:
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        except (BotoCoreError, ClientError) as error:
            # No metrics are no reason to send no records.
            with self._lock:
                for destination, counts in counted.items():
                    self._counted.setdefault(destination, Counter()).update(counts)
            if not self._has_failed:
                self._tell(f"metrics can't be published: {error}")
            self._has_failed = True

    def run(self, stopping: threading.Event) -> None:
        """Publish until the agent stops."""
        while not stopping.wait(PUBLISH_SECONDS):
            self.publish()
