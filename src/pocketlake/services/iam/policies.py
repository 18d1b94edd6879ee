"""Managed policies and their versions, the account's own and those of AWS."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import aws_policies, quotas
from .documents import identity_policy
from .listing import encoded, page
from .service import POLICY_PREFIX, arn, entities, errors, iam, key, new_id, seconds
from .tag_lists import shown, tag_map

Request = dict[str, Any]


@iam.operation
def create_policy(call: Call, request: Request) -> Request:
    name, path = request["PolicyName"], request.get("Path") or "/"
    document = request["PolicyDocument"]
    check_document(document)
    policies = entities(call, "policy")
    quotas.room_for_one_more(call, quotas.POLICIES, policies.count())
    body = {
        "PolicyName": name,
        "PolicyId": new_id(POLICY_PREFIX),
        "Path": path,
        "Description": request.get("Description"),
        "CreateDate": seconds(call),
        "UpdateDate": seconds(call),
        "DefaultVersionId": "v1",
        "LastVersion": 1,
        "Versions": {"v1": {"Document": document, "CreateDate": seconds(call)}},
    }
    tags = tag_map(request.get("Tags"))
    try:
        policy = policies.create(key(name), body, arn=arn(call, f"policy{path}{name}"), tags=tags)
    except AlreadyExists:
        message = f"A policy called {name} already exists. Duplicate names are not allowed."
        raise errors.EntityAlreadyExistsException(message) from None
    return {"Policy": {**summary(call, policy), "Tags": shown(policy.tags) or None}}


def check_document(document: str) -> None:
    identity_policy(document)
    if quotas.characters(document) > quotas.MANAGED_POLICY_SIZE.value:
        raise errors.LimitExceededException(quotas.exceeded(quotas.MANAGED_POLICY_SIZE))


@iam.operation
def get_policy(call: Call, request: Request) -> Request:
    policy_arn = request["PolicyArn"]
    known = aws_policies.find(policy_arn)
    if known is not None:
        return {"Policy": {**known.shown(), **_counts(call, policy_arn), "Description": None}}
    policy = own_policy(call, policy_arn)
    described = {"Description": policy.get("Description"), "Tags": shown(policy.tags)}
    return {"Policy": {**summary(call, policy), **described}}


@iam.operation
def list_policies(call: Call, request: Request) -> Request:
    """The account's policies, then those of AWS that the lake ships."""
    scope, prefix = request.get("Scope") or "All", request.get("PathPrefix") or "/"
    listing = "boundary" if request.get("PolicyUsageFilter") == "PermissionsBoundary" else "attachment"
    found: list[tuple[str, Request]] = []
    if scope in ("All", "Local"):
        found += [("0" + policy.name, summary(call, policy)) for policy in entities(call, "policy").list()]
    if scope in ("All", "AWS"):
        found += [("1" + key(one.name), {**one.shown(), **_counts(call, one.arn)}) for one in aws_policies.in_order()]
    only_attached = request.get("OnlyAttached") or request.get("PolicyUsageFilter")
    counted = "PermissionsBoundaryUsageCount" if listing == "boundary" else "AttachmentCount"
    wanted = (
        (name, policy)
        for name, policy in found
        if policy["Path"].startswith(prefix) and (policy[counted] or not only_attached)
    )
    return page(call, request, "Policies", wanted)


@iam.operation
def delete_policy(call: Call, request: Request) -> Request:
    policy = own_policy(call, request["PolicyArn"])
    if entities(call, "attachment").count(parent=policy.arn) or entities(call, "boundary").count(parent=policy.arn):
        raise errors.DeleteConflictException("Cannot delete a policy attached to entities.")
    if len(policy["Versions"]) > 1:
        raise errors.DeleteConflictException(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
    entities(call, "policy").delete(policy)
    return {}


# Finding


def own_policy(call: Call, policy_arn: str) -> Resource:
    """A policy of this account that may be changed. Raises NoSuchEntity, or AccessDenied for those of AWS."""
    if aws_policies.find(policy_arn) is not None:
        raise errors.AccessDenied(
            f"User: {call.principal.arn} is not authorized to change policy {policy_arn}", status=403
        )
    found = entities(call, "policy").find(key(policy_arn.rpartition("/")[2]))
    if found is None or found.arn != policy_arn:
        raise errors.NoSuchEntityException(f"Policy {policy_arn} was not found.")
    return found


def attachable(call: Call, policy_arn: str, as_boundary: bool = False) -> None:
    """There is such a policy, of this account or of AWS. Raises NoSuchEntity."""
    if ":policy/" not in policy_arn or not policy_arn.startswith("arn:"):
        if as_boundary:
            message = f"Value ({policy_arn}) for parameter PermissionsBoundary is invalid."
            raise errors.ValidationError(message, status=400)
        raise errors.InvalidInputException(f"ARN {policy_arn} is not valid.")
    if aws_policies.find(policy_arn) is not None:
        return
    found = entities(call, "policy").find(key(policy_arn.rpartition("/")[2]))
    if found is None or found.arn != policy_arn:
        scope = "Scope ARN:" if as_boundary else "Policy"
        raise errors.NoSuchEntityException(f"{scope} {policy_arn} does not exist or is not attachable.")


def path_of(policy_arn: str) -> str:
    """`/` or `/a/b/` of `arn:aws:iam::...:policy/a/b/name`."""
    above, slash, _ = policy_arn.partition(":policy/")[2].rpartition("/")
    return f"/{above}/" if slash else "/"


def summary(call: Call, policy: Resource) -> Request:
    """A policy as lists show it: without description and tags."""
    return {
        "PolicyName": policy["PolicyName"],
        "PolicyId": policy["PolicyId"],
        "Arn": policy.arn,
        "Path": policy["Path"],
        "DefaultVersionId": policy["DefaultVersionId"],
        "IsAttachable": True,
        "CreateDate": policy["CreateDate"],
        "UpdateDate": policy["UpdateDate"],
        **_counts(call, policy.arn),
    }


def _counts(call: Call, policy_arn: str) -> Request:
    return {
        "AttachmentCount": entities(call, "attachment").count(parent=policy_arn),
        "PermissionsBoundaryUsageCount": entities(call, "boundary").count(parent=policy_arn),
    }


# Versions


@iam.operation
def create_policy_version(call: Call, request: Request) -> Request:
    policy = own_policy(call, request["PolicyArn"])
    document = request["PolicyDocument"]
    check_document(document)
    if len(policy["Versions"]) >= quotas.POLICY_VERSIONS.value:
        raise errors.LimitExceededException(
            f"A managed policy can have up to {quotas.POLICY_VERSIONS.value:.0f} versions. Before you create a new "
            "version, you must delete an existing version."
        )
    number = policy["LastVersion"] + 1
    version_id = f"v{number}"
    policy = entities(call, "policy").update(
        policy,
        LastVersion=number,
        UpdateDate=seconds(call),
        Versions={**policy["Versions"], version_id: {"Document": document, "CreateDate": seconds(call)}},
        DefaultVersionId=version_id if request.get("SetAsDefault") else policy["DefaultVersionId"],
    )
    version = _version(policy, version_id)
    return {"PolicyVersion": {name: version[name] for name in ("VersionId", "IsDefaultVersion", "CreateDate")}}


@iam.operation
def get_policy_version(call: Call, request: Request) -> Request:
    policy_arn, version_id = request["PolicyArn"], request["VersionId"]
    known = aws_policies.find(policy_arn)
    if known is not None:
        return {"PolicyVersion": known.version(version_id)}
    policy = own_policy(call, policy_arn)
    if version_id not in policy["Versions"]:
        raise _no_version(policy_arn, version_id)
    return {"PolicyVersion": _version(policy, version_id)}


@iam.operation
def list_policy_versions(call: Call, request: Request) -> Request:
    """The newest first."""
    known = aws_policies.find(request["PolicyArn"])
    if known is not None:
        return page(call, request, "Versions", [("0", known.version_summary())])
    policy = own_policy(call, request["PolicyArn"])
    numbers = sorted((int(name[1:]) for name in policy["Versions"]), reverse=True)
    found = [(f"{10**9 - number:09}", _version(policy, f"v{number}")) for number in numbers]
    for _, version in found:
        del version["Document"]
    return page(call, request, "Versions", found)


@iam.operation
def set_default_policy_version(call: Call, request: Request) -> Request:
    policy = own_policy(call, request["PolicyArn"])
    version_id = request["VersionId"]
    if version_id not in policy["Versions"]:
        raise errors.NoSuchEntityException(
            f"Policy {policy.arn} version {version_id} does not exist or is not attachable."
        )
    entities(call, "policy").update(policy, DefaultVersionId=version_id, UpdateDate=seconds(call))
    return {}


@iam.operation
def delete_policy_version(call: Call, request: Request) -> Request:
    policy = own_policy(call, request["PolicyArn"])
    version_id = request["VersionId"]
    if version_id not in policy["Versions"]:
        raise _no_version(policy.arn, version_id)
    if version_id == policy["DefaultVersionId"]:
        raise errors.DeleteConflictException("Cannot delete the default version of a policy.")
    kept = {name: version for name, version in policy["Versions"].items() if name != version_id}
    entities(call, "policy").update(policy, Versions=kept, UpdateDate=seconds(call))
    return {}


def _version(policy: Resource, version_id: str) -> Request:
    version = policy["Versions"][version_id]
    return {
        "Document": encoded(version["Document"]),
        "VersionId": version_id,
        "IsDefaultVersion": version_id == policy["DefaultVersionId"],
        "CreateDate": version["CreateDate"],
    }


def _no_version(policy_arn: str, version_id: str) -> Exception:
    error: Exception = errors.NoSuchEntityException(
        f"Policy {policy_arn} version {version_id} does not exist or is not attachable."
    )
    return error
