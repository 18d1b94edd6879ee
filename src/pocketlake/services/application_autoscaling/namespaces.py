"""What may be scaled: resources of a service's namespace, along a dimension.

Source: API reference, RegisterScalableTarget. Targets of every namespace are registered and judged; acting on other
services than DynamoDB is not built.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError

from .service import errors

DYNAMODB = "dynamodb"
IDENTITY = ("ServiceNamespace", "ResourceId", "ScalableDimension")  # what names a target
# The form of a resource's ID, by dimension without its last part.
FORMS = {
    "ecs:service": r"service/[^/]+/[^/]+",
    "ec2:spot-fleet-request": r"spot-fleet-request/[^/]+",
    "elasticmapreduce:instancegroup": r"instancegroup/[^/]+/[^/]+",
    "appstream:fleet": r"fleet/[^/]+",
    "dynamodb:table": r"table/[a-zA-Z0-9_.-]+",
    "dynamodb:index": r"table/[a-zA-Z0-9_.-]+/index/[a-zA-Z0-9_.-]+",
    "rds:cluster": r"cluster:.+",
    "sagemaker:variant": r"endpoint/[^/]+/variant/[^/]+",
    "sagemaker:inference-component": r"inference-component/.+",
    "custom-resource:ResourceType": r".+",
    "comprehend:document-classifier-endpoint": r"arn:.+",
    "comprehend:entity-recognizer-endpoint": r"arn:.+",
    "lambda:function": r"function:[^:]+:[^:]+",
    "cassandra:table": r"keyspace/[^/]+/table/[^/]+",
    "kafka:broker-storage": r"arn:.+",
    "elasticache:cache-cluster": r"cache-cluster/.+",
    "elasticache:replication-group": r"replication-group/.+",
    "neptune:cluster": r"cluster:.+",
    "workspaces:workspacespool": r"workspacespool/.+",
}
ROLES = {
    "appstream": "AppStreamFleet",
    "cassandra": "CassandraTable",
    "comprehend": "ComprehendEndpoint",
    "custom-resource": "CustomResource",
    "dynamodb": "DynamoDBTable",
    "ec2": "EC2SpotFleetRequest",
    "ecs": "ECSService",
    "elasticache": "ElastiCacheRG",
    "elasticmapreduce": "EMRInstanceGroup",
    "kafka": "KafkaCluster",
    "lambda": "LambdaConcurrency",
    "neptune": "NeptuneCluster",
    "rds": "RDSCluster",
    "sagemaker": "SageMakerEndpoint",
    "workspaces": "WorkSpacesPool",
}

ROLE_GIVEN = frozenset({"elasticmapreduce"})  # services without a service-linked role scale under the role given


def check(request: dict[str, Any]) -> None:
    """Whether namespace, resource and dimension belong together. ValidationException."""
    namespace, dimension = request["ServiceNamespace"], request["ScalableDimension"]
    kind = dimension.rpartition(":")[0]
    if dimension.partition(":")[0] != namespace or not re.fullmatch(FORMS[kind], request["ResourceId"]):
        raise errors.ValidationException("Unsupported service namespace, resource type or scalable dimension")


def identity(given: dict[str, Any]) -> dict[str, str]:
    """What names a target, of a request or a document."""
    return {member: given[member] for member in IDENTITY}


def arn(call: Call, target: dict[str, Any], kind: str, ending: str) -> str:
    """Of what belongs to a target, in the form that Auto Scaling's own ARNs have."""
    resource = f"resource/{target['ServiceNamespace']}/{target['ResourceId']}"
    return f"arn:{PARTITION}:autoscaling:{call.region}:{call.account}:{kind}:{uuid.uuid4()}:{resource}:{ending}"


def check_acting(request: dict[str, Any], what: str) -> None:
    """What is to act must be built."""
    if request["ServiceNamespace"] != DYNAMODB:
        raise NotImplemented501(f"application-autoscaling {what} for the namespace {request['ServiceNamespace']}")


def role(account: str, namespace: str) -> str:
    """The service-linked role that scales."""
    return (
        f"arn:{PARTITION}:iam::{account}:role/aws-service-role/{_principal(namespace)}/"
        f"AWSServiceRoleForApplicationAutoScaling_{ROLES[namespace]}"
    )


def ensure_role(call: Call, namespace: str) -> None:
    """Make the service-linked role, as registering the first target does."""
    try:
        call.aws.iam.create_service_linked_role(AWSServiceName=_principal(namespace))
    except ServiceError as error:
        if error.code != "InvalidInputException":  # there is one already
            raise


def _principal(namespace: str) -> str:
    return f"{namespace}.application-autoscaling.amazonaws.com"


def named(request: dict[str, Any]) -> str:
    """A target in messages."""
    return (
        f"service namespace: {request['ServiceNamespace']}, resource ID: {request['ResourceId']}, "
        f"scalable dimension: {request['ScalableDimension']}"
    )
