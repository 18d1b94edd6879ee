"""The edge: who may come in, and what becomes of bytes that are no request."""

import configparser
import datetime
import json
import random
import socket
import urllib.request

import boto3
import cbor2
import pytest

from pocketlake.embedded import run

from .conftest import ROLE, TABLE
from .wire_client import GREETING, METHODS, Gone, Refused, WireClient, condition, path, variable

SEED = 20260721
GET = cbor2.dumps(1) + cbor2.dumps(METHODS["get"])


def is_closed(connection):
    """Whether the server hangs up, whatever it says before."""
    connection.settimeout(10)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def alive(cluster):
    with WireClient.of(cluster) as client:
        return len(client.ask("endpoints")) == 1


def test_without_an_authorization_nothing_is_answered(table, cluster):
    with WireClient.of(cluster, key=None) as client, pytest.raises(Refused) as refused:
        client.ask("get", TABLE.encode(), b"x", None)
    assert refused.value.codes == [4, 23, 31, 33]
    with WireClient.of(cluster, key=None) as client, pytest.raises(Refused):
        client.ask("endpoints")


def test_another_accounts_key_does_not_open_the_cluster(table, cluster):
    with WireClient.of(cluster, key="123456789012") as client, pytest.raises(Refused) as refused:
        client.ask("get", TABLE.encode(), b"x", None)
    assert refused.value.codes == [4, 37, 38, 42]


def test_signatures_of_keys_that_the_lake_knows_are_checked(lake, table, cluster):
    lake.client("iam").create_user(UserName="ada")
    key = lake.client("iam").create_access_key(UserName="ada")["AccessKey"]
    with WireClient.of(cluster, key=key["AccessKeyId"], secret=key["SecretAccessKey"]) as client:
        assert client.get(TABLE, "x") is None
    with WireClient.of(cluster, key=key["AccessKeyId"], secret="guessed") as client, pytest.raises(Refused) as refused:
        client.ask("endpoints")
    assert refused.value.code == "InvalidSignatureException"
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=16)
    options = {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"], "at": old}
    with WireClient.of(cluster, **options) as client, pytest.raises(Refused, match="expired"):
        client.ask("endpoints")


def test_a_signed_lake_refuses_keys_that_it_does_not_know(tmp_path):
    with run(tmp_path, auth="signed") as lake:
        parser = configparser.ConfigParser()
        parser.read(tmp_path / "credentials")
        known = parser["default"]
        session = boto3.session.Session(
            known["aws_access_key_id"], known["aws_secret_access_key"], region_name="us-east-1"
        )
        dax = session.client("dax", endpoint_url=lake.endpoint_url)
        dax.create_cluster(ClusterName="c", NodeType="dax.t3.small", ReplicationFactor=1, IamRoleArn=ROLE)
        lake.clock.advance(5)
        cluster = dax.describe_clusters()["Clusters"][0]
        with WireClient.of(cluster, key="stranger") as client, pytest.raises(Refused) as refused:
            client.ask("endpoints")
        assert refused.value.code == "UnrecognizedClientException"
        options = {"key": known["aws_access_key_id"], "secret": known["aws_secret_access_key"]}
        with WireClient.of(cluster, **options) as client:
            assert len(client.ask("endpoints")) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"gJ7yne5X\x00\xf6\xa0\x00",
        b"\x16\x03\x01\x02\x00",
        GREETING + b"\xff",
        GREETING + b"\x01\x1a\x00\x00\x00\x07",
        GREETING + b"\x02" + cbor2.dumps(METHODS["endpoints"]),
        GREETING + GET + b"\x81" * 100,
        GREETING + GET + b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        GREETING + GET + b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        GREETING + GET + b"\x1f",
    ],
)  # fmt: skip
def test_what_is_no_request_ends_the_connection_and_nothing_else(table, cluster, sent):
    endpoint = cluster["ClusterDiscoveryEndpoint"]
    with socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=10) as plain:
        plain.sendall(sent)
        assert is_closed(plain)
    assert alive(cluster)


@pytest.mark.parametrize(
    "parameters",
    [
        (5, b"x", None),
        (TABLE.encode(), "text", None),
        (TABLE.encode(), b"x", [1]),
        (TABLE.encode(), b"x", {0: b"\x00"}),
        (TABLE.encode(), b"x", {0: cbor2.dumps([1, [[18]]])}),
        (TABLE.encode(), b"x", {0: cbor2.dumps([1, []])}),
        (TABLE.encode(), b"\xff\xfe", None),
        (b"", b"x", None),
        (b"\xff", b"x", None),
        (TABLE.encode(), b"x", {3: 9}),
        (cbor2.CBORTag(35, "a+"), b"x", None),
        (cbor2.CBORTag(29, 1), b"x", None),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_the_next_one_answered(table, client, parameters):
    with pytest.raises(Refused) as refused:
        client.ask("get", *parameters)
    assert refused.value.codes == [4, 37, 38, 39, 46]
    assert client.get(TABLE, "x") is None


@pytest.mark.parametrize(
    "content", [b"", b"\xf6", b"\x02", b"\x01\x01", b"\x01\xff\xff", cbor2.dumps(1) + cbor2.dumps(cbor2.CBORTag(1, 1))]
)
def test_an_item_that_makes_no_sense_is_not_put(table, client, content):
    with pytest.raises(Refused) as refused:
        client.ask("put", TABLE.encode(), b"x", content, None)
    assert refused.value.codes == [4, 37, 38, 39, 46]
    assert client.get(TABLE, "x") is None


@pytest.mark.parametrize(
    "tree",
    [[], 5, [99], [17, 3], [17, -1], [17], [18], [6, [11, [18, "a"]]], [0, [17, 0]], [8], [10, "a", 5], [True], ["a"]],
)
def test_an_expression_that_makes_no_sense_is_refused(table, client, tree):
    with pytest.raises(Refused) as refused:
        client.put(TABLE, "x", {}, {4: condition(tree, 1)})
    assert refused.value.codes == [4, 37, 38, 39, 46]


@pytest.mark.parametrize("number", [0, 5, -1, 2**53, 2**63, 2**200])
def test_there_is_no_list_of_attributes_with_a_number_that_nobody_was_given(table, client, number):
    with pytest.raises(Refused, match="Unknown attribute list"):
        client.ask("define_attribute_list", number)


def test_a_list_of_attributes_is_no_longer_than_an_item(table, client):
    names = ["x" * 60_000 + str(number) for number in range(6)]
    assert client.ask("define_attribute_list", client.ask("define_attribute_list_id", names)) == names
    with pytest.raises(Refused, match="at most 409600 bytes"):
        client.ask("define_attribute_list_id", [*names, "x" * 60_000])


@pytest.mark.parametrize("operation", [[], 2.0, None, 3, "Put"])
def test_a_transaction_of_what_is_no_operation_is_refused(table, client, operation):
    columns = ([operation], [TABLE.encode()], [b"x"], [client.item({})], None, [1], [None], [None], None)
    with pytest.raises(Refused, match="TransactItems can only contain one of Check, Put, Update or Delete"):
        client.ask("transact_write", *columns)


def test_a_parameter_that_no_client_of_today_sends_is_not_built(table, client):
    with pytest.raises(Refused, match="DAX's request parameter 20 is not implemented") as refused:
        client.ask("get", TABLE.encode(), b"x", {2: True, 20: 1})
    assert (refused.value.code, refused.value.codes) == ("NotImplemented", [4, 37, 38, 44])
    with pytest.raises(Refused, match="options have numbers"):
        client.ask("get", TABLE.encode(), b"x", {"2": True})


def test_expressions_keep_their_meaning(table, client):
    """Or within And, And within Not: DynamoDB refuses parentheses that are not needed, and needs those that are."""
    client.put(TABLE, "x", {"a": 1, "b": 2, "size": 3})
    a, b, size = ([18, name] for name in ("a", "b", "size"))
    is_, is_not = (lambda name, n: [0, name, variable(n)]), (lambda name, n: [1, name, variable(n)])
    holding = [
        ([6, [7, is_(a, 1), is_(a, 0)], is_not(b, 0)], 1, 2),
        ([7, is_(a, 0), [6, is_(a, 0), is_(b, 1)]], 1, 5),
        ([8, [6, is_(a, 1), is_(b, 0)]], 1, 2),
        ([8, [8, is_(size, 0)]], 3),
        ([9, b, variable(0), variable(1)], 1, 3),
        ([10, b, [variable(0), variable(1)]], 1, 2),
        ([13, size, variable(0)], "N"),
        ([6, [6, is_(a, 0), is_(b, 1)], [7, is_(size, 2), is_(size, 0)]], 1, 2, 3),
    ]
    for tree, *values in holding:
        client.put(TABLE, "x", {"a": 1, "b": 2, "size": 3}, {4: condition(tree, *values)})
    with pytest.raises(Refused, match="The conditional request failed"):
        client.put(TABLE, "x", {}, {4: condition([6, [7, is_(a, 0), is_(a, 1)], is_(b, 0)], 1, 2)})
    assert path("a") == a


def test_requests_that_come_byte_by_byte_or_all_at_once_are_answered_in_order(table, client):
    client.put(TABLE, "x", {"n": 1})
    one = b"".join(map(cbor2.dumps, (1, METHODS["get"], TABLE.encode(), b"x", None)))
    for at in range(len(one)):
        client.socket.sendall(one[at : at + 1])
    first = client.answer()
    write = b"".join(map(cbor2.dumps, (1, METHODS["delete"], TABLE.encode(), b"x", None)))
    client.socket.sendall(one * 3 + write + one * 2)
    assert [client.answer() for _ in range(6)] == [first] * 3 + [None] * 3


def test_random_bytes_and_torn_requests_harm_nobody(table, cluster):
    chance = random.Random(SEED)
    whole = b"".join(map(cbor2.dumps, (1, METHODS["put"], TABLE.encode(), b"x", b"\x01", {4: condition([99])})))
    for _ in range(150):
        with WireClient.of(cluster) as client:
            torn = bytearray(whole)
            for _ in range(chance.randrange(4)):
                torn[chance.randrange(len(torn))] = chance.randrange(256)
            if chance.random() < 0.3:
                torn = torn[: chance.randrange(len(torn))] + chance.randbytes(chance.randrange(200))
            client.socket.sendall(bytes(torn))
            client.socket.shutdown(socket.SHUT_WR)
            assert is_closed(client.socket)
    assert alive(cluster), SEED


def test_a_fault_asked_for_is_met_by_the_data_plane_too(lake, table, client):
    fault = {"service": "dax", "operation": "GetItem", "code": "ProvisionedThroughputExceededException"}
    data = json.dumps({**fault, "status": 400}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{lake.endpoint_url}/_pocketlake/faults", data)).close()
    with pytest.raises(Refused) as refused:
        client.ask("get", TABLE.encode(), b"x", None)
    assert refused.value.codes == [4, 37, 38, 39, 40]
    assert client.get(TABLE, "x") is None


def test_a_reset_closes_the_clusters_ports(lake, client, cluster):
    lake.reset()
    with pytest.raises((Gone, ConnectionError)):
        client.ask("endpoints")
    endpoint = cluster["Nodes"][0]["Endpoint"]  # the cluster's own port another lake on this machine may take
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=10)


def test_a_stranger_cannot_have_the_lake_hold_much(table, cluster):
    with WireClient.of(cluster, key=None) as client:
        client.socket.sendall(GET + b"\x5a\x00\x02\x00\x00")
        assert is_closed(client.socket)
    with WireClient.of(cluster) as client:
        content = client.item({"text": "x" * 300_000})
    with WireClient.of(cluster) as client:  # the first request behind its authorization
        assert client.ask("put", TABLE.encode(), b"long", content, None) is None
        assert len(client.get(TABLE, "long")["text"]) == 300_000


def test_who_does_not_read_is_not_read_either(table, cluster):
    """Its requests wait in its own memory, not in the lake's."""
    with WireClient.of(cluster) as client:
        client.put(TABLE, "long", {"text": "x" * 100_000})
        one = b"".join(map(cbor2.dumps, (1, METHODS["get"], TABLE.encode(), b"long", None)))
        client.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(1000):  # 64 MB, where the system holds some six on the way
                client.socket.sendall(one * (65536 // len(one)))
    assert alive(cluster)


def test_a_thousand_requests_at_once_are_answered_in_order_and_others_are_not_kept_waiting(table, cluster):
    with WireClient.of(cluster) as client, WireClient.of(cluster) as other:
        for number in range(10):
            client.put(TABLE, f"song {number}", {"n": number})
        keys = [f"song {number % 10}" for number in range(1000)]
        one = [b"".join(map(cbor2.dumps, (1, METHODS["get"], TABLE.encode(), key.encode(), None))) for key in keys]
        client.socket.sendall(b"".join(one))
        assert other.get(TABLE, "song 3") == {"n": 3}
        found = [cbor2.loads(b"\x9f" + client.answer()[0] + b"\xff")[1] for _ in keys]
        assert found == [number % 10 for number in range(1000)]


def test_answers_come_in_frames_to_who_wants_them(table, cluster):
    """As the client for Java does: a head of eight bytes says how long an answer is, itself included."""
    endpoint = cluster["ClusterDiscoveryEndpoint"]
    with WireClient.of(cluster, key=None) as client:
        client.socket.close()
        client.socket = socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=10)
        client.socket.sendall(GREETING.replace(b"J7yne5G\x00", b"J7yne5G\x01"))
        client.authorize("test", "test")
        client.send("define_attribute_list_id", cbor2.CBORTag(3321, ["a", "b"]))
        client.send("define_key_schema", TABLE.encode())
        received = b""
        while received.count(b"\x01\0\0\0") < 2 or not received.endswith(b"aS"):
            received += client.socket.recv(65536)
    answers = []
    while received:
        size = int.from_bytes(received[:4], "big")
        assert received[4:8] == b"\x01\0\0\0"
        answers.append(received[8:size])
        received = received[size:]
    assert [answer[:1] for answer in answers] == [b"\x80", b"\x80"]
    assert cbor2.loads(answers[1][1:]) == {"title": "S"}
    with WireClient.of(cluster) as client:
        assert client.ask("define_attribute_list", cbor2.loads(answers[0][1:])) == ["a", "b"]
