"""IAM: who there is, and the documents that say what they may do. One of each for all regions."""

from . import (
    access_keys,
    account,
    attachments,
    groups,
    inline_policies,
    instance_profiles,
    policies,
    roles,
    service_linked_roles,
    tags,
    users,
)
from .service import iam as service

__all__ = [
    "access_keys",
    "account",
    "attachments",
    "groups",
    "inline_policies",
    "instance_profiles",
    "policies",
    "roles",
    "service",
    "service_linked_roles",
    "tags",
    "users",
]
