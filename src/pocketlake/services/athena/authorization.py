"""What each operation must be permitted: on a workgroup, which owns queries and statements, or on a data catalog.

Source: Service Authorization Reference, "Amazon Athena".
"""

from __future__ import annotations

from collections.abc import Iterable

from pocketlake.kernel.authorization import ANY, Authorization, On, Request, filled, template
from pocketlake.kernel.call import Call

from . import store, workgroups

GROUP = template("athena", "workgroup/{WorkGroup}")
GROUP_OR_PRIMARY = f"{GROUP}|{template('athena', f'workgroup/{workgroups.PRIMARY}')}"
NAMED_GROUP = template("athena", "workgroup/{Name}")
CATALOG = template("athena", "datacatalog/{CatalogName}")
NAMED_CATALOG = template("athena", "datacatalog/{Name}")
RESOURCE = "{ResourceARN}"


def of_named_query(call: Call, request: Request) -> Iterable[str]:
    """The workgroup that a query was saved in."""
    identities = request.get("NamedQueryIds") or [request.get("NamedQueryId", "")]
    found = (call.resources("namedquery").find(identity) for identity in identities)
    return [_group(call, query["WorkGroup"] if query else "") for query in found]


def of_execution(call: Call, request: Request) -> Iterable[str]:
    """The workgroup that a query ran in."""
    identities = request.get("QueryExecutionIds") or [request.get("QueryExecutionId", "")]
    found = (store.find(call, identity) for identity in identities)
    return [_group(call, query["WorkGroup"] if query else "") for query in found]


def _group(call: Call, name: str) -> str:
    """Of what is not there no workgroup is known: whoever may ask for all of them is told so."""
    return filled(GROUP, call, {"WorkGroup": name})


authorization = Authorization(
    "athena",
    {
        "batch_get_named_query": On(of_named_query),
        "batch_get_prepared_statement": GROUP,
        "batch_get_query_execution": On(of_execution),
        "create_data_catalog": (On(NAMED_CATALOG), On(NAMED_CATALOG, "TagResource", given="Tags")),
        "create_named_query": GROUP_OR_PRIMARY,
        "create_prepared_statement": GROUP,
        "create_work_group": (On(NAMED_GROUP), On(NAMED_GROUP, "TagResource", given="Tags")),
        "delete_data_catalog": NAMED_CATALOG,
        "delete_named_query": On(of_named_query),
        "delete_prepared_statement": GROUP,
        "delete_work_group": GROUP,
        "get_data_catalog": NAMED_CATALOG,
        "get_database": CATALOG,
        "get_named_query": On(of_named_query),
        "get_prepared_statement": GROUP,
        "get_query_execution": On(of_execution),
        "get_query_results": On(of_execution),
        "get_query_runtime_statistics": On(of_execution),
        "get_table_metadata": CATALOG,
        "get_work_group": GROUP,
        "list_data_catalogs": ANY,
        "list_databases": CATALOG,
        "list_engine_versions": ANY,
        "list_named_queries": GROUP_OR_PRIMARY,
        "list_prepared_statements": GROUP,
        "list_query_executions": GROUP_OR_PRIMARY,
        "list_table_metadata": CATALOG,
        "list_tags_for_resource": RESOURCE,
        "list_work_groups": ANY,
        "start_query_execution": GROUP_OR_PRIMARY,
        "stop_query_execution": On(of_execution),
        "tag_resource": RESOURCE,
        "untag_resource": RESOURCE,
        "update_data_catalog": NAMED_CATALOG,
        "update_named_query": On(of_named_query),
        "update_prepared_statement": GROUP,
        "update_work_group": GROUP,
    },
)
