"""The AWS CLI: s3's high-level commands, and plain calls of other services."""

import json
import os
import subprocess
import sys
from pathlib import Path

AWS = str(Path(sys.executable).parent / "aws")


def aws(*words: str) -> str:
    finished = subprocess.run([AWS, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert finished.returncode == 0, f"aws {' '.join(words)}: {finished.stdout} {finished.stderr}"
    return finished.stdout


tree = Path("tree/inner")
tree.mkdir(parents=True)
(tree / "small.txt").write_text("small")
(tree.parent / "large.bin").write_bytes(os.urandom(20 * 1024 * 1024))

aws("s3", "mb", "s3://cli-demo")
aws("s3", "cp", "tree", "s3://cli-demo/tree", "--recursive")
assert "small.txt" in aws("s3", "ls", "s3://cli-demo/tree/", "--recursive")
assert "PRE inner/" in aws("s3", "ls", "s3://cli-demo/tree/")
(tree / "new.txt").write_text("new")
for file in tree.parent.rglob("*.*"):
    os.utime(file, (1_700_000_000, 1_700_000_000))  # sync compares with LastModified, which has whole seconds
assert "new.txt" in aws("s3", "sync", "tree", "s3://cli-demo/tree")
assert aws("s3", "sync", "tree", "s3://cli-demo/tree") == ""
aws("s3", "cp", "s3://cli-demo/tree/large.bin", "back.bin")
assert Path("back.bin").read_bytes() == (tree.parent / "large.bin").read_bytes()
aws("s3", "mv", "s3://cli-demo/tree/inner/new.txt", "s3://cli-demo/moved.txt")
assert aws("s3", "cp", "s3://cli-demo/moved.txt", "-") == "new"

aws("kinesis", "create-stream", "--stream-name", "cli", "--shard-count", "1")
aws("kinesis", "wait", "stream-exists", "--stream-name", "cli")
put = ("kinesis", "put-record", "--stream-name", "cli", "--partition-key", "k", "--data")
place = json.loads(aws(*put, "aGVsbG8=" if "aws-cli/2" in aws("--version") else "hello"))
assert place["ShardId"] == "shardId-000000000000"

aws("glue", "create-database", "--database-input", "Name=cli")
assert json.loads(aws("glue", "get-database", "--name", "cli"))["Database"]["Name"] == "cli"
aws("s3", "rb", "s3://cli-demo", "--force")
assert json.loads(aws("sts", "get-caller-identity"))["Account"] == "000000000000"
print("done")
