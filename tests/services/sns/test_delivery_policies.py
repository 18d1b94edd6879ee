"""Delivery policies: when a refused delivery is tried again, and whose policy holds."""

import json

import pytest

from pocketlake.services.sns import delivery_policies


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [20, 20, 20]),
        ({"numRetries": 0}, []),
        ({"numRetries": 4, "minDelayTarget": 10, "maxDelayTarget": 40}, [10, 20, 30, 40]),
        (
            {"numRetries": 6, "minDelayTarget": 10, "maxDelayTarget": 40, "numNoDelayRetries": 1,
             "numMinDelayRetries": 1, "numMaxDelayRetries": 1},
            [0, 10, 10, 25, 40, 40],
        ),
        (
            {"numRetries": 4, "minDelayTarget": 10, "maxDelayTarget": 40, "backoffFunction": "arithmetic"},
            [10, 15, 25, 40],
        ),
        (
            {"numRetries": 5, "minDelayTarget": 1, "maxDelayTarget": 81, "backoffFunction": "geometric"},
            [1, 3, 9, 27, 81],
        ),
        (
            {"numRetries": 5, "minDelayTarget": 5, "maxDelayTarget": 20, "backoffFunction": "exponential"},
            [5, 6, 8, 12, 20],
        ),
    ],
)  # fmt: skip
def test_pauses(given, expected):
    policy = {**delivery_policies.DEFAULT_RETRIES, **given}
    assert delivery_policies.pauses(policy) == pytest.approx(expected)


def test_a_subscription_s_own_policy_holds_unless_its_topic_forbids_it():
    own = json.dumps({"healthyRetryPolicy": {"numRetries": 7}, "throttlePolicy": {"maxReceivesPerSecond": 3}})
    http = {"defaultHealthyRetryPolicy": {"numRetries": 5}, "defaultThrottlePolicy": {"maxReceivesPerSecond": 9}}
    for forbids, retries, rate in ((False, 7, 3), (True, 5, 9)):
        topic = json.dumps({"http": {**http, "disableSubscriptionOverrides": forbids}})
        found = delivery_policies.effective(topic, own)
        assert (found["healthyRetryPolicy"]["numRetries"], found["throttlePolicy"]) == (
            retries,
            {"maxReceivesPerSecond": rate},
        )
