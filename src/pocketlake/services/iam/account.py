"""The account: its alias, and how much of everything it has."""

from __future__ import annotations

import re
from typing import Any

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.call import Call

from . import quotas
from .service import entities, errors, iam

Request = dict[str, Any]
ALIAS = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]\Z")


@iam.operation
def create_account_alias(call: Call, request: Request) -> Request:
    """An account has one alias, and no other account has it; a new one takes the old one's place."""
    alias = request["AccountAlias"]
    if not ALIAS.match(alias):
        raise errors.InvalidInputException(f"The account alias {alias} is not valid.")
    taken = call.db.one("SELECT account FROM resources WHERE arn = ?", (_alias_arn(alias),))  # resources_by_arn
    if taken is not None:
        raise errors.EntityAlreadyExistsException(f"The account alias {alias} already exists.")
    _drop(call)
    entities(call, "alias").create(alias, {}, arn=_alias_arn(alias))
    return {}


@iam.operation
def list_account_aliases(call: Call, request: Request) -> Request:
    return {"AccountAliases": [alias.name for alias in entities(call, "alias").list()], "IsTruncated": False}


@iam.operation
def delete_account_alias(call: Call, request: Request) -> Request:
    if entities(call, "alias").find(request["AccountAlias"]) is None:
        raise errors.NoSuchEntityException(f"The account alias {request['AccountAlias']} cannot be found.")
    _drop(call)
    return {}


def _drop(call: Call) -> None:
    aliases = entities(call, "alias")
    for alias in aliases.list():
        aliases.delete(alias)


def _alias_arn(alias: str) -> str:
    """Not an ARN of AWS's: a name that is unique over all accounts of the lake."""
    return f"arn:{PARTITION}:iam:::account-alias/{alias}"


@iam.operation
def get_account_summary(call: Call, request: Request) -> Request:
    """What there is, and how much there may be. What is not built (MFA, providers, certificates) is not there: 0."""
    policies = entities(call, "policy").list()
    root_keys = call.db.one(
        "SELECT count(*) FROM access_keys WHERE account = ? AND owner = ? AND expires IS NULL",
        (call.account, call.account),
    )  # access_keys_by_owner serves this
    assert root_keys is not None
    return {
        "SummaryMap": {
            "Users": entities(call, "user").count(),
            "UsersQuota": int(quotas.USERS.value),
            "Groups": entities(call, "group").count(),
            "GroupsQuota": int(quotas.GROUPS.value),
            "Roles": entities(call, "role").count(),
            "RolesQuota": int(quotas.ROLES.value),
            "InstanceProfiles": entities(call, "instance-profile").count(),
            "InstanceProfilesQuota": int(quotas.INSTANCE_PROFILES.value),
            "Policies": len(policies),
            "PoliciesQuota": int(quotas.POLICIES.value),
            "PolicySizeQuota": int(quotas.MANAGED_POLICY_SIZE.value),
            "PolicyVersionsInUse": sum(len(policy["Versions"]) for policy in policies),
            "PolicyVersionsInUseQuota": 10000,
            "VersionsPerPolicyQuota": int(quotas.POLICY_VERSIONS.value),
            "AttachedPoliciesPerRoleQuota": int(quotas.ATTACHED["role"].value),
            "AttachedPoliciesPerUserQuota": int(quotas.ATTACHED["user"].value),
            "AttachedPoliciesPerGroupQuota": int(quotas.ATTACHED["group"].value),
            "AccessKeysPerUserQuota": int(quotas.ACCESS_KEYS.value),
            "AccountAccessKeysPresent": int(root_keys[0] > 0),
            "AccountMFAEnabled": 0,
            "AccountSigningCertificatesPresent": 0,
            "AssumeRolePolicySizeQuota": int(quotas.TRUST_POLICY_SIZE.value),
            "GroupPolicySizeQuota": int(quotas.INLINE_SIZE["group"].value),
            "GroupsPerUserQuota": int(quotas.GROUPS_PER_USER.value),
            "MFADevices": 0,
            "MFADevicesInUse": 0,
            "Providers": 0,
            "RolePolicySizeQuota": int(quotas.INLINE_SIZE["role"].value),
            "ServerCertificates": 0,
            "ServerCertificatesQuota": 20,
            "SigningCertificatesPerUserQuota": 2,
            "UserPolicySizeQuota": int(quotas.INLINE_SIZE["user"].value),
            "GlobalEndpointTokenVersion": 1,
        }
    }
