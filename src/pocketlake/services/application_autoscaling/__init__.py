"""Application Auto Scaling: the provisioned units of DynamoDB's tables and indexes follow their use, or a schedule."""

from . import activities, capacity, policies, scheduled_actions, tags, target_tracking, targets
from .service import autoscaling as service

__all__ = ["activities", "capacity", "policies", "scheduled_actions", "service", "tags", "target_tracking", "targets"]
