"""What a vault tells its SNS topic of jobs."""

from __future__ import annotations

import logging

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

log = logging.getLogger("pocketlake.backup")


def tell(call: Call, vault: Resource, event: str, job: Resource) -> None:
    """Publish what became of a job, if the vault's topic is to hear of such events.

    Source: developer guide, Using Amazon SNS to track AWS Backup events
    """
    settings = vault.get("Notifications")
    if settings is None or event not in settings["BackupVaultEvents"]:
        return
    kind = event.rpartition("_")[0]
    state, what = job["State"], kind.replace("_", " ").lower()
    attributes = {"EventType": kind, "State": state, "AccountId": call.account, "Id": job.name}
    point = job.get("RecoveryPointArn") or job.get("SourceRecoveryPointArn", "")
    try:
        call.aws.sns.publish(
            TopicArn=settings["SNSTopicArn"],
            Subject="Notification from AWS Backup",
            Message=(
                f"An AWS Backup {what} is {state.lower()}. Recovery point ARN: {point}. "
                f"Resource ARN: {job['ResourceArn']}. Job ID: {job.name}"
            ),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
    except ServiceError as error:
        log.warning("%s could not be told of %s: %s", settings["SNSTopicArn"], event, error)
