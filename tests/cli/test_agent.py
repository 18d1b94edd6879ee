"""pocketlake agent: real files, a process of its own, a real server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.cli.test_commands import pocketlake

SECONDS = 40
ROLE = "arn:aws:iam::000000000000:role/firehose"


@pytest.fixture
def kinesis(lake):
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName="logs", ShardCount=1)
    return kinesis


@pytest.fixture
def logs(tmp_path):
    """Where the files lie."""
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def configure(logs, *flows, **options):
    """agent.json with these flows, by default one of all app.log files from their start."""
    defaults = {"filePattern": f"{logs}/app.log*", "kinesisStream": "logs", "initialPosition": "START_OF_FILE"}
    path = logs.parent / "agent.json"
    given = {"checkpointFile": str(logs.parent / "checkpoints"), **options}
    path.write_text(json.dumps({**given, "flows": [{**defaults, **flow} for flow in flows or [{}]]}))
    return path


def once(lake, path):
    """Send what is there; how many records the agent says that it sent."""
    ran = pocketlake(lake, "agent", "-c", str(path), "--once")
    assert ran.returncode == 0, ran.stderr
    return int(ran.stderr.splitlines()[-1].split()[0])


@contextlib.contextmanager
def running(lake, path):
    command = [sys.executable, "-m", "pocketlake.cli.main", "agent", "-c", str(path)]
    environment = {**os.environ, **lake.env()}
    agent = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert "->" in agent.stderr.readline()
        yield agent
    finally:
        agent.kill()
        agent.wait()
        agent.stderr.close()


class Reader:
    """Reads one shard on and on: its limit of five reads a second is for everybody."""

    def __init__(self, kinesis, stream="logs"):
        shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
        self._kinesis = kinesis
        self._place = kinesis.get_shard_iterator(StreamName=stream, **shard)["ShardIterator"]
        self.records = []

    def read(self):
        page = self._kinesis.get_records(ShardIterator=self._place)
        self._place = page["NextShardIterator"]
        self.records += page["Records"]
        return [record["Data"] for record in self.records]

    def until(self, count):
        deadline = time.monotonic() + SECONDS
        while len(set(found := self.read())) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records"
            time.sleep(0.25)
        return found


def lines(count, start=0):
    return [b"line %d\n" % number for number in range(start, start + count)]


def write(path, *parts, mode="ab"):
    with path.open(mode) as file:
        file.write(b"".join(parts))


@pytest.mark.claim("KDS-541", "KDS-542", "KDF-561")
def test_each_line_becomes_a_record_with_its_new_line(lake, kinesis, logs):
    write(logs / "app.log", *lines(1200), b"not ended yet")
    assert once(lake, configure(logs)) == 1200
    assert Reader(kinesis).read() == lines(1200)
    told = pocketlake(lake, "agent", "--once")
    assert (told.returncode, told.stderr) == (
        1,
        "Error: /etc/aws-kinesis/agent.json can't be read: No such file or directory\n",
    )


@pytest.mark.claim("KDS-543", "KDF-553", "KDF-557", "KDF-560")
def test_flows_have_files_and_streams_of_their_own(lake, kinesis, logs):
    kinesis.create_stream(StreamName="other", ShardCount=1)
    lake.client("s3").create_bucket(Bucket="lake")
    destination = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName="f", ExtendedS3DestinationConfiguration=destination
    )
    path = configure(
        logs,
        {},
        {"filePattern": f"{logs}/{{other,another}}.txt", "kinesisStream": "other"},
        {"filePattern": f"{logs}/api.log*", "kinesisStream": None, "deliveryStream": "f"},
    )
    write(logs / "app.log", *lines(3))
    write(logs / "app.log.gz", b"compressed\n")
    write(logs / "other.txt", *lines(2, 100))
    write(logs / "another.txt", *lines(1, 200))
    write(logs / "api.log", *lines(500))
    write(logs / "api.log.2024", *lines(10, 500))
    assert once(lake, path) == 516
    assert Reader(kinesis).read() == lines(3)
    assert sorted(Reader(kinesis, "other").read()) == lines(2, 100) + lines(1, 200)
    lake.clock.advance(minutes=6)
    s3 = lake.client("s3")
    (item,) = s3.list_objects_v2(Bucket="lake")["Contents"]
    body = s3.get_object(Bucket="lake", Key=item["Key"])["Body"].read()
    assert Counter(body.splitlines(keepends=True)) == Counter(lines(510))


@pytest.mark.claim("KDS-039", "KDF-555")
def test_the_next_agent_goes_on_where_the_last_one_was(lake, kinesis, logs):
    path = configure(logs)
    write(logs / "app.log", *lines(10), b"line")
    assert once(lake, path) == 10
    write(logs / "app.log", b" 10\n", *lines(5, 11))
    assert (once(lake, path), once(lake, path)) == (6, 0)
    assert Reader(kinesis).read() == lines(16)


def test_a_new_flow_begins_at_the_end_of_what_is_there(lake, kinesis, logs):
    path = configure(logs, {"initialPosition": "END_OF_FILE"})
    write(logs / "app.log", b"old\n")
    assert once(lake, path) == 0
    write(logs / "app.log", b"new\n")
    write(logs / "app.log.1", b"of a new file\n")
    assert once(lake, path) == 2
    assert sorted(Reader(kinesis).read()) == [b"new\n", b"of a new file\n"]


def rename(log, number):
    log.rename(log.with_name(f"app.log.{number}"))
    log.touch()


def rename_out_of_the_pattern(log, number):
    log.rename(log.with_name(f"old-{number}"))
    log.touch()


def copy_and_cut(log, number):
    log.with_name(f"app.log.{number}").write_bytes(log.read_bytes())
    os.truncate(log, 0)


@pytest.mark.claim("KDS-039", "KDF-554")
@pytest.mark.parametrize("rotate", [rename, rename_out_of_the_pattern, copy_and_cut])
def test_rotation_loses_and_doubles_nothing(lake, kinesis, logs, rotate):
    log = logs / "app.log"
    path = configure(logs, {"maxBufferAgeMillis": 1000})
    reader = Reader(kinesis)
    with running(lake, path):
        for start in range(0, 300, 100):
            write(log, *lines(50, start))
            if rotate is not rename:  # a file that the agent never saw is not known by another name
                reader.until(start + 50)
            if rotate is not copy_and_cut:  # what is written between copy and cut is lost to anyone
                write(log, *lines(25, start + 50))
            rotate(log, start)
            count = 25 if rotate is not copy_and_cut else 50
            write(log, *lines(count, start + 100 - count))
            reader.until(start + 100)
    assert Counter(reader.read()) == Counter(lines(300))
    assert once(lake, path) == 0


def test_rotation_while_no_agent_runs_loses_and_doubles_nothing(lake, kinesis, logs):
    path = configure(logs)
    for rotate in (rename, rename_out_of_the_pattern, copy_and_cut):
        log = logs / "app.log"
        name = rotate.__name__
        write(log, f"{name} first {'x' * 300}\n".encode(), f"{name} second\n".encode())
        once(lake, path)
        write(log, f"{name} third\n".encode())
        rotate(log, name)
        write(log, f"{name} fourth\n".encode())
        once(lake, path)
    seen = Counter(data.split()[0] + b" " + data.split()[1] for data in Reader(kinesis).read())
    names = [rotate.__name__ for rotate in (rename, rename_out_of_the_pattern, copy_and_cut)]
    wanted = [f"{name} {word}".encode() for name in names for word in ("first", "second", "third", "fourth")]
    assert seen == Counter(wanted)


def test_two_files_that_begin_alike_are_two_files(lake, kinesis, logs):
    path = configure(logs)
    head = b"the same header, long as it is " * 20 + b"\n"
    write(logs / "app.log.1", head, *lines(20))
    assert once(lake, path) == 21
    (logs / "app.log.1").unlink()
    write(logs / "app.log.2", head, *lines(40, 20))
    assert once(lake, path) == 41


def test_a_file_of_another_name_is_not_taken_for_one_that_was_empty(lake, kinesis, logs):
    path = configure(logs)
    write(logs / "app.log")
    assert once(lake, path) == 0
    (logs / "app.log").rename(logs / "other")  # the same inode, as a new file may be given it
    write(logs / "other", *lines(3))
    assert once(lake, path) == 0


@pytest.mark.claim("KDS-039", "KDF-555")
def test_kill_9_loses_nothing(lake, kinesis, logs):
    path = configure(logs, {"maxBufferAgeMillis": 1000, "maxBufferSizeRecords": 20})
    log, reader, count = logs / "app.log", Reader(kinesis), 0
    for _ in range(4):
        with running(lake, path) as agent:
            for _ in range(20):
                write(log, *lines(15, count))
                count += 15
            reader.until(count - 200)
            agent.send_signal(signal.SIGKILL)
            agent.wait()
    once(lake, path)
    seen = Counter(reader.until(count))
    assert set(seen) == set(lines(count))
    assert sum(seen.values()) <= count + 4 * 20  # the batch under way, once for each kill


@pytest.mark.claim("KDF-556")
def test_what_a_shard_refuses_is_sent_again(lake, kinesis, logs):
    write(logs / "app.log", *lines(3000))
    assert once(lake, configure(logs)) == 3000  # a shard takes 1,000 a second
    assert Counter(Reader(kinesis).until(3000)) == Counter(lines(3000))


@pytest.mark.claim("KDF-556")
def test_records_wait_for_a_stream_that_does_not_answer(lake, logs):
    write(logs / "app.log", *lines(3))
    with running(lake, configure(logs, {"maxBufferAgeMillis": 1000})) as agent:
        assert "ResourceNotFoundException" in agent.stderr.readline()
        kinesis = lake.client("kinesis")
        kinesis.create_stream(StreamName="logs", ShardCount=1)
        assert Reader(kinesis).until(3) == lines(3)


def test_an_agent_that_is_asked_to_leave_sends_its_buffer(lake, kinesis, logs):
    reader = Reader(kinesis)
    with running(lake, configure(logs, {"maxBufferAgeMillis": 900_000})) as agent:
        write(logs / "app.log", *lines(500), *lines(7, 500))
        assert reader.until(500) == lines(500)  # a full batch does not wait
        agent.terminate()
        assert agent.wait(SECONDS) == 0
    assert reader.until(507) == lines(507)


def test_partition_keys_are_random_or_the_hash_of_the_data(lake, kinesis, logs):
    write(logs / "app.log", b"same\n", b"same\n")
    once(lake, configure(logs))
    write(logs / "api.log", b"same\n")
    once(lake, configure(logs, {"filePattern": f"{logs}/api.log", "partitionKeyOption": "DETERMINISTIC"}))
    reader = Reader(kinesis)
    reader.read()
    first, second, third = [record["PartitionKey"] for record in reader.records]
    assert len({first, second, third}) == 3
    assert third == hashlib.md5(b"same\n").hexdigest()


def test_records_of_several_lines_begin_where_the_pattern_says(lake, kinesis, logs):
    path = configure(logs, {"multiLineStartPattern": r"\[\d", "skipHeaderLines": 1})
    write(logs / "app.log", b"header\n[1] one\n  at here\n  at there\n[2] two\n[3] three\n", b" and its end\n")
    once(lake, path)
    assert Reader(kinesis).read() == [b"[1] one\n  at here\n  at there\n", b"[2] two\n", b"[3] three\n and its end\n"]


def test_what_is_too_large_is_cut_off(lake, kinesis, logs):
    write(logs / "app.log", b"x" * (1 << 20), b"\n", b"small\n")
    once(lake, configure(logs, {"truncatedRecordTerminator": "...\n"}))
    reader = Reader(kinesis)
    large, small = reader.read()
    assert (large[-5:], small) == (b"x...\n", b"small\n")
    assert len(large) + len(reader.records[0]["PartitionKey"]) == 1 << 20


@pytest.mark.claim("KDF-559")
def test_the_agent_works_under_the_role_that_is_named(lake, kinesis, logs):
    trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    lake.client("iam").create_role(RoleName="agent", AssumeRolePolicyDocument=json.dumps(trust))
    write(logs / "app.log", *lines(3))
    role = "arn:aws:iam::000000000000:role/agent"
    assert once(lake, configure(logs, assumeRoleARN=role)) == 3
    write(logs / "app.log", *lines(3))
    nowhere = {"sts.endpoint": "http://127.0.0.1:9", "assumeRoleARN": role}
    with running(lake, configure(logs, {"maxBufferAgeMillis": 1000}, **nowhere)) as agent:
        assert "127.0.0.1:9" in agent.stderr.readline()


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        ({"kinesisStream": None}, "flows[0] needs either kinesisStream or deliveryStream"),
        ({"filePattern": "app.log"}, "flows[0].filePattern has to be absolute: app.log"),
        ({"maxBufferAgeMillis": 10}, "flows[0].maxBufferAgeMillis has to lie between 1000 and 900000, not 10"),
        ({"initialPosition": "MIDDLE"}, "flows[0].initialPosition has to be one of END_OF_FILE, START_OF_FILE, not"),
        ({"aggregatedRecordSizeBytes": 1}, "flows[0] has settings that are not supported: aggregatedRecordSizeBytes"),
        ({"multiLineStartPattern": "("}, "flows[0].multiLineStartPattern: missing )"),
        ({"dataProcessingOptions": [{"optionName": "UPPER"}]}, "dataProcessingOptions: UPPER is not one of SINGLELINE"),
    ],
)
def test_what_is_wrong_with_the_configuration_is_said(lake, logs, flow, message):
    ran = pocketlake(lake, "agent", "-c", str(configure(logs, flow)), "--once")
    assert ran.returncode == 1
    assert message in ran.stderr
