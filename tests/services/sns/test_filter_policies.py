"""Filter policies: operators one by one, limits with AWS's words, and random policies against a plain model."""

import json
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketlake.services.sns import filter_matching, filter_policies

from .test_topics import refusal

EXAMPLES = 2000 if os.environ.get("POCKETLAKE_SLOW") else 400


def attribute(value):
    if isinstance(value, list):
        return {"DataType": "String.Array", "StringValue": json.dumps(value)}
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    return {"DataType": "Number", "StringValue": str(value)}


@pytest.mark.parametrize(
    ("patterns", "fitting", "other"),
    [
        (["a"], "a", "A"),
        ([5], 5, 6),
        ([5], 5.000001, "5"),
        ([{"prefix": "ab"}], "abc", "bab"),
        ([{"suffix": ".png"}], "x.png", "x.png1"),
        ([{"wildcard": "a*b*c"}], "aXbYc", "aXcYb"),
        ([{"wildcard": "*.log"}], ".log", "log"),
        ([{"wildcard": "a\\*"}], "a*", "ab"),
        ([{"wildcard": "ab*ba"}], "abba", "aba"),
        ([{"equals-ignore-case": "Tennis"}], "tENNIS", "tennis "),
        ([{"anything-but": ["a", "b"]}], "c", "a"),
        ([{"anything-but": "a"}], 1, "a"),
        ([{"anything-but": [100]}], 99, 100),
        ([{"anything-but": {"prefix": "ab"}}], "ba", "abc"),
        ([{"anything-but": {"suffix": "ab"}}], "ba", "aab"),
        ([{"anything-but": {"wildcard": "*x*"}}], "ba", "axb"),
        ([{"anything-but": {"equals-ignore-case": ["A"]}}], "b", "a"),
        ([{"numeric": [">", 0, "<=", 5]}], 5, 0),
        ([{"numeric": ["=", 3.5]}], 3.5, "3.5"),
        ([{"cidr": "10.0.0.0/24"}], "10.0.0.9", "10.0.1.9"),
        ([{"cidr": "2001:db8::/32"}], "2001:db8::1", "10.0.0.1"),
        (["a", {"prefix": "b"}], "bc", "c"),
        (["rugby"], ["rugby", "tennis"], ["tennis"]),
        ([None], [None], ["null"]),
        ([True], [True], [1]),
    ],
)
def test_operators(patterns, fitting, other):
    policy = json.dumps({"k": patterns})
    filter_policies.check(policy, "MessageAttributes", "")
    assert filter_matching.passes_attributes(policy, {"k": attribute(fitting)})
    assert not filter_matching.passes_attributes(policy, {"k": attribute(other)})
    assert not filter_matching.passes_attributes(policy, {"other": attribute(fitting)})
    assert filter_matching.passes_body(policy, json.dumps({"k": fitting}))
    assert not filter_matching.passes_body(policy, json.dumps({"k": other}))


def test_exists_looks_at_the_key_alone():
    there, gone = json.dumps({"k": [{"exists": True}]}), json.dumps({"k": [{"exists": False}]})
    for text in ('{"k": null}', '{"k": "a"}'):
        assert filter_matching.passes_body(there, text)
        assert not filter_matching.passes_body(gone, text)
    assert filter_matching.passes_body(gone, "{}")
    assert not filter_matching.passes_body(there, "{}")
    assert filter_matching.passes_attributes(gone, {})
    # A Binary attribute is not looked at by any pattern.
    assert not filter_matching.passes_attributes(there, {"k": {"DataType": "Binary", "BinaryValue": b"a"}})


def test_bodies_are_matched_at_any_depth_and_within_lists():
    policy = json.dumps({"a": {"b": ["x"]}, "$or": [{"c": [1]}, {"d": {"e": [{"prefix": "p"}]}}]})
    assert filter_matching.passes_body(policy, '{"a": {"b": "x"}, "c": 1}')
    assert filter_matching.passes_body(policy, '{"a": [{"b": "y"}, {"b": ["x"]}], "d": {"e": "pq"}}')
    assert not filter_matching.passes_body(policy, '{"a": {"b": "x"}, "d": {"e": "q"}}')
    assert not filter_matching.passes_body(policy, '{"b": "x", "c": 1}')
    for text in ("no JSON", "[]", '"x"'):
        assert not filter_matching.passes_body(policy, text)


def test_or_above_operators_is_a_name_like_any_other():
    policy = json.dumps({"$or": [{"numeric": ["=", 123]}, {"prefix": "abc"}]})
    filter_policies.check(policy, "MessageAttributes", "")
    assert filter_matching.passes_body(policy, '{"$or": "abcd"}')
    assert not filter_matching.passes_body(policy, '{"prefix": "abcd"}')


def nested(depth, leaf='["x"]'):
    return '{"a": ' * depth + leaf + "}" * depth


def test_however_deep_a_body_is_it_is_judged(fan):
    """The reader of JSON goes down a thousand levels; what is deeper is no JSON."""
    topic, (url, arn) = fan.topic(), fan.queue()
    subscription = fan.subscribe(topic, arn, FilterPolicyScope="MessageBody", FilterPolicy=nested(10))
    for text in (nested(990), nested(5000), '{"a": ' + "[" * 1000 + "]" * 1000 + "}", nested(10)):
        fan.sns.publish(TopicArn=topic, Message=text)
    assert fan.texts(url) == [nested(10)]
    request = {"SubscriptionArn": subscription, "AttributeName": "FilterPolicy"}
    for depth in (151, 990):
        _, message = refusal(fan.sns.set_subscription_attributes, **request, AttributeValue=nested(depth))
        assert message == "Invalid parameter: FilterPolicy: Filter policy is too complex"


def words(count, prefix="v"):
    return [f"{prefix}{index}" for index in range(count)]


@pytest.mark.parametrize(
    ("policy", "scope", "message"),
    [
        (
            {k: ["v"] for k in "abcdef"},
            "MessageAttributes",
            "FilterPolicy: Filter policy can not have more than 5 keys",
        ),
        ({"a": words(151)}, "MessageAttributes", "FilterPolicy: Filter policy is too complex"),
        ({"a": words(13), "b": words(12)}, "MessageAttributes", "FilterPolicy: Filter policy is too complex"),
        (
            {"a": {"b": {"c": words(4)}}, "d": {"e": words(3)}, "f": words(3)},
            "MessageBody",
            "FilterPolicy: Filter policy is too complex",
        ),
        (
            {"a": {"b": ["c"]}},
            "MessageAttributes",
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ),
        ({"a": []}, "MessageAttributes", "FilterPolicy: Empty arrays are not allowed"),
        ({"a": "b"}, "MessageAttributes", 'FilterPolicy: "a" must be an object or an array'),
        (
            {"a": [["b"]]},
            "MessageAttributes",
            "FilterPolicy: Match value must be String, number, true, false, or null",
        ),
        ({"a": [{"odd": 1}]}, "MessageAttributes", "FilterPolicy: Unrecognized match type odd"),
        (
            {"a": [{"prefix": "a", "suffix": "b"}]},
            "MessageAttributes",
            "FilterPolicy: Only one key allowed in match expression",
        ),
        (
            {"a": [{"exists": "x"}]},
            "MessageAttributes",
            "FilterPolicy: exists match pattern must be either true or false.",
        ),
        ({"a": [{"prefix": 1}]}, "MessageAttributes", "FilterPolicy: prefix match pattern must be a string"),
        ({"a": [{"cidr": "10.0.0.0"}]}, "MessageAttributes", "FilterPolicy: Malformed CIDR, one '/' required"),
        (
            {"a": [{"anything-but": {"numeric": ["<", 1]}}]},
            "MessageAttributes",
            "FilterPolicy: Unsupported anything-but pattern: numeric",
        ),
        ({"a": [{"numeric": ["<", "1"]}]}, "MessageAttributes", "FilterPolicy: Value of < must be numeric"),
        (
            {"a": [{"numeric": [">", 5, "<", 1]}]},
            "MessageAttributes",
            "FilterPolicy: Bottom must be less than top",
        ),
        (
            {"a": [{"numeric": ["<", 5, ">", 1]}]},
            "MessageAttributes",
            "FilterPolicy: Too many elements in numeric expression",
        ),
    ],
)
def test_policies_that_are_refused(fan, policy, scope, message):
    """The same words, with a prefix within Subscribe."""
    topic, (_, arn) = fan.topic(), fan.queue()
    given = {"FilterPolicyScope": scope, "FilterPolicy": json.dumps(policy)}
    request = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn, "Attributes": given}
    assert refusal(fan.sns.subscribe, **request)[1] == f"Invalid parameter: Attributes Reason: {message}"
    subscription = fan.subscribe(topic, arn, FilterPolicyScope=scope, FilterPolicy='{"ok": ["yes"]}')
    request = {"SubscriptionArn": subscription, "AttributeName": "FilterPolicy", "AttributeValue": json.dumps(policy)}
    assert refusal(fan.sns.set_subscription_attributes, **request)[1] == f"Invalid parameter: {message}"
    shown = fan.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert shown["FilterPolicy"] == '{"ok": ["yes"]}'


def test_the_largest_policies_are_taken():
    filter_policies.check(json.dumps({"a": words(15), "b": words(10)}), "MessageAttributes", "")
    filter_policies.check(json.dumps({"a": {"b": words(5)}, "c": words(15)}), "MessageBody", "")


@pytest.mark.claim("MISC-022")
def test_each_queue_gets_what_its_policy_lets_through(fan):
    topic, (url, arn), (other, other_arn) = fan.topic(), fan.queue(), fan.queue("other")
    fan.subscribe(topic, arn, FilterPolicy='{"colour": ["red"]}')
    subscription = fan.subscribe(
        topic, other_arn, FilterPolicy='{"size": [{"numeric": [">", 3]}]}', FilterPolicyScope="MessageBody"
    )
    for colour, size in (("red", 1), ("blue", 5), ("red", 5)):
        fan.sns.publish(
            TopicArn=topic,
            Message=json.dumps({"size": size}),
            MessageAttributes={"colour": {"DataType": "String", "StringValue": colour}},
        )
    assert sorted(fan.texts(url)) == ['{"size": 1}', '{"size": 5}']
    assert fan.texts(other) == ['{"size": 5}', '{"size": 5}']
    fan.sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue="{}")
    fan.sns.publish(TopicArn=topic, Message="all")
    assert fan.texts(other) == ["all"]


def test_a_topic_has_200_filter_policies(fan):
    topic = fan.topic()
    for index in range(200):
        arn = f"arn:aws:sqs:us-east-1:000000000000:q{index}"
        fan.subscribe(topic, arn, FilterPolicy='{"a": ["b"]}')
    fan.subscribe(topic, "arn:aws:sqs:us-east-1:000000000000:plain")
    request = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q200"}
    assert refusal(fan.sns.subscribe, **request, Attributes={"FilterPolicy": '{"a": ["b"]}'})[0] == (
        "FilterPolicyLimitExceeded"
    )


# Against a model: it walks the body for each pattern instead of compiling anything

SHORT = st.text("ab*\\", max_size=4)
NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, -0.5])
LEAVES = SHORT | NUMBERS | st.booleans() | st.none()
KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
BODIES = st.dictionaries(KEYS, VALUES, max_size=3)
TEXTS = st.sampled_from(["prefix", "suffix", "equals-ignore-case", "wildcard"])
ONE = st.one_of(
    LEAVES,
    st.builds(lambda operator, text: {operator: re.sub(r"\*+", "*", text)}, TEXTS, SHORT),
    st.builds(
        lambda value: {"anything-but": value}, SHORT | NUMBERS | st.lists(SHORT | NUMBERS, min_size=1, max_size=2)
    ),
    st.builds(lambda operator, text: {"anything-but": {operator: re.sub(r"\*+", "*", text)}}, TEXTS, SHORT),
    st.builds(lambda there: {"exists": there}, st.booleans()),
    st.builds(
        lambda operator, bound: {"numeric": [operator, bound]}, st.sampled_from(["<", "<=", "=", ">", ">="]), NUMBERS
    ),
)
PATTERNS = st.lists(ONE, min_size=1, max_size=2)
NESTED = st.recursive(PATTERNS, lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=2), max_leaves=4)
PLAIN = st.dictionaries(KEYS, NESTED, min_size=1, max_size=2)
POLICIES = PLAIN | st.builds(lambda plain, first, second: {**plain, "$or": [first, second]}, PLAIN, PLAIN, PLAIN)


def found(body, path):
    """The leaves at a path; lists are looked through wherever they stand."""
    if isinstance(body, list):
        return [leaf for each in body for leaf in found(each, path)]
    if not path:
        return [] if isinstance(body, dict) else [body]
    return found(body[path[0]], path[1:]) if isinstance(body, dict) and path[0] in body else []


def holds(policy, body, path=()):
    for key, wanted in policy.items():
        if key == "$or":
            if not any(holds(each, body, path) for each in wanted):
                return False
        elif isinstance(wanted, dict):
            if not holds(wanted, body, (*path, key)):
                return False
        elif not any(suits(found(body, (*path, key)), each) for each in wanted):
            return False
    return True


def suits(values, pattern):
    if isinstance(pattern, dict) and "exists" in pattern:
        return bool(values) == pattern["exists"]
    return any(equals(value, pattern) for value in values)


def equals(value, pattern):
    if not isinstance(pattern, dict):
        kinds = {bool: "b", str: "s", type(None): "n"}
        return kinds.get(type(value), "#") == kinds.get(type(pattern), "#") and value == pattern
    (operator, wanted) = next(iter(pattern.items()))
    if operator == "anything-but":
        return not any(equals(value, each) for each in (wanted if isinstance(wanted, list) else [wanted]))
    if operator == "numeric":
        if isinstance(value, str | bool) or value is None:
            return False
        comparison, bound = wanted
        return {
            "<": value < bound,
            "<=": value <= bound,
            "=": value == bound,
            ">": value > bound,
            ">=": value >= bound,
        }[comparison]
    if not isinstance(value, str):
        return False
    if operator == "wildcard":
        tokens = re.findall(r"\\[*\\]|.", wanted, re.DOTALL)
        expression = "".join(".*" if token == "*" else re.escape(token[-1]) for token in tokens)
        return re.fullmatch(expression, value, re.DOTALL) is not None
    if operator == "equals-ignore-case":
        return value.lower() == wanted.lower()
    return value.startswith(wanted) if operator == "prefix" else value.endswith(wanted)


@given(POLICIES, BODIES)
@settings(max_examples=EXAMPLES, deadline=None)
def test_random_policies_agree_with_the_model(policy, body):
    assert filter_matching.passes_body(json.dumps(policy), json.dumps(body)) == holds(policy, body)
