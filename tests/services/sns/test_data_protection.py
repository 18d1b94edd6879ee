"""Data protection policies: what is found, and what becomes of messages that have it."""

import json

import pytest
from botocore.exceptions import ClientError

from pocketlake.services.sns import data_identifiers

from .test_topics import refusal

IDENTIFIERS = "arn:aws:dataprotection::aws:data-identifier/"
ANYBODY = ["*"]


@pytest.mark.parametrize(
    ("name", "sensitive", "harmless"),
    [
        ("EmailAddress", "a.b+c@example.co.uk", "a@b, @example.com, x@localhost"),
        ("CreditCardNumber", "4539 8944 5808 6459", "4539 8944 5808 6458"),
        ("CreditCardNumber", "378282246310005", "123456789012"),
        ("Ssn-US", "078-05-1120", "000-05-1120, 900-05-1120, 078-05-11201, 078 05-1120"),
        ("PhoneNumber-US", "(212) 555-0187", "012-555-0187, 2125550"),
        ("PhoneNumber-US", "+1 212-555-0187", "212-155-0187"),
        ("IpAddress", "192.0.2.17", "192.0.2.256, 1.2.3, 12:30:45"),
        ("IpAddress", "2001:db8::1", "1:2:3:4:5:6:7:8:9"),
        ("BankAccountNumber-DE", "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 01"),
        ("BankAccountNumber-GB", "GB29NWBK60161331926819", "GB29NWBK6016133192681"),
        ("VehicleIdentificationNumber", "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"),
        (
            "PkcsPrivateKey",
            "-----BEGIN RSA PRIVATE KEY-----\nMII-x\n-----END RSA PRIVATE KEY-----",
            "BEGIN PRIVATE KEY",
        ),
        ("PuttyPrivateKey", "PuTTY-User-Key-File-2: rsa\nPublic: A\nPrivate-MAC: 0fa9", "PuTTY-User-Key-File-2: rsa"),
        ("OpenSshPrivateKey", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3\n-----END OPENSSH PRIVATE KEY-----", "OPENSSH"),
    ],
)
def test_what_is_found(name, sensitive, harmless):
    text = f"first {sensitive}, then {sensitive}."
    begin = len(f"first {sensitive}, then ")
    assert data_identifiers.found(name, text) == [(6, 6 + len(sensitive)), (begin, begin + len(sensitive))]
    assert data_identifiers.found(name, harmless) == []


def test_of_a_secret_key_the_value_is_found_and_only_behind_its_name():
    key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert data_identifiers.found("AwsSecretKey", f"aws_secret_access_key = {key}") == [(24, 64)]
    assert data_identifiers.found("AwsSecretKey", key) == []


def statement(operation, *names, direction="Inbound", principals=ANYBODY):
    return {
        "DataDirection": direction,
        "Principal": principals,
        "DataIdentifier": [IDENTIFIERS + name for name in names],
        "Operation": operation,
    }


def policy(*statements, **more):
    return json.dumps({"Name": "p", "Version": "2021-06-01", "Statement": statements, **more})


def protect(fan, topic, *statements):
    fan.sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=policy(*statements))


def test_a_policy_is_kept_and_taken_away(fan):
    text = policy(statement({"Deny": {}}, "EmailAddress"))
    topic = fan.sns.create_topic(Name="t", DataProtectionPolicy=text)["TopicArn"]
    assert fan.sns.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"] == text
    assert refusal(fan.sns.publish, TopicArn=topic, Message="a@example.com")[0] == "AuthorizationError"
    fan.sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy="")
    assert fan.sns.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"] == ""
    fan.sns.publish(TopicArn=topic, Message="a@example.com")


def test_a_publisher_is_denied_and_of_a_batch_each_message_by_itself(fan):
    topic, (url, arn) = fan.topic(), fan.queue()
    fan.subscribe(topic, arn)
    protect(fan, topic, statement({"Deny": {}}, "EmailAddress", "Ssn-US"))
    code, message = refusal(fan.sns.publish, TopicArn=topic, Message="write to a@example.com")
    assert (code, message) == (
        "AuthorizationError",
        f"The topic's data protection policy prohibits this message from being published to {topic}",
    )
    structured = json.dumps({"default": "fine", "sqs": "078-05-1120"})
    assert refusal(fan.sns.publish, TopicArn=topic, Message=structured, MessageStructure="json")[0] == code
    texts = {"a": "fine", "b": "078-05-1120", "c": "as well"}
    entries = [{"Id": name, "Message": text} for name, text in texts.items()]
    answer = fan.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a", "c"]
    assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]] == [("b", code, True)]
    assert sorted(fan.texts(url)) == ["as well", "fine"]


def test_messages_are_masked_on_their_way_in(fan):
    topic, (url, arn) = fan.topic(), fan.queue()
    fan.subscribe(topic, arn)
    mask = {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}}
    redact = {"Deidentify": {"RedactConfig": {}}}
    protect(fan, topic, statement(mask, "CreditCardNumber"), statement(redact, "EmailAddress"))
    fan.sns.publish(TopicArn=topic, Message="card 4539894458086459 of a@example.com, and 4539894458086458")
    assert fan.texts(url) == ["card ################ of , and 4539894458086458"]


def test_subscribers_get_what_they_may(fan):
    """Outbound: the subscription's principal decides; the message itself stays as it is."""
    topic, (own, own_arn), (other, other_arn) = fan.topic(), fan.queue(), fan.queue("other")
    fan.subscribe(topic, own_arn)
    iam = fan.lake.client("iam")
    key = iam.create_user(UserName="ada")["User"]["Arn"], iam.create_access_key(UserName="ada")["AccessKey"]
    ada = fan.lake.client(
        "sns", aws_access_key_id=key[1]["AccessKeyId"], aws_secret_access_key=key[1]["SecretAccessKey"]
    )
    allowed = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sns:*", "Resource": "*"}}
    iam.put_user_policy(UserName="ada", PolicyName="all", PolicyDocument=json.dumps(allowed))
    ada.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=other_arn)
    mask = {"Deidentify": {"MaskConfig": {}}}
    protect(
        fan,
        topic,
        statement({"Deny": {}}, "Ssn-US", direction="Outbound", principals=[key[0]]),
        statement(mask, "EmailAddress", direction="Outbound", principals=[key[0]]),
    )
    for text in ("078-05-1120", "to a@b.example", "plain"):
        fan.sns.publish(TopicArn=topic, Message=text)
    assert sorted(fan.texts(own)) == ["078-05-1120", "plain", "to a@b.example"]
    assert sorted(fan.texts(other)) == ["plain", "to ***********"]


def test_findings_are_reported_to_firehose(fan):
    s3, firehose = fan.lake.client("s3"), fan.lake.client("firehose")
    for name in ("found", "nothing"):
        s3.create_bucket(Bucket=name)
        place = {"RoleARN": "arn:aws:iam::000000000000:role/firehose", "BucketARN": f"arn:aws:s3:::{name}"}
        firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=place)
    topic = fan.topic()
    audit = {
        "SampleRate": "99",
        "FindingsDestination": {"Firehose": {"DeliveryStream": "found"}},
        "NoFindingsDestination": {"Firehose": {"DeliveryStream": "nothing"}},
    }
    protect(fan, topic, statement({"Audit": audit}, "EmailAddress", "IpAddress"))
    sent = {fan.sns.publish(TopicArn=topic, Message="a@b.example, c@d.example")["MessageId"] for _ in range(10)}
    fan.sns.publish(TopicArn=topic, Message="plain")
    fan.lake.clock.advance(900)
    reports = []
    for name in ("found", "nothing"):
        listed = s3.list_objects_v2(Bucket=name).get("Contents", [])
        bodies = [s3.get_object(Bucket=name, Key=each["Key"])["Body"].read() for each in listed]
        reports.append([json.loads(line) for body in bodies for line in body.splitlines()])
    found, nothing = reports
    assert len(found) >= 7  # 99 of 100 are sampled
    assert {report["messageId"] for report in found} <= sent
    assert found[0]["dataIdentifiers"] == [
        {"name": "EmailAddress", "count": 2, "detections": [{"start": 1, "end": 11}, {"start": 14, "end": 24}]}
    ]
    assert found[0]["resourceArn"] == topic
    assert found[0]["callerPrincipal"] == "arn:aws:iam::000000000000:root"
    assert [report["dataIdentifiers"] for report in nothing] in ([[]], [])


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "no JSON",
        policy(Version="2012-10-17"),
        policy({"DataDirection": "Sideways"}),
        policy(statement({"Deny": {"a": 1}}, "EmailAddress")),
        policy(statement({"Deny": {}, "Audit": {}}, "EmailAddress")),
        policy(statement({"Deidentify": {}}, "EmailAddress")),
        policy(statement({"Deidentify": {"MaskConfig": {"MaskWithCharacter": "##"}}}, "EmailAddress")),
        policy(statement({"Audit": {"SampleRate": "100"}}, "EmailAddress")),
        policy(statement({"Audit": {"SampleRate": "\u00b2"}}, "EmailAddress")),
        policy(statement({"Audit": {"SampleRate": "9"}}, "EmailAddress", direction="Outbound")),
        policy(*[statement({"Audit": {"SampleRate": "9"}}, "EmailAddress")] * 2),
        policy(statement({"Deny": {}}, "EmailAddress", principals="*")),
    ],
)
def test_policies_that_are_refused(fan, text):
    call = fan.sns.put_data_protection_policy
    assert refusal(call, ResourceArn=fan.topic(), DataProtectionPolicy=text)[0] == "InvalidParameter"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (policy(statement({"Deny": {}}, "Name")), "The SNS data identifier Name"),
        (policy(Configuration={"CustomDataIdentifier": [{"Name": "x", "Regex": "x"}]}), "SNS CustomDataIdentifier"),
        (
            policy(
                statement(
                    {"Audit": {"SampleRate": "9", "FindingsDestination": {"S3": {"Bucket": "b"}}}}, "EmailAddress"
                )
            ),
            "SNS data protection findings to S3",
        ),
    ],
)
def test_what_cannot_be_done_says_so(fan, text, named):
    with pytest.raises(ClientError) as caught:
        fan.sns.put_data_protection_policy(ResourceArn=fan.topic(), DataProtectionPolicy=text)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert named in caught.value.response["Error"]["Message"]


def test_devices_get_all_as_on_aws(fan):
    app = fan.sns.create_platform_application(Name="app", Platform="GCM", Attributes={"PlatformCredential": "key"})
    device = fan.sns.create_platform_endpoint(PlatformApplicationArn=app["PlatformApplicationArn"], Token="t")
    topic = fan.topic()
    fan.subscribe(topic, device["EndpointArn"], "application")
    protect(fan, topic, statement({"Deny": {}}, "EmailAddress", direction="Outbound"))
    fan.sns.publish(TopicArn=topic, Message="a@b.example")
    assert [one["Message"] for one in fan.view(protocol="application")] == ["a@b.example"]


def test_who_has_assumed_a_role_is_the_role_to_a_policy(fan):
    iam, trust = fan.lake.client("iam"), {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    role = iam.create_role(RoleName="sender", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    assumed = fan.lake.client("sts").assume_role(RoleArn=role, RoleSessionName="now")["Credentials"]
    sender = fan.lake.client(
        "sns",
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )
    topic = fan.topic()
    protect(fan, topic, statement({"Deny": {}}, "EmailAddress", principals=[role]))
    assert refusal(sender.publish, TopicArn=topic, Message="a@b.example")[0] == "AuthorizationError"
    fan.sns.publish(TopicArn=topic, Message="a@b.example")
