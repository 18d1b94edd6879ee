"""Scalable targets, policies and tags: made, judged, listed, removed."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import WRITES, refusal, tracking, units

READS, WRITTEN = "DynamoDBReadCapacityUtilization", "DynamoDBWriteCapacityUtilization"


@pytest.fixture
def target(scaling: Any, table: str) -> str:
    arn: str = scaling.register_scalable_target(**WRITES, MinCapacity=5, MaxCapacity=100)["ScalableTargetARN"]
    return arn


def test_a_target_is_registered_changed_and_deregistered(lake: Any, scaling: Any, target: str) -> None:
    scaling.register_scalable_target(**WRITES, MaxCapacity=50, SuspendedState={"DynamicScalingInSuspended": True})
    (found,) = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (5, 50)
    assert found["ScalableTargetARN"] == target
    assert target.startswith("arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/")
    assert found["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": False,
    }
    name = "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
    assert found["RoleARN"] == lake.client("iam").get_role(RoleName=name)["Role"]["Arn"]
    scaling.deregister_scalable_target(**WRITES)
    assert scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"] == []
    assert refusal(scaling.deregister_scalable_target, **WRITES) == (
        "ObjectNotFoundException",
        "No scalable target found for service namespace: dynamodb, resource ID: table/scaled, "
        "scalable dimension: dynamodb:table:WriteCapacityUnits",
    )


def test_reads_and_writes_of_a_table_are_two_targets(scaling: Any, target: str) -> None:
    reads = {**WRITES, "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
    scaling.register_scalable_target(**reads, MinCapacity=1, MaxCapacity=10, RoleARN="arn:aws:iam::1:role/ignored")
    found = scaling.describe_scalable_targets(ServiceNamespace="dynamodb", ResourceIds=["table/scaled"])
    assert [one["ScalableDimension"].rpartition(":")[2] for one in found["ScalableTargets"]] == [
        "ReadCapacityUnits",
        "WriteCapacityUnits",
    ]
    assert len({one["RoleARN"] for one in found["ScalableTargets"]}) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ResourceId": "index/scaled"}, "Unsupported service namespace, resource type or scalable dimension"),
        ({"ServiceNamespace": "ecs"}, "Unsupported service namespace, resource type or scalable dimension"),
        ({"MinCapacity": 101}, "Maximum capacity cannot be less than minimum capacity."),
        ({"ResourceId": "table/missing"}, "DynamoDB table or index does not exist: table/missing"),
    ],
)
def test_what_is_no_target(scaling: Any, table: str, changed: dict[str, Any], message: str) -> None:
    request = {**WRITES, "MinCapacity": 5, "MaxCapacity": 100, **changed}
    assert refusal(scaling.register_scalable_target, **request) == ("ValidationException", message)


@pytest.mark.claim("AAS-005")
@pytest.mark.parametrize(("least", "most", "left"), [(20, 100, 20), (1, 8, 8), (5, 20, 10)])
def test_a_targets_range_is_entered_at_once(
    lake: Any, scaling: Any, dynamodb: Any, table: str, least: int, most: int, left: int
) -> None:
    scaling.register_scalable_target(**WRITES, MinCapacity=least, MaxCapacity=most)
    lake.clock.advance(seconds=1)
    assert units(dynamodb) == (10, left)
    causes = [
        one["Cause"] for one in scaling.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"]
    ]
    assert causes == {20: ["minimum capacity was set to 20"], 8: ["maximum capacity was set to 8"], 10: []}[left]


def test_targets_of_other_services_are_kept_but_not_scaled(scaling: Any) -> None:
    other = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/e/variant/v",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**other, MinCapacity=1, MaxCapacity=8)
    assert len(scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]) == 1
    assert scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"] == []
    code, message = refusal(scaling.put_scaling_policy, **other, **tracking())
    assert code == "NotImplemented"
    assert "sagemaker" in message


@pytest.mark.claim("AAS-007")
def test_policies_are_described_with_their_alarms(scaling: Any, target: str) -> None:
    put = scaling.put_scaling_policy(**WRITES, **tracking(70.0, ScaleInCooldown=60))
    assert len(put["Alarms"]) == 4
    (found,) = scaling.describe_scaling_policies(ServiceNamespace="dynamodb", PolicyNames=["follow"])["ScalingPolicies"]
    assert found["PolicyARN"] == put["PolicyARN"]
    assert found["PolicyARN"].endswith(":resource/dynamodb/table/scaled:policyName/follow")
    assert found["Alarms"] == put["Alarms"]
    assert found["TargetTrackingScalingPolicyConfiguration"]["ScaleInCooldown"] == 60
    assert scaling.put_scaling_policy(**WRITES, **tracking(60.0))["PolicyARN"] == put["PolicyARN"]
    scaling.deregister_scalable_target(**WRITES)
    assert scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"] == []


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (tracking(19.0), "ValidationException"),
        (tracking(90.5), "ValidationException"),
        ({**tracking(), "PolicyType": "StepScaling"}, "ValidationException"),
        ({**tracking(), "PolicyType": "PredictiveScaling"}, "NotImplemented"),
        (tracking(PredefinedMetricSpecification={"PredefinedMetricType": READS}), "ValidationException"),
        (
            tracking(PredefinedMetricSpecification={"PredefinedMetricType": WRITTEN, "ResourceLabel": "app/x"}),
            "ValidationException",
        ),
        (tracking(ScaleInCooldown=-1), "ValidationException"),
        (
            {**tracking(), "StepScalingPolicyConfiguration": {"AdjustmentType": "ChangeInCapacity"}},
            "ValidationException",
        ),
    ],
)
def test_what_is_no_policy_for_a_table(scaling: Any, target: str, policy: dict[str, Any], code: str) -> None:
    assert refusal(scaling.put_scaling_policy, **WRITES, **policy)[0] == code


@pytest.mark.claim("AAS-007")
def test_what_depends_on_a_target_says_that_there_is_none(scaling: Any, table: str) -> None:
    missing = (
        "ObjectNotFoundException",
        "No scalable target registered for service namespace: dynamodb, resource ID: table/scaled, "
        "scalable dimension: dynamodb:table:WriteCapacityUnits",
    )
    assert refusal(scaling.put_scaling_policy, **WRITES, **tracking()) == missing
    action = {"ScheduledActionName": "a", "Schedule": "rate(1 hour)", "ScalableTargetAction": {"MinCapacity": 1}}
    assert refusal(scaling.put_scheduled_action, **WRITES, **action) == missing
    assert "policy name: follow" in refusal(scaling.delete_scaling_policy, **WRITES, PolicyName="follow")[1]


def test_tags(scaling: Any, target: str) -> None:
    scaling.tag_resource(ResourceARN=target, Tags={"team": "a", "stage": "b"})
    scaling.untag_resource(ResourceARN=target, TagKeys=["team"])
    assert scaling.list_tags_for_resource(ResourceARN=target)["Tags"] == {"stage": "b"}
    many = {str(number): "" for number in range(50)}
    assert refusal(scaling.tag_resource, ResourceARN=target, Tags=many)[0] == "TooManyTagsException"
    assert refusal(scaling.list_tags_for_resource, ResourceARN=f"{target}0")[0] == "ResourceNotFoundException"


def test_lists_come_in_pages(scaling: Any, target: str) -> None:
    for number in range(5):
        scaling.put_scheduled_action(
            **WRITES,
            ScheduledActionName=f"action-{number}",
            Schedule="rate(1 hour)",
            ScalableTargetAction={"MinCapacity": 1},
        )
    names: list[str] = []
    request: dict[str, Any] = {"ServiceNamespace": "dynamodb", "MaxResults": 2}
    while True:
        page = scaling.describe_scheduled_actions(**request)
        names += [one["ScheduledActionName"] for one in page["ScheduledActions"]]
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
    assert names == [f"action-{number}" for number in range(5)]
    refused = refusal(scaling.describe_scalable_targets, ServiceNamespace="dynamodb", NextToken=request["NextToken"])
    assert refused[0] == "InvalidNextTokenException"
