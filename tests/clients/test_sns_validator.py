"""Signatures of SNS messages, judged by AWS's own validator for node, unchanged, over HTTPS."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pocketlake import spawned

PROGRAM = Path(__file__).parent / "programs" / "snsvalidator_program.cjs"


class Question(BaseHTTPRequestHandler):
    """Keeps what is asked of an HTTP endpoint."""

    asked: list[bytes]

    def do_POST(self) -> None:
        self.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.timeout(700)
def test_messages_of_both_versions_are_genuine_to_aws_s_validator(
    packages_of: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = packages_of("snsvalidator")
    with spawned.running(tmp_path / "lake", "--tls") as lake:
        authority = str(tmp_path / "lake" / "tls" / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", authority)  # for lake.clock
        sns, sqs = (lake.client(service, verify=authority) for service in ("sns", "sqs"))
        handler = type("Handler", (Question,), {"asked": []})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        texts = []
        for version in ("1", "2"):
            topic = sns.create_topic(Name=f"v{version}", Attributes={"SignatureVersion": version})["TopicArn"]
            url = sqs.create_queue(QueueName=f"v{version}")["QueueUrl"]
            arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
            hook = f"http://127.0.0.1:{server.server_address[1]}/"
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=hook)
            sns.publish(TopicArn=topic, Message="plain")
            sns.publish(TopicArn=topic, Message="línes\nof 汉字", Subject="subject")
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)["Messages"]
            texts += [message["Body"] for message in found]
        lake.clock.advance(0)  # and the questions have arrived
        server.shutdown()
        server.server_close()
        texts += [body.decode() for body in handler.asked]
        kinds = sorted(json.loads(text)["Type"] for text in texts)
        assert kinds == ["Notification"] * 4 + ["SubscriptionConfirmation"] * 2
        files = []
        for number, text in enumerate(texts):
            files.append(str(tmp_path / f"{number}.json"))
            Path(files[-1]).write_text(text, encoding="utf-8")
        settings = {**os.environ, "NODE_PATH": str(modules), "NODE_EXTRA_CA_CERTS": authority}
        finished = subprocess.run(
            ["node", str(PROGRAM), *files], env=settings, capture_output=True, text=True, timeout=60
        )
    assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
    assert finished.stdout.splitlines()[-1] == "done"
