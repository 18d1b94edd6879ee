"""Topics: names, attributes, permissions, tags, pages."""

import json

import pytest
from botocore.exceptions import ClientError

from pocketlake.kernel.quotas import Quota
from pocketlake.services.sns import quotas


def refusal(function, **request):
    with pytest.raises(ClientError) as caught:
        function(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("a b", {}),
        ("x" * 257, {}),
        ("topic.fifo", {}),
        ("topic", {"FifoTopic": "true"}),
        ("a.b.fifo", {"FifoTopic": "true"}),
        (".fifo", {"FifoTopic": "true"}),
    ],
)
def test_names_that_are_refused(fan, name, attributes):
    refused = refusal(fan.sns.create_topic, Name=name, Attributes=attributes)
    assert refused == ("InvalidParameter", "Invalid parameter: Topic Name")


def test_creating_is_idempotent_for_the_same_attributes_and_tags(fan):
    tags = [{"Key": "team", "Value": "a"}]
    first = fan.sns.create_topic(Name="t", Attributes={"DisplayName": "T"}, Tags=tags)["TopicArn"]
    assert fan.sns.create_topic(Name="t", Attributes={"DisplayName": "T"}, Tags=tags)["TopicArn"] == first
    assert refusal(fan.sns.create_topic, Name="t", Attributes={"DisplayName": "U"}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )
    assert refusal(fan.sns.create_topic, Name="t", Tags=[{"Key": "team", "Value": "b"}]) == (
        "InvalidParameter",
        "Invalid parameter: Tags Reason: Topic already exists with different tags",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("MaximumMessageSize", "9" * 5000),
        ("MaximumMessageSize", "\u00b2"),
        ("SignatureVersion", "3"),
        ("TracingConfig", "On"),
        ("DisplayName", "x" * 101),
        ("SQSSuccessFeedbackSampleRate", "101"),
        ("SQSSuccessFeedbackSampleRate", "\u00b2"),
        ("ContentBasedDeduplication", "true"),
        ("ArchivePolicy", '{"MessageRetentionPeriod": "3"}'),
        ("Nonsense", "1"),
        ("Policy", "no JSON"),
        ("Policy", "{}"),
        ("Policy", '{"Statement": [{"Effect": "Perhaps"}]}'),
        ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 30, "maxDelayTarget": 20}}}'),
    ],
)
def test_attributes_that_are_refused(fan, name, value):
    topic = fan.topic()
    code, _ = refusal(fan.sns.set_topic_attributes, TopicArn=topic, AttributeName=name, AttributeValue=value)
    assert code == "InvalidParameter"


def test_retries_last_an_hour_at_most(fan):
    policy = {"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 1500, "maxDelayTarget": 1500, "numRetries": 3}}}
    request = {"TopicArn": fan.topic(), "AttributeName": "DeliveryPolicy", "AttributeValue": json.dumps(policy)}
    _, message = refusal(fan.sns.set_topic_attributes, **request)
    assert message == (
        "Invalid parameter: DeliveryPolicy: http.defaultHealthyRetryPolicy: Total policy retry time cannot be greater "
        "than 3600 seconds"
    )


def test_a_key_is_not_built_and_says_so(fan):
    code, message = refusal(fan.sns.create_topic, Name="t", Attributes={"KmsMasterKeyId": "alias/aws/sns"})
    assert code == "NotImplemented"
    assert "KMS" in message
    assert fan.sns.list_topics()["Topics"] == []


def test_attributes_are_shown_and_go_back_to_defaults(fan):
    topic = fan.topic("t.fifo", ContentBasedDeduplication="true")
    fan.sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    shown = fan.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (shown["FifoTopic"], shown["ContentBasedDeduplication"], shown["SignatureVersion"]) == ("true", "true", "2")
    fan.sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="")
    assert "SignatureVersion" not in fan.sns.get_topic_attributes(TopicArn=topic)["Attributes"]


@pytest.mark.claim("MISC-022")
def test_permissions_are_statements_of_the_policy(fan):
    topic = fan.topic()
    fan.sns.add_permission(TopicArn=topic, Label="guest", AWSAccountId=["111111111111"], ActionName=["Publish"])
    policy = json.loads(fan.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert policy["Statement"][1]["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    request = {"TopicArn": topic, "Label": "guest", "AWSAccountId": ["2"], "ActionName": ["Publish"]}
    assert refusal(fan.sns.add_permission, **request)[1] == "Statement already exists"
    fan.sns.remove_permission(TopicArn=topic, Label="guest")
    policy = json.loads(fan.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert [each["Sid"] for each in policy["Statement"]] == ["__default_statement_ID"]


def test_tags_and_their_limit(fan):
    topic = fan.topic()
    fan.sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    fan.sns.untag_resource(ResourceArn=topic, TagKeys=["a"])
    assert fan.sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "b", "Value": "2"}]
    many = [{"Key": f"k{index}", "Value": ""} for index in range(50)]
    assert refusal(fan.sns.tag_resource, ResourceArn=topic, Tags=many)[0] == "TagLimitExceeded"


def test_lists_have_pages_of_a_hundred(fan):
    names = {f"t{index:03}" for index in range(101)}
    for name in names:
        fan.sns.create_topic(Name=name)
    pages = list(fan.sns.get_paginator("list_topics").paginate())
    assert [len(page["Topics"]) for page in pages] == [100, 1]
    assert {topic["TopicArn"].rpartition(":")[2] for page in pages for topic in page["Topics"]} == names


def test_an_account_has_so_many_topics_of_each_kind(fan, monkeypatch):
    """The limits, as numbers that a test can reach: a limit is data."""
    for name, most in (("TOPICS", 3), ("FIFO_TOPICS", 2)):
        monkeypatch.setattr(quotas, name, Quota("topics", most, "topics", "this test"))
    for name in ("a", "b.fifo", "c", "d.fifo", "e"):
        fan.topic(name)
    for name, attributes in (("f", {}), ("g.fifo", {"FifoTopic": "true"})):
        assert refusal(fan.sns.create_topic, Name=name, Attributes=attributes)[0] == "TopicLimitExceeded"
    fan.topic("a")  # one that is there


def test_subscriptions_of_all_topics_have_pages_too(fan):
    """The caller's: what others have subscribed to the same topics is theirs."""
    topics = [fan.topic(name) for name in ("a", "b", "c")]
    stranger = fan.lake.client("sns", account="111111111111")
    for index in range(210):
        if index % 10 == 0:
            stranger.subscribe(TopicArn=topics[index % 3], Protocol="sms", Endpoint=f"+1666000{index:04}")
        fan.sns.subscribe(TopicArn=topics[index % 3], Protocol="sms", Endpoint=f"+1555000{index:04}")
    pages = [page["Subscriptions"] for page in fan.sns.get_paginator("list_subscriptions").paginate()]
    assert [len(page) for page in pages] == [100, 100, 10]
    endpoints = [one["Endpoint"] for page in pages for one in page]
    assert sorted(endpoints) == [f"+1555000{index:04}" for index in range(210)]
    token = fan.sns.list_subscriptions()["NextToken"]
    assert refusal(fan.sns.list_topics, NextToken=token)[1] == "Invalid parameter: NextToken Reason: Invalid token"


def test_deleting_takes_the_subscriptions_along_and_may_be_repeated(fan):
    topic, (url, arn) = fan.topic(), fan.queue()
    fan.subscribe(topic, arn)
    fan.sns.delete_topic(TopicArn=topic)
    fan.sns.delete_topic(TopicArn=topic)
    assert fan.sns.list_subscriptions()["Subscriptions"] == []
    assert refusal(fan.sns.publish, TopicArn=topic, Message="x") == ("NotFound", "Topic does not exist")
    assert fan.topic() == topic
    fan.sns.publish(TopicArn=topic, Message="x")
    assert fan.received(url) == []


def test_the_topic_of_another_region_is_not_deleted_from_here(fan):
    topic = fan.topic()
    fan.sns.delete_topic(TopicArn=topic.replace("us-east-1", "us-west-2"))
    assert fan.sns.list_topics()["Topics"] == [{"TopicArn": topic}]
