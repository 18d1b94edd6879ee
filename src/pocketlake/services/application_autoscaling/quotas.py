"""The limits of Application Auto Scaling, each with its source."""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

GUIDE = "Application Auto Scaling user guide, Quotas"
TRACKING = "DynamoDB developer guide, Managing throughput capacity automatically"

TARGETS = Quota("scalable targets of DynamoDB", 5000, "targets", GUIDE, adjustable=True)
OTHER_TARGETS = Quota("scalable targets of another namespace", 500, "targets", GUIDE, adjustable=True)
POLICIES = Quota("scaling policies of a target", 50, "policies", GUIDE)
ACTIONS = Quota("scheduled actions of a target", 200, "actions", GUIDE)
TAGS = Quota("tags of a target", 50, "tags", "API reference, TagResource")
PAGE = Quota("results of one page", 50, "results", "API reference, DescribeScalableTargets")
ACTIVITY_DAYS = Quota("scaling activities are kept", 42, "days", "API reference, DescribeScalingActivities")
HIGH_MINUTES = Quota("above the target before units are added", 2, "minutes", TRACKING)
LOW_MINUTES = Quota("below the target before units are taken away", 15, "minutes", TRACKING)
LOW_MARGIN = Quota("units are taken away so far below the target", 20, "percent", "recorded: thresholds of the alarms")
LEAST_TARGET = Quota("least target of DynamoDB's utilization", 20, "percent", TRACKING)
MOST_TARGET = Quota("greatest target of DynamoDB's utilization", 90, "percent", TRACKING)
RETRY = Quota("after a change that was refused", 900, "seconds", "ours")
