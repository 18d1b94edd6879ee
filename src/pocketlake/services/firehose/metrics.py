"""What Firehose streams publish to CloudWatch.

Source: developer guide, "Monitor Amazon Data Firehose with CloudWatch metrics". A delivery that is refused counts as
one without success; one that only waits for an acknowledgement counts when that has come.
"""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.metrics import Family, Figures, Meter
from pocketlake.kernel.resources import Resource
from pocketlake.kernel.spread import Spread, merged

from . import quotas
from .batches import Batch
from .service import firehose

BYTES, COUNT, SECONDS, MILLISECONDS = "Bytes", "Count", "Seconds", "Milliseconds"
PUTS = ("PutRecord", "PutRecordBatch")
# How metrics of a delivery begin, by the kind of its destination.
DELIVERIES = {
    "s3": "DeliveryToS3",
    "backup": "BackupToS3",
    "http_endpoint": "DeliveryToHttpEndpoint",
    "splunk": "DeliveryToSplunk",
    "iceberg": "DeliveryToIceberg",
}
OF_DELIVERY = {"Bytes": BYTES, "DataFreshness": SECONDS, "Records": COUNT, "Success": COUNT}
UNITS = {
    "ActivePartitionsLimit": COUNT,
    "BytesPerSecondLimit": "Bytes/Second",
    "DataReadFromKinesisStream.Bytes": BYTES,
    "DataReadFromKinesisStream.Records": COUNT,
    "DeliveryToIceberg.FailedRows": COUNT,
    "DeliveryToIceberg.IncomingRows": COUNT,
    "DeliveryToIceberg.SuccessfulRows": COUNT,
    "DeliveryToS3.ObjectCount": COUNT,
    "FailedConversion.Bytes": BYTES,
    "FailedConversion.Records": COUNT,
    "IncomingBytes": BYTES,
    "IncomingPutRequests": COUNT,
    "IncomingRecords": COUNT,
    "KinesisMillisBehindLatest": MILLISECONDS,
    "PartitionCount": COUNT,
    "PartitionCountExceeded": COUNT,
    "PerPartitionThroughput": "Bytes/Second",
    "PutRecord.Bytes": BYTES,
    "PutRecord.Latency": MILLISECONDS,
    "PutRecord.Requests": COUNT,
    "PutRecordBatch.Bytes": BYTES,
    "PutRecordBatch.Latency": MILLISECONDS,
    "PutRecordBatch.Records": COUNT,
    "PutRecordBatch.Requests": COUNT,
    "PutRequestsPerSecondLimit": COUNT,
    "RecordsPerSecondLimit": COUNT,
    "SucceedConversion.Bytes": BYTES,
    "SucceedConversion.Records": COUNT,
    "SucceedProcessing.Bytes": BYTES,
    "SucceedProcessing.Records": COUNT,
    "ThrottledGetRecords": COUNT,
    "ThrottledRecords": COUNT,
    **{f"{prefix}.{name}": unit for prefix in DELIVERIES.values() for name, unit in OF_DELIVERY.items()},
}


def _derive(figures: Figures) -> Figures:
    """Requests and what came in follow from the bytes and records of the puts."""
    single, batch = (figures.get(f"{name}.Bytes") for name in PUTS)
    requests = {
        f"{name}.Requests": Spread.of(1, found.count)
        for name, found in zip(PUTS, (single, batch), strict=True)
        if found
    }
    if not requests:
        return figures
    records = merged(requests.get("PutRecord.Requests"), figures.get("PutRecordBatch.Records"))
    incoming = {
        "IncomingBytes": merged(single, batch),
        "IncomingPutRequests": merged(*requests.values()),
        "IncomingRecords": records,
    }
    return {**figures, **requests, **incoming}


FAMILY = Family("AWS/Firehose", UNITS, _derive)


def of(call: Call, stream: Resource) -> Meter:
    key = ("metrics", stream["Id"])
    meter: Meter | None = call.memory.get(key)
    if meter is None:
        meter = call.memory[key] = call.lake.metrics.meter(call, FAMILY, {"DeliveryStreamName": stream.name})
        if stream["Type"] == "DirectPut":
            requests, records, volume = (quota.value for quota in quotas.direct_put_rates(call.region))
            limits = {
                "BytesPerSecondLimit": volume,
                "PutRequestsPerSecondLimit": requests,
                "RecordsPerSecondLimit": records,
            }
            meter.gauges = lambda now: limits
    return meter


def put(meter: Meter, operation: str, sizes: list[int], admitted: int, now: float) -> None:
    """Records that came by PutRecord or PutRecordBatch, of which the first `admitted` were taken."""
    if admitted:
        meter.add(f"{operation}.Bytes", sum(sizes[:admitted]), now)
        if operation == "PutRecordBatch":
            meter.add("PutRecordBatch.Records", admitted, now)
    if admitted < len(sizes):
        meter.add("ThrottledRecords", len(sizes) - admitted, now)


def read(call: Call, stream: Resource, records: int, size: int, behind: int) -> None:
    """A page of the source stream."""
    meter, now = of(call, stream), call.now
    meter.add("DataReadFromKinesisStream.Records", records, now)
    meter.add("DataReadFromKinesisStream.Bytes", size, now)
    meter.add("KinesisMillisBehindLatest", behind, now)


def delivered(call: Call, stream: Resource, kind: str, batch: Batch, records: int, size: int) -> None:
    """`records` of a batch are at their destination, as `size` bytes."""
    meter, now, prefix = of(call, stream), call.now, DELIVERIES[kind]
    meter.add(f"{prefix}.Success", 1, now)
    meter.add(f"{prefix}.Bytes", size, now)
    meter.add(f"{prefix}.DataFreshness", max(0.0, now - batch.oldest), now)
    if kind == "s3":
        meter.add("DeliveryToS3.ObjectCount", 1, now)
    if kind == "iceberg":
        meter.add("DeliveryToIceberg.IncomingRows", len(batch), now)
        meter.add("DeliveryToIceberg.SuccessfulRows", records, now)
        meter.add("DeliveryToIceberg.FailedRows", len(batch) - records, now)
    else:
        meter.add(f"{prefix}.Records", records, now)


def refused(call: Call, stream: Resource, kind: str) -> None:
    of(call, stream).add(f"{DELIVERIES[kind]}.Success", 0, call.now)


def worked(call: Call, stream: Resource, what: str, batch: Batch, failed: set[int]) -> None:
    """Conversion or processing of a batch; `failed` are places in it."""
    meter, now = of(call, stream), call.now
    lost = sum(len(batch.data[index]) for index in failed)
    meter.add(f"Succeed{what}.Records", len(batch) - len(failed), now)
    meter.add(f"Succeed{what}.Bytes", batch.size - lost, now)
    if what == "Conversion":
        meter.add("FailedConversion.Records", len(failed), now)
        meter.add("FailedConversion.Bytes", lost, now)


def sorted_into(call: Call, stream: Resource, partitions: int, exceeded: bool) -> None:
    """Records were sorted into partitions, of which there are now so many."""
    meter, now = of(call, stream), call.now
    meter.add("PartitionCount", partitions, now)
    meter.add("PartitionCountExceeded", 1 if exceeded else 0, now)
    meter.add("ActivePartitionsLimit", quotas.ACTIVE_PARTITIONS.value, now)


def partition(call: Call, stream: Resource, size: int, seconds: float) -> None:
    """A partition's buffer was delivered, so long after it was opened."""
    of(call, stream).add("PerPartitionThroughput", size / max(seconds, 1.0), call.now)


@firehose.end
def ended(call: Call, error: str, seconds: float, now: float) -> None:
    """Latency of puts. `call.subject` is the stream's meter."""
    meter: Meter | None = call.subject
    if meter is not None and not error:
        name = "PutRecord" if call.operation == "put_record" else "PutRecordBatch"
        meter.add(f"{name}.Latency", int(seconds * 100_000) / 100, now)
