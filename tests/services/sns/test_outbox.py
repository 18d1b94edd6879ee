"""The outbox: mails, text messages and pushes, where they can be looked at; devices, phones, sandbox numbers."""

import json

import pytest

from .samples import fetch
from .test_topics import refusal


def test_the_outbox_holds_mails_and_texts(fan):
    topic = fan.topic(DisplayName="Lake")
    fan.subscribe(topic, "a@example.com", "email")
    fan.subscribe(topic, "b@example.com", "email-json")
    fan.subscribe(topic, "+1 555".replace(" ", "") + "0001111", "sms")
    (question,) = fan.view(protocol="email")
    assert question["Subject"] == "AWS Notification - Subscription Confirmation"
    for question in (*fan.view(protocol="email"), *fan.view(protocol="email-json")):
        fetch(question["SubscribeURL"])
    fan.sns.publish(TopicArn=topic, Message="hello", Subject="greetings")
    mail = fan.view(protocol="email")[-1]
    assert (mail["Recipient"], mail["Subject"], mail["Message"]) == ("a@example.com", "greetings", "hello")
    assert json.loads(fan.view(recipient="b@example.com")[-1]["Message"])["Subject"] == "greetings"
    assert [one["Message"] for one in fan.view(protocol="sms")] == ["Lake> hello"]
    fan.sns.publish(PhoneNumber="+15550002222", Message="direct")
    assert [one["Message"] for one in fan.view(recipient="+15550002222")] == ["direct"]


def test_devices_get_their_platform_s_text(fan):
    application = fan.sns.create_platform_application(
        Name="app", Platform="GCM", Attributes={"PlatformCredential": "key"}
    )["PlatformApplicationArn"]
    device = fan.sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")["EndpointArn"]
    topic = fan.topic()
    fan.subscribe(topic, device, "application")
    fan.sns.publish(TopicArn=topic, Message=json.dumps({"default": "d", "GCM": '{"data": 1}'}), MessageStructure="json")
    fan.sns.publish(TargetArn=device, Message="direct")
    assert [(one["Token"], one["Message"]) for one in fan.view(protocol="application")] == [
        ("t", '{"data": 1}'),
        ("t", "direct"),
    ]
    fan.sns.set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "false"})
    assert refusal(fan.sns.publish, TargetArn=device, Message="x") == ("EndpointDisabled", "Endpoint is disabled")


def test_a_device_is_known_by_its_token_whatever_becomes_of_that(fan):
    """One endpoint for a token of an application; a token that was given up or deleted is free."""
    app = fan.sns.create_platform_application(Name="app", Platform="GCM", Attributes={"PlatformCredential": "key"})
    app = app["PlatformApplicationArn"]

    def create(token, **more):
        return fan.sns.create_platform_endpoint(PlatformApplicationArn=app, Token=token, **more)["EndpointArn"]

    first, second = create("a"), create("b")
    assert create("a") == first
    words = f"Token Reason: Endpoint {first} already exists with the same Token, but different attributes."
    taken = ("InvalidParameter", f"Invalid parameter: {words}")
    assert refusal(create, token="a", CustomUserData="x") == taken
    assert refusal(fan.sns.set_endpoint_attributes, EndpointArn=second, Attributes={"Token": "a"}) == taken
    assert create("b") == second
    fan.sns.set_endpoint_attributes(EndpointArn=first, Attributes={"Token": "c"})
    assert create("c") == first
    fan.sns.delete_endpoint(EndpointArn=second)
    assert create("b") != second
    assert create("a") not in (first, second)
    for given in ({"Enabled": "perhaps"}, {"CustomUserData": "x" * 2049}, {"Nonsense": "1"}, {"Token": ""}):
        assert refusal(fan.sns.set_endpoint_attributes, EndpointArn=first, Attributes=given)[0] == "InvalidParameter"


def test_the_outbox_is_searched_behind_its_first_page(fan):
    phone = fan.topic()
    for index in range(101):
        fan.subscribe(phone, f"+1555000{index:04}", "sms")
    for _ in range(10):
        fan.sns.publish(TopicArn=phone, Message="x")
    fan.sns.publish(PhoneNumber="+15559999999", Message="last")
    assert len(fan.view()) == 1000
    assert [one["Message"] for one in fan.view(recipient="+15559999999")] == ["last"]


def test_numbers_of_the_sandbox_are_verified_by_what_the_outbox_says(fan):
    fan.sns.create_sms_sandbox_phone_number(PhoneNumber="+15550001111")
    fan.sns.create_sms_sandbox_phone_number(PhoneNumber="+15550002222")
    assert len(fan.sns.list_sms_sandbox_phone_numbers(MaxResults=1)["PhoneNumbers"]) == 1
    fan.sns.delete_sms_sandbox_phone_number(PhoneNumber="+15550002222")
    password = fan.view()[0]["OneTimePassword"]
    fan.sns.verify_sms_sandbox_phone_number(PhoneNumber="+15550001111", OneTimePassword=password)
    assert fan.sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [
        {"PhoneNumber": "+15550001111", "Status": "Verified"}
    ]


def test_a_text_message_has_1600_characters_at_most(fan):
    fan.sns.publish(PhoneNumber="+15550002222", Message="x" * 1600)
    refused = refusal(fan.sns.publish, PhoneNumber="+15550002222", Message="x" * 1601)
    assert refused == ("InvalidParameter", "Invalid parameter: Message too long")


def test_who_is_switched_off_gets_nothing(fan):
    app = fan.sns.create_platform_application(Name="app", Platform="GCM", Attributes={"PlatformCredential": "key"})
    app = app["PlatformApplicationArn"]
    device = fan.sns.create_platform_endpoint(PlatformApplicationArn=app, Token="t")["EndpointArn"]
    topic = fan.topic()
    fan.subscribe(topic, device, "application")
    fan.sns.set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "false"})
    fan.sns.publish(TopicArn=topic, Message="lost")
    assert fan.view() == []
    fan.sns.set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "true"})
    fan.sns.set_platform_application_attributes(PlatformApplicationArn=app, Attributes={"Enabled": "false"})
    assert refusal(fan.sns.publish, TargetArn=device, Message="x")[0] == "PlatformApplicationDisabled"


@pytest.mark.parametrize("password", ["00000", "wrong", "1234567"])
def test_a_wrong_password_verifies_no_number(fan, password):
    fan.sns.create_sms_sandbox_phone_number(PhoneNumber="+15550001111")
    request = {"PhoneNumber": "+15550001111", "OneTimePassword": password}
    with pytest.raises(fan.sns.exceptions.ClientError):
        fan.sns.verify_sms_sandbox_phone_number(**request)
    assert fan.sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"][0]["Status"] == "Pending"
