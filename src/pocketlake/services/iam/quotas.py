"""The limits of IAM, each with its source."""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.quotas import Quota

from .service import errors

QUOTAS = "IAM User Guide, IAM and AWS STS quotas"

ACCESS_KEYS = Quota("AccessKeysPerUser", 2, "keys", QUOTAS)
GROUPS = Quota("GroupsPerAccount", 300, "groups", QUOTAS, adjustable=True)
GROUPS_PER_USER = Quota("GroupsPerUser", 10, "groups", QUOTAS)
INSTANCE_PROFILES = Quota("InstanceProfilesPerAccount", 1000, "instance profiles", QUOTAS, adjustable=True)
POLICIES = Quota("PoliciesPerAccount", 1500, "policies", QUOTAS, adjustable=True)
POLICY_VERSIONS = Quota("VersionsPerPolicy", 5, "versions", QUOTAS)
ROLES = Quota("RolesPerAccount", 1000, "roles", QUOTAS, adjustable=True)
ROLES_PER_PROFILE = Quota("InstanceSessionsPerInstanceProfile", 1, "roles", QUOTAS)
USERS = Quota("UsersPerAccount", 5000, "users", QUOTAS)
TAGS = Quota("TagsPerResource", 50, "tags", QUOTAS)

ATTACHED = {
    "role": Quota("PoliciesPerRole", 10, "policies", QUOTAS, adjustable=True),
    "user": Quota("PoliciesPerUser", 10, "policies", QUOTAS, adjustable=True),
    "group": Quota("PoliciesPerGroup", 10, "policies", QUOTAS, adjustable=True),
}

# Characters, white space not counted. Sizes hold under `--limits off` too.
MANAGED_POLICY_SIZE = Quota("PolicySize", 6144, "characters", QUOTAS)
TRUST_POLICY_SIZE = Quota("ACLSizePerRole", 2048, "characters", QUOTAS, adjustable=True)
INLINE_SIZE = {
    "role": Quota("inline policies of a role", 10240, "characters", QUOTAS),
    "user": Quota("inline policies of a user", 2048, "characters", QUOTAS),
    "group": Quota("inline policies of a group", 5120, "characters", QUOTAS),
}


def room_for_one_more(call: Call, quota: Quota, count: int) -> None:
    """Raises LimitExceeded where `count` fills the quota."""
    if call.limits_on and count >= quota.value:
        raise errors.LimitExceededException(exceeded(quota))


def exceeded(quota: Quota) -> str:
    return f"Cannot exceed quota for {quota.name}: {quota.value:.0f}"


def characters(document: str) -> int:
    """The size of a policy as IAM counts it."""
    return len("".join(document.split()))
