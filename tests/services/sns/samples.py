"""What the tests of SNS share: topics with queues behind them, and a web server that keeps what it was sent."""

import json
import threading
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT = "000000000000"


@dataclass
class Fan:
    """A lake's clients, with shortcuts for a topic and its queues."""

    lake: object
    sns: object
    sqs: object

    def topic(self, name="news", **attributes):
        if name.endswith(".fifo"):
            attributes = {"FifoTopic": "true", **attributes}
        return self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]

    def queue(self, name="inbox", **attributes):
        if name.endswith(".fifo"):
            attributes = {"FifoQueue": "true", **attributes}
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    def subscribe(self, topic, arn, protocol="sqs", **attributes):
        answer = self.sns.subscribe(
            TopicArn=topic, Protocol=protocol, Endpoint=arn, Attributes=attributes, ReturnSubscriptionArn=True
        )
        return answer["SubscriptionArn"]

    def received(self, url):
        """All messages of the queue, taken out."""
        found = []
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
            )
            if not answer.get("Messages"):
                return found
            found += answer["Messages"]
            entries = [
                {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                for index, message in enumerate(answer["Messages"])
            ]
            self.sqs.delete_message_batch(QueueUrl=url, Entries=entries)

    def texts(self, url):
        return [json.loads(message["Body"])["Message"] for message in self.received(url)]

    def view(self, **query):
        asked = "&".join(f"{name}={urllib.request.quote(value)}" for name, value in query.items())
        return json.loads(fetch(f"{self.lake.endpoint_url}/_pocketlake/views/sns/outbox?{asked}"))["messages"]


def fetch(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def confirmed(fan, web, topic, **attributes):
    """A subscription of the web server that it has said yes to."""
    arn = fan.subscribe(topic, web.url, "http", **attributes)
    fan.lake.clock.advance(0)
    fetch(web.of_type("SubscriptionConfirmation")[-1].json()["SubscribeURL"])
    return arn


@dataclass
class Posted:
    headers: dict
    body: str

    def json(self):
        return json.loads(self.body)


@dataclass
class Endpoint:
    """`statuses` are answered one after the other, then 200; 0 hangs up. `answer` is the body of each."""

    url: str = ""
    statuses: list = field(default_factory=list)
    posted: list = field(default_factory=list)
    answer: bytes = b""

    def of_type(self, kind):
        return [one for one in self.posted if one.headers["x-amz-sns-message-type"] == kind]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        endpoint = self.server.endpoint
        endpoint.posted.append(Posted(dict(self.headers), body))
        status = endpoint.statuses.pop(0) if endpoint.statuses else 200
        if status:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(endpoint.answer)

    def log_message(self, *arguments):
        pass


@contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.endpoint = Endpoint(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
