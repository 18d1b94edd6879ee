"""Service-linked roles: a service's own role in the account."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501

from .roles import SERVICE_PATH, SHORTEST_SESSION_SECONDS, described, new_role, remove_role
from .service import ROLE, entities, errors, iam, key, look_up

Request = dict[str, Any]

# The names that the services have fixed for their roles. Source: each service's guide, "Using service-linked roles".
NAMES = {
    "autoscaling.amazonaws.com": "AutoScaling",
    "batch.amazonaws.com": "Batch",
    "ecs.amazonaws.com": "ECS",
    "elasticache.amazonaws.com": "ElastiCache",
    "elasticloadbalancing.amazonaws.com": "ElasticLoadBalancing",
    "elasticmapreduce.amazonaws.com": "EMRCleanup",
    "es.amazonaws.com": "AmazonElasticsearchService",
    "firehose.amazonaws.com": "Firehose",
    "kafka.amazonaws.com": "Kafka",
    "lakeformation.amazonaws.com": "LakeFormationDataAccess",
    "macie.amazonaws.com": "AmazonMacie",
    "opensearchservice.amazonaws.com": "AmazonOpenSearchService",
    "ops.emr-serverless.amazonaws.com": "AmazonEMRServerless",
    "rds.amazonaws.com": "RDS",
    "redshift.amazonaws.com": "Redshift",
    "replicator.lambda.amazonaws.com": "LambdaReplicator",
    "spot.amazonaws.com": "EC2Spot",
    "custom-resource.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_CustomResource",
    "dynamodb.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_DynamoDBTable",
}
SUFFIXED = frozenset(("autoscaling.amazonaws.com", "custom-resource.application-autoscaling.amazonaws.com"))


@iam.operation
def create_service_linked_role(call: Call, request: Request) -> Request:
    service, suffix = request["AWSServiceName"], request.get("CustomSuffix")
    if service not in NAMES:
        raise NotImplemented501(f"The service-linked role of {service}")
    if suffix and service not in SUFFIXED:
        raise errors.InvalidInputException(f"Custom suffix is not allowed for {service}")
    name = f"AWSServiceRoleFor{NAMES[service]}" + (f"_{suffix}" if suffix else "")
    if entities(call, "role").find(key(name)) is not None:
        raise errors.InvalidInputException(
            f"Service role name {name} has been taken in this account, please try a different suffix."
        )
    trusted = {"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": [service]}}
    role = new_role(
        call,
        name,
        f"{SERVICE_PATH}{service}/",
        orjson.dumps({"Version": "2012-10-17", "Statement": [trusted]}).decode(),
        Description=request.get("Description"),
        MaxSessionDuration=SHORTEST_SESSION_SECONDS,
    )
    return {"Role": described(role)}


@iam.operation
def delete_service_linked_role(call: Call, request: Request) -> Request:
    """Nothing in the lake uses these roles yet, so the task that deletes one is done when it is made."""
    role = look_up(call, ROLE, request["RoleName"])
    if not role["Path"].startswith(SERVICE_PATH):
        raise errors.InvalidInputException(f"The role {role['RoleName']} is not a service-linked role.")
    remove_role(call, role)
    task = f"task{role['Path']}{role['RoleName']}/{uuid.uuid4()}"
    entities(call, "deletion").create(task, {"Status": "SUCCEEDED"})
    return {"DeletionTaskId": task}


@iam.operation
def get_service_linked_role_deletion_status(call: Call, request: Request) -> Request:
    task = entities(call, "deletion").find(request["DeletionTaskId"])
    if task is None:
        raise errors.NoSuchEntityException(f"Deletion task {request['DeletionTaskId']} cannot be found.")
    return {"Status": task["Status"]}
