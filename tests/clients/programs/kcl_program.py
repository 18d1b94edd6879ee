"""The Kinesis Client Library, by its MultiLangDaemon: `kcl_program.py POLLING|FANOUT|JOIN`.

POLLING and FANOUT read across a split, POLLING with leases as in version 3, FANOUT as in version 2, where a worker dies
and is replaced (version 3 waits for minutes until the lock of a leader that died is free). In JOIN, again as in version
2, a second worker takes a shard from the first one.

The daemon's own log is daemon.log, in the working directory.
"""

import atexit
import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import amazon_kclpy
import boto3
from aws_kinesis_agg import aggregator

MODE = sys.argv[1]
STREAM, APPLICATION, KEYS = "fed", f"kcl-{MODE.lower()}", 20
PARENT = "shardId-000000000000"
SEEN = Path("seen.jsonl").absolute()
JOINED = Path("joined.jsonl").absolute()  # what the second worker saw
HOLD = Path("hold").absolute()  # while it is there, nothing is checkpointed
VERSION = "CLIENT_VERSION_CONFIG_3X" if MODE == "POLLING" else "CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X"
SECONDS = 120

PROPERTIES = f"""
executableName = {sys.executable} {Path(__file__).with_name("kcl_processor.py")}
streamName = {STREAM}
applicationName = {APPLICATION}
AwsCredentialsProvider = DefaultCredentialsProvider
processingLanguage = python/3
initialPositionInStream = TRIM_HORIZON
regionName = {os.environ["AWS_REGION"]}
kinesisEndpoint = {os.environ["AWS_ENDPOINT_URL"]}
dynamoDBEndpoint = {os.environ["AWS_ENDPOINT_URL"]}
retrievalMode = {"FANOUT" if MODE == "FANOUT" else "POLLING"}
clientVersionConfig = {VERSION}
failoverTimeMillis = 4000
leaseAssignmentIntervalMillis = 1000
workerMetricsReporterFreqInMillis = 1000
shardSyncIntervalMillis = 1000
parentShardPollIntervalMillis = 500
idleTimeBetweenReadsInMillis = 300
metricsLevel = NONE
"""
LOGS = """
<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %-5level %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
"""

kinesis = boto3.client("kinesis")
sent = defaultdict(list)  # key -> what was put under it, in order


def put(count):
    entries = []
    for number in range(count):
        key = f"key-{number % KEYS}"
        sent[key].append(f"{key} {len(sent[key])}")
        entries.append({"Data": sent[key][-1].encode(), "PartitionKey": key})
    answer = kinesis.put_records(StreamName=STREAM, Records=entries)
    assert answer["FailedRecordCount"] == 0, answer


def put_packed():
    packer = aggregator.RecordAggregator()
    for number in range(10):
        sent["packed"].append(f"packed {number}")
        packer.add_user_record("packed", sent["packed"][-1].encode())
    key, _, data = packer.clear_and_get().get_contents()
    kinesis.put_record(StreamName=STREAM, PartitionKey=key, Data=data)


def start(seen=SEEN):
    Path("kcl.properties").write_text(PROPERTIES)
    Path("logback.xml").write_text(LOGS)
    jars = glob.glob(str(Path(amazon_kclpy.__file__).parent / "jars" / "*.jar"))
    command = [shutil.which("java"), "-cp", ":".join([*jars, "."]), "software.amazon.kinesis.multilang.MultiLangDaemon"]
    options = ["--properties-file", "kcl.properties", "--log-configuration", "logback.xml"]
    log = open("daemon.log", "ab")  # noqa: SIM115 (the daemon writes there as long as it lives)
    surroundings = {**os.environ, "SEEN": str(seen), "HOLD": str(HOLD)}
    daemon = subprocess.Popen([*command, *options], env=surroundings, stdout=log, stderr=log, start_new_session=True)
    atexit.register(kill, daemon)
    return daemon


def notes(seen=SEEN):
    return [json.loads(line) for line in seen.read_text().splitlines()] if seen.exists() else []


def records(seen=SEEN):
    return [note[1:] for note in notes(seen) if note[0] == "record"]


def await_records(daemon, count, after=0):
    """Until so many records have been seen, those that came twice counted once; without the first `after`."""
    deadline = time.monotonic() + SECONDS
    while len({(sequence, sub) for _, _, sequence, sub, _ in records()[after:]}) < count:
        assert daemon.poll() is None, f"the daemon has ended: {Path('daemon.log').read_text()[-5000:]}"
        assert time.monotonic() < deadline, f"{len(records())} of {count}: {Path('daemon.log').read_text()[-5000:]}"
        time.sleep(0.1)


def total():
    return sum(map(len, sent.values()))


def check_split():
    """Each record once, each key in its order, the parent whole before its children began."""
    seen = defaultdict(list)
    for _, key, _, _, data in records():
        seen[key].append(data)
    assert seen == sent, {key: (seen[key], sent[key]) for key in sent if seen[key] != sent[key]}
    story = [note[:2] for note in notes()]
    children = [shard["ShardId"] for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]][2:]
    assert len(children) == 2, children
    for child in children:
        assert story.index(["ended", PARENT]) < story.index(["began", child]), story
        assert ["record", child] in story, child
    last = max(place for place, note in enumerate(story) if note == ["record", PARENT])
    assert last < story.index(["ended", PARENT])
    packed = [(sequence, sub) for _, key, sequence, sub, _ in records() if key == "packed"]
    assert [sub for _, sub in packed] == list(range(10))
    assert len({sequence for sequence, _ in packed}) == 1


def check_leases():
    """What others can read of the application: a lease for each shard, and how far it has come."""
    table = boto3.resource("dynamodb").Table(APPLICATION)
    newest = {}
    for shard, _, sequence, _, _ in records():
        newest[shard] = max(newest.get(shard, 0), sequence)
    deadline = time.monotonic() + 20
    while True:
        leases = {item["leaseKey"]: item for item in table.scan()["Items"]}
        kept = {shard: lease["checkpoint"] for shard, lease in leases.items() if lease["checkpoint"] != "SHARD_END"}
        if kept == {shard: str(number) for shard, number in newest.items() if shard != PARENT}:
            break
        assert time.monotonic() < deadline, (kept, newest)
        time.sleep(0.2)
    assert all(leases[shard]["leaseOwner"] and leases[shard]["leaseCounter"] > 0 for shard in kept)


def check_death(daemon):
    """What the dead worker had seen, but not checkpointed, comes again; nothing else does."""
    HOLD.touch()
    put(100)
    await_records(daemon, total())
    before = len(records())
    kill(daemon)
    HOLD.unlink()
    put(100)
    daemon = start()
    await_records(daemon, 200, after=before)
    assert len(records()) == before + 200
    assert {key: data for _, key, _, _, data in records()} == {key: values[-1] for key, values in sent.items()}
    return daemon


def kill(daemon):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait()


def read_across_a_split():
    daemon = start()
    try:
        await_records(daemon, 100)
        put(200)
        kinesis.split_shard(StreamName=STREAM, ShardToSplit=PARENT, NewStartingHashKey=str(2**126))
        for _ in range(10):
            put(60)
            time.sleep(0.2)
        put_packed()
        await_records(daemon, total())
        check_split()
        check_leases()
        if MODE == "FANOUT":
            arn = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
            consumers = kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]
            assert [one["ConsumerName"] for one in consumers] == [APPLICATION], consumers
            daemon = check_death(daemon)
    finally:
        kill(daemon)


def let_a_worker_join():
    """It takes one of the two shards, and reads on from the checkpoint: what came after that comes again."""
    first = start()
    second = None
    try:
        await_records(first, total())
        HOLD.touch()
        put(100)
        await_records(first, total())
        taken_before = {(shard, sequence) for shard, _, sequence, _, _ in records()[-100:]}
        second = start(JOINED)
        deadline = time.monotonic() + SECONDS
        while not (again := records(JOINED)):
            assert time.monotonic() < deadline, Path("daemon.log").read_text()[-5000:]
            time.sleep(0.2)
        (shard,) = {shard for shard, *_ in again}
        expected = {one for one in taken_before if one[0] == shard}
        while len(records(JOINED)) < len(expected):
            assert time.monotonic() < deadline, (len(records(JOINED)), len(expected))
            time.sleep(0.2)
        assert {(shard, sequence) for shard, _, sequence, _, _ in records(JOINED)} == expected
        while ["lost", shard] not in notes():
            assert time.monotonic() < deadline, Path("daemon.log").read_text()[-5000:]
            time.sleep(0.2)
    finally:
        kill(first)
        if second:
            kill(second)


kinesis.create_stream(StreamName=STREAM, ShardCount=2)
kinesis.get_waiter("stream_exists").wait(StreamName=STREAM)
put(200)
if MODE == "JOIN":
    let_a_worker_join()
else:
    read_across_a_split()
print("done")
