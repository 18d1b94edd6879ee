"""Managed policies that AWS itself keeps: the ones a data platform's roles use, shipped with the lake.

Where this list has a policy's text, it is AWS's; where it has none, the policy can be attached and listed, and asking
for its text answers 501. What is not known of a policy (ID, dates) is left out of answers.
Source: AWS Managed Policy Reference Guide.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import orjson

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.errors import NotImplemented501

from .listing import encoded
from .service import errors

AWS_PREFIX = f"arn:{PARTITION}:iam::aws:policy/"


class AwsPolicy(NamedTuple):
    name: str
    path: str = "/"
    version_id: str | None = None
    created: float | None = None
    statements: list[dict[str, Any]] | None = None

    @property
    def arn(self) -> str:
        return f"{AWS_PREFIX}{self.path[1:]}{self.name}"

    def shown(self) -> dict[str, Any]:
        return {
            "PolicyName": self.name,
            "Arn": self.arn,
            "Path": self.path,
            "DefaultVersionId": self.version_id,
            "IsAttachable": True,
            "CreateDate": self.created,
        }

    def version(self, version_id: str) -> dict[str, Any]:
        if self.statements is None or self.version_id is None:
            raise NotImplemented501(f"The text of the AWS managed policy {self.name}")
        if version_id != self.version_id:
            message = f"Policy {self.arn} version {version_id} does not exist or is not attachable."
            raise errors.NoSuchEntityException(message)
        document = orjson.dumps({"Version": "2012-10-17", "Statement": self.statements}).decode()
        return {**self.version_summary(), "Document": encoded(document)}

    def version_summary(self) -> dict[str, Any]:
        if self.version_id is None:
            raise NotImplemented501(f"The versions of the AWS managed policy {self.name}")
        return {"VersionId": self.version_id, "IsDefaultVersion": True, "CreateDate": self.created}


def _allow(*actions: str) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]


FEBRUARY_2015 = float(timegm((2015, 2, 6, 18, 40, 0)))
LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")

WITH_TEXT = (
    AwsPolicy("AdministratorAccess", "/", "v1", FEBRUARY_2015, [{"Effect": "Allow", "Action": "*", "Resource": "*"}]),
    AwsPolicy("AmazonS3FullAccess", "/", "v2", FEBRUARY_2015, _allow("s3:*", "s3-object-lambda:*")),
    AwsPolicy(
        "AmazonS3ReadOnlyAccess",
        "/",
        "v3",
        FEBRUARY_2015,
        _allow("s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"),
    ),
    AwsPolicy(
        "AmazonKinesisFullAccess",
        "/",
        "v1",
        FEBRUARY_2015,
        [{"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"}],
    ),
    AwsPolicy(
        "AmazonKinesisReadOnlyAccess",
        "/",
        "v1",
        FEBRUARY_2015,
        _allow("kinesis:Get*", "kinesis:List*", "kinesis:Describe*"),
    ),
    AwsPolicy(
        "AmazonKinesisFirehoseFullAccess",
        "/",
        "v1",
        float(timegm((2015, 10, 7, 18, 45, 0))),
        [{"Action": ["firehose:*"], "Effect": "Allow", "Resource": "*"}],
    ),
    AwsPolicy(
        "AmazonKinesisFirehoseReadOnlyAccess",
        "/",
        "v1",
        float(timegm((2015, 10, 7, 18, 43, 0))),
        [{"Action": ["firehose:Describe*", "firehose:List*"], "Effect": "Allow", "Resource": "*"}],
    ),
    AwsPolicy(
        "AmazonSQSFullAccess", "/", "v1", FEBRUARY_2015, [{"Action": ["sqs:*"], "Effect": "Allow", "Resource": "*"}]
    ),
    AwsPolicy(
        "AWSLambdaBasicExecutionRole",
        "/service-role/",
        "v1",
        float(timegm((2015, 4, 9, 15, 3, 0))),
        _allow(*LOGS),
    ),
    AwsPolicy(
        "AWSLambdaSQSQueueExecutionRole",
        "/service-role/",
        "v1",
        float(timegm((2018, 6, 14, 21, 50, 0))),
        _allow("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *LOGS),
    ),
    AwsPolicy("AWSGlueServiceRole", "/service-role/", "v5", float(timegm((2017, 8, 14, 13, 37, 0)))),
)

BY_NAME_ONLY = (
    *("AmazonAthenaFullAccess", "AmazonDynamoDBFullAccess", "AmazonDynamoDBReadOnlyAccess", "AmazonEC2FullAccess"),
    *("AmazonEC2ContainerRegistryReadOnly", "AmazonEMRServicePolicy_v2", "AmazonEventBridgeFullAccess"),
    *("AmazonMSKFullAccess", "AmazonRDSFullAccess", "AmazonRedshiftFullAccess", "AmazonRedshiftReadOnlyAccess"),
    *("AmazonSNSFullAccess", "AmazonSNSReadOnlyAccess", "AmazonSQSReadOnlyAccess", "AmazonSSMManagedInstanceCore"),
    *(
        "AmazonVPCFullAccess",
        "AWSGlueConsoleFullAccess",
        "AWSGlueSchemaRegistryFullAccess",
        "AWSLakeFormationDataAdmin",
    ),
    *("AWSLambda_FullAccess", "AWSLambda_ReadOnlyAccess", "AWSLambdaExecute", "AWSStepFunctionsFullAccess"),
    *("AWSXRayDaemonWriteAccess", "CloudWatchAgentServerPolicy", "CloudWatchFullAccess", "CloudWatchLogsFullAccess"),
    *("CloudWatchLogsReadOnlyAccess", "CloudWatchReadOnlyAccess", "IAMFullAccess", "IAMReadOnlyAccess"),
    *("PowerUserAccess", "ReadOnlyAccess", "SecretsManagerReadWrite", "SecurityAudit"),
)
SERVICE_ROLES = (
    *("AmazonAPIGatewayPushToCloudWatchLogs", "AmazonDMSCloudWatchLogsRole", "AmazonDMSRedshiftS3Role"),
    *("AmazonDMSVPCManagementRole", "AmazonElasticMapReduceRole", "AmazonElasticMapReduceforEC2Role"),
    *("AWSLambdaDynamoDBExecutionRole", "AWSLambdaENIManagementAccess", "AWSLambdaKinesisExecutionRole"),
    *("AWSLambdaMSKExecutionRole", "AWSLambdaRole", "AWSLambdaVPCAccessExecutionRole", "AWSQuicksightAthenaAccess"),
)


@cache
def _by_arn() -> dict[str, AwsPolicy]:
    policies = (
        *WITH_TEXT,
        *(AwsPolicy(name) for name in BY_NAME_ONLY),
        *(AwsPolicy(name, "/service-role/") for name in SERVICE_ROLES),
        *(AwsPolicy(name, "/job-function/") for name in ("DataScientist", "ViewOnlyAccess")),
    )
    return {policy.arn: policy for policy in policies}


def find(policy_arn: str) -> AwsPolicy | None:
    return _by_arn().get(policy_arn)


def in_order() -> Iterable[AwsPolicy]:
    """By name, case aside."""
    return sorted(_by_arn().values(), key=lambda policy: policy.name.lower())
