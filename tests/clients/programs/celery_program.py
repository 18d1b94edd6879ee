"""Celery over SQS, unchanged: a worker of its own process takes tasks, some of them delayed and some retried."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from celery import Celery

address = urlsplit(os.environ["AWS_ENDPOINT_URL"])
app = Celery("celery_program", broker=f"sqs://test:test@{address.netloc}")
app.conf.broker_transport_options = {
    "region": "us-east-1",
    "is_secure": False,
    "wait_time_seconds": 2,
    "polling_interval": 0.1,
    "visibility_timeout": 60,
}
app.conf.task_acks_late = True
app.conf.worker_hijack_root_logger = False

OUTCOMES = Path("outcomes")
TASKS = 25


@app.task(bind=True, max_retries=2)
def work(self, number: int) -> None:
    if number == 7 and self.request.retries == 0:
        raise self.retry(countdown=0)
    OUTCOMES.mkdir(exist_ok=True)
    (OUTCOMES / str(number)).write_text(f"{number * number}")


def main() -> None:
    for number in range(TASKS):
        work.delay(number)
    command = [sys.executable, "-m", "celery", "-A", "celery_program", "worker", "--pool", "solo", "--concurrency", "1"]
    command += ["--without-gossip", "--without-mingle", "--loglevel", "warning"]
    worker = subprocess.Popen(command, cwd=os.getcwd(), env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)})
    try:
        deadline = time.monotonic() + 60
        while len(list(OUTCOMES.glob("*"))) < TASKS and time.monotonic() < deadline:
            assert worker.poll() is None, "the worker ended"
            time.sleep(0.1)
        work.delay(TASKS)  # now one that meets a waiting worker
        while not (OUTCOMES / str(TASKS)).exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        worker.terminate()
        worker.wait(20)
    assert {path.name: path.read_text() for path in OUTCOMES.iterdir()} == {
        str(number): str(number * number) for number in range(TASKS + 1)
    }
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="celery")["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert left == dict.fromkeys(names, "0"), left
    print("done")


if __name__ == "__main__":
    main()
