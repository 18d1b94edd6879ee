"""What each operation on topics must be permitted. A batch needs the action of its single form.

Source: Service Authorization Reference, "Amazon SNS": subscriptions and what concerns phones and apps have no resource
of their own. Who publishes to a phone or an endpoint needs that very number or ARN, as AWS's refusals say.
"""

from __future__ import annotations

from pocketlake.kernel.authorization import ANY, Authorization, On, template

TOPIC = "{TopicArn}"
TARGET = "{TopicArn}|{TargetArn}|{PhoneNumber}"
RESOURCE = "{ResourceArn}"
NAMED = template("sns", "{Name}")

authorization = Authorization(
    "sns",
    {
        "add_permission": TOPIC,
        "check_if_phone_number_is_opted_out": ANY,
        "confirm_subscription": TOPIC,
        "create_platform_application": ANY,
        "create_platform_endpoint": ANY,
        "create_sms_sandbox_phone_number": On(ANY, "CreateSMSSandboxPhoneNumber"),
        "create_topic": (On(NAMED), On(NAMED, "TagResource", given="Tags")),
        "delete_endpoint": ANY,
        "delete_platform_application": ANY,
        "delete_sms_sandbox_phone_number": On(ANY, "DeleteSMSSandboxPhoneNumber"),
        "delete_topic": TOPIC,
        "get_data_protection_policy": RESOURCE,
        "get_endpoint_attributes": ANY,
        "get_platform_application_attributes": ANY,
        "get_sms_attributes": On(ANY, "GetSMSAttributes"),
        "get_sms_sandbox_account_status": On(ANY, "GetSMSSandboxAccountStatus"),
        "get_subscription_attributes": ANY,
        "get_topic_attributes": TOPIC,
        "list_endpoints_by_platform_application": ANY,
        "list_origination_numbers": ANY,
        "list_phone_numbers_opted_out": ANY,
        "list_platform_applications": ANY,
        "list_sms_sandbox_phone_numbers": On(ANY, "ListSMSSandboxPhoneNumbers"),
        "list_subscriptions": ANY,
        "list_subscriptions_by_topic": TOPIC,
        "list_tags_for_resource": RESOURCE,
        "list_topics": ANY,
        "opt_in_phone_number": ANY,
        "publish": TARGET,
        "publish_batch": On(TOPIC, "Publish"),
        "put_data_protection_policy": RESOURCE,
        "remove_permission": TOPIC,
        "set_endpoint_attributes": ANY,
        "set_platform_application_attributes": ANY,
        "set_sms_attributes": On(ANY, "SetSMSAttributes"),
        "set_subscription_attributes": ANY,
        "set_topic_attributes": TOPIC,
        "subscribe": TOPIC,
        "tag_resource": RESOURCE,
        "unsubscribe": ANY,
        "untag_resource": RESOURCE,
        "verify_sms_sandbox_phone_number": On(ANY, "VerifySMSSandboxPhoneNumber"),
    },
)
