"""Parameter groups and subnet groups."""

import pytest

from .test_clusters import refused


def values(dax, group):
    found = dax.describe_parameters(ParameterGroupName=group)["Parameters"]
    return {one["ParameterName"]: one["ParameterValue"] for one in found}


def change(dax, group, name, value):
    given = [{"ParameterName": name, "ParameterValue": value}]
    return dax.update_parameter_group(ParameterGroupName=group, ParameterNameValues=given)


@pytest.mark.claim("DAX-506")
def test_by_default_items_and_queries_stay_for_five_minutes(dax):
    five_minutes = {"query-ttl-millis": "300000", "record-ttl-millis": "300000"}
    assert values(dax, "default.dax1.0") == five_minutes
    defaults = dax.describe_default_parameters()["Parameters"]
    assert {one["ParameterName"]: one["ParameterValue"] for one in defaults} == five_minutes
    assert all(one["ChangeType"] == "IMMEDIATE" and one["DataType"] == "integer" for one in defaults)


def test_a_group_of_ones_own(dax):
    dax.create_parameter_group(ParameterGroupName="Mine", Description="short")
    change(dax, "mine", "record-ttl-millis", "1000")
    assert values(dax, "mine") == {"query-ttl-millis": "300000", "record-ttl-millis": "1000"}
    groups = dax.describe_parameter_groups()["ParameterGroups"]
    assert [group["ParameterGroupName"] for group in groups] == ["default.dax1.0", "mine"]
    assert dax.describe_parameters(ParameterGroupName="mine", Source="system")["Parameters"] == []
    dax.delete_parameter_group(ParameterGroupName="mine")
    refused("ParameterGroupNotFoundFault", dax.describe_parameters, ParameterGroupName="mine")


def test_what_a_group_refuses(dax, create):
    dax.create_parameter_group(ParameterGroupName="mine")
    refused("ParameterGroupAlreadyExistsFault", dax.create_parameter_group, ParameterGroupName="mine")
    refused("InvalidParameterValueException", dax.create_parameter_group, ParameterGroupName="default.dax1.0")
    for name, value in (("color", "1"), ("record-ttl-millis", "-1"), ("query-ttl-millis", "soon")):
        given = [{"ParameterName": name, "ParameterValue": value}]
        request = {"ParameterGroupName": "mine", "ParameterNameValues": given}
        refused("InvalidParameterValueException", dax.update_parameter_group, **request)
    given = [{"ParameterName": "record-ttl-millis", "ParameterValue": "1"}]
    request = {"ParameterGroupName": "default.dax1.0", "ParameterNameValues": given}
    refused("InvalidParameterGroupStateFault", dax.update_parameter_group, **request)
    create(ParameterGroupName="mine")
    refused("InvalidParameterGroupStateFault", dax.delete_parameter_group, ParameterGroupName="mine")


def test_an_account_has_twenty_groups(dax):
    for number in range(20):
        dax.create_parameter_group(ParameterGroupName=f"group{number}")
    refused("ParameterGroupQuotaExceededFault", dax.create_parameter_group, ParameterGroupName="another")


def test_subnet_groups(dax, create):
    made = dax.create_subnet_group(SubnetGroupName="Mine", SubnetIds=["subnet-0123abcd"])["SubnetGroup"]
    assert made["SubnetGroupName"] == "mine"
    refused(
        "SubnetGroupAlreadyExistsFault", dax.create_subnet_group, SubnetGroupName="mine", SubnetIds=["subnet-0123abcd"]
    )
    refused("InvalidSubnet", dax.create_subnet_group, SubnetGroupName="other", SubnetIds=["mars"])
    many = [f"subnet-{number:08x}" for number in range(21)]
    refused("SubnetQuotaExceededFault", dax.create_subnet_group, SubnetGroupName="other", SubnetIds=many)
    changed = dax.update_subnet_group(SubnetGroupName="mine", SubnetIds=["subnet-aaaaaaaa", "subnet-bbbbbbbb"])
    assert len(changed["SubnetGroup"]["Subnets"]) == 2
    assert create(SubnetGroupName="mine")["SubnetGroup"] == "mine"
    refused("SubnetGroupInUseFault", dax.delete_subnet_group, SubnetGroupName="mine")
    groups = dax.describe_subnet_groups()["SubnetGroups"]
    assert [group["SubnetGroupName"] for group in groups] == ["default", "mine"]
    refused("SubnetGroupNotFoundFault", dax.describe_subnet_groups, SubnetGroupNames=["none"])
