"""DAX: a cache before DynamoDB that speaks DAX's own protocol, and the control plane of its clusters."""

from . import clusters, events, lifecycle, nodes, parameter_groups, subnet_groups, tags
from .service import dax as service

__all__ = ["clusters", "events", "lifecycle", "nodes", "parameter_groups", "service", "subnet_groups", "tags"]
