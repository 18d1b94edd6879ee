"""The wire form by itself: numbers that sort, ends of values, texts of expressions."""

import io
from decimal import Decimal

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketlake.services.dax.caches import OVERHEAD_BYTES, Cache
from pocketlake.services.dax.wire import item_keys, sortable_numbers, values
from pocketlake.services.dax.wire.expressions import Texts
from pocketlake.services.dax.wire.item_keys import KeySchema
from pocketlake.services.dax.wire.scanning import Malformed, Scanner

from .wire_client import condition, path, variable

NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(digits), exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=38),
    st.integers(-160, 120),
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text() | st.binary() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("written", "wire"),
    [  # as amazon-dax-client 2.1.0 writes them
        ("0", "80"),
        ("1", "c11c0000"),
        ("-1", "3ee3fff0"),
        ("100", "c31c0020"),
        ("1E+2", "c31c0000"),
        ("-3.25", "3eabbfd0"),
        ("12345678901234567890", "d421dd4c8418596b2e4001"),
        ("1E-130", "817fffff7f1c0000"),
        ("-9.99E+125", "017fffff81033fd0"),
        ("1E+70", "fe800000471c0000"),
        ("-1E-100", "7e80000062e3fff0"),
    ],
)
def test_numbers_are_written_as_awss_client_writes_them(written, wire):
    assert sortable_numbers.encode(Decimal(written)).hex() == wire
    assert sortable_numbers.decode(bytes.fromhex(wire)) == Decimal(written)


@given(NUMBERS)
def test_a_number_is_read_as_it_was_written(number):
    written = sortable_numbers.encode(number)
    assert sortable_numbers.decode(written) == number


@given(NUMBERS, NUMBERS)
def test_numbers_sort_as_their_bytes(one, other):
    one, other = one.normalize(), other.normalize()
    left, right = sortable_numbers.encode(one), sortable_numbers.encode(other)
    assert (left < right, left == right) == (one < other, one == other)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_number_say_so(data):
    try:
        sortable_numbers.decode(data)
    except sortable_numbers.Unreadable:
        return


@given(st.lists(PLAIN, min_size=1, max_size=4))
def test_the_scanner_finds_the_end_wherever_the_bytes_stop(found):
    data = b"".join(map(cbor2.dumps, found))
    scanner = Scanner()
    scanner.expect(len(found))
    ends = [scanner.scan(data[:size]) for size in range(len(data) + 1)]
    assert ends == [False] * len(data) + [True]
    assert scanner.at == len(data)


@given(st.binary(max_size=60))
def test_the_scanner_agrees_with_a_decoder(data):
    scanner = Scanner()
    scanner.expect(1)
    try:
        whole = scanner.scan(data)
    except Malformed:
        whole = False
    if whole:
        try:
            cbor2.loads(data[: scanner.at])
        except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, LookupError):
            return  # well-formed, yet no value: a tag that needs another one, text that is no UTF-8
        stream = io.BytesIO(data)
        cbor2.CBORDecoder(stream, read_size=1).decode()
        assert stream.tell() == scanner.at


KEYS = {
    "S": st.text(min_size=1).map(lambda text: {"S": text}),
    "N": st.integers(-(10**30), 10**30).map(lambda number: {"N": str(number)}),
    "B": st.binary(min_size=1).map(lambda data: {"B": data}),
}


@given(st.data(), st.sampled_from("SNB"), st.sampled_from(["", "S", "N", "B"]))
def test_keys_are_read_as_they_were_written(data, hash_type, sort_type):
    schema = KeySchema("h", hash_type, "s" if sort_type else None, sort_type)
    key = {"h": data.draw(KEYS[hash_type])}
    if sort_type:
        key["s"] = data.draw(KEYS[sort_type])
    try:
        written = item_keys.encode(schema, key)
    except UnicodeEncodeError:
        return
    read = item_keys.decode(schema, written)
    numbers = {name: {kind: Decimal(v) if kind == "N" else v for kind, v in of.items()} for name, of in read.items()}
    assert numbers == {
        name: {kind: Decimal(v) if kind == "N" else v for kind, v in of.items()} for name, of in key.items()
    }
    assert item_keys.canonical(schema, written) == item_keys.canonical(schema, item_keys.encode(schema, read))


@pytest.mark.parametrize(
    "number", [cbor2.CBORTag(4, [10**9, 1]), cbor2.CBORTag(4, [-(10**9), 1]), cbor2.CBORTag(4, [2**70, 1])]
)
def test_a_number_far_beyond_is_refused_before_it_is_written_out(number):
    with pytest.raises(Malformed):
        item_keys.canonical(KeySchema("h", "N", None, ""), cbor2.dumps(number))


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ([6, [7, [0, path("a"), variable(0)], [11, path("b")]], [12, path("c")]],
         "(#n0 = :v0 OR attribute_exists(#n1)) AND attribute_not_exists(#n2)"),
        ([8, [6, [11, path("a")], [11, path("a", 1, "b")]]],
         "NOT (attribute_exists(#n0) AND attribute_exists(#n0[1].#n1))"),
        ([9, [16, path("a")], variable(0), variable(1)], "size(#n0) BETWEEN :v0 AND :v1"),
        ([10, path("a"), [variable(0), path("b")]], "#n1 IN (:v0, #n0)"),
    ],
)  # fmt: skip
def test_conditions_become_text(tree, text):
    assert Texts().condition(condition(tree, 1, 2)) == text


def test_updates_become_clauses():
    texts = Texts()
    tree = [
        [19, path("a"), [25, path("a"), variable(0)]],
        [22, path("b", 0)],
        [19, path("c"), [24, [23, path("c"), variable(1)], variable(1)]],
        [20, path("d"), variable(0)],
        [21, path("e"), variable(2)],
    ]
    written = texts.update(condition(tree, 1, [2], cbor2.CBORTag(3321, ["x"])))
    assert written == (
        "SET #n0 = #n0 + :v0, #n2 = list_append(if_not_exists(#n2, :v1), :v1) REMOVE #n1[0] ADD #n3 :v0 DELETE #n4 :v2"
    )
    assert texts.names == {"#n0": "a", "#n1": "b", "#n2": "c", "#n3": "d", "#n4": "e"}
    assert texts.values == {":v0": {"N": "1"}, ":v1": {"L": [{"N": "2"}]}, ":v2": {"SS": ["x"]}}


def test_attribute_values_keep_their_kinds():
    value = {
        "M": {
            "text": {"S": "ä"}, "whole": {"N": "12345678901234567890"}, "part": {"N": "-0.001"}, "bytes": {"B": b"\0"},
            "none": {"NULL": True}, "yes": {"BOOL": True}, "texts": {"SS": ["a", "b"]}, "numbers": {"NS": ["1", "2.5"]},
            "blobs": {"BS": [b"a"]}, "list": {"L": [{"L": []}, {"M": {}}]},
        }
    }  # fmt: skip
    assert values.attribute_value(values.load(values.dump(values.plain(value)))) == value


def test_a_full_cache_lets_go_of_what_was_used_least_recently():
    cache = Cache(3 * (OVERHEAD_BYTES + 101))
    for name in "abc":
        cache.put(name, bytes(100), 0.0)
    assert cache.find("a", 1.0, 300) is not None
    cache.put("d", bytes(100), 1.0)
    assert cache.find("b", 1.0, 300) is None
    assert all(cache.find(name, 1.0, 300) for name in "acd")
    assert cache.evictions == 1
    cache.put("huge", bytes(10_000), 1.0)
    assert len(cache) == 0
    assert cache.size_bytes == 0
