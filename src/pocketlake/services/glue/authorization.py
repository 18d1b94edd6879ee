"""What each operation must be permitted: what stands in the catalog needs its database and the catalog as well.

Sources: Service Authorization Reference, "AWS Glue"; developer guide, "Specifying AWS Glue resource ARNs" (whoever
deletes a database needs what is in it, whoever lists needs all that may be listed).
"""

from __future__ import annotations

from pocketlake.kernel.authorization import ANY, Authorization, On, Request, filled, template
from pocketlake.kernel.call import Call


def glue_arn(resource: str) -> str:
    return template("glue", resource)


CATALOG = glue_arn("catalog")
CRAWLER = glue_arn("crawler/{Name}")
ROLE = "arn:aws:iam::{account}:role/{Role}"
DATABASE = (On(CATALOG), On(glue_arn("database/{DatabaseName}")))
NAMED_DATABASE = (On(CATALOG), On(glue_arn("database/{Name}")))
NEW_DATABASE = (On(CATALOG), On(glue_arn("database/{DatabaseInput.Name}")))
TABLE = (*DATABASE, On(glue_arn("table/{DatabaseName}/{TableName}")))
NAMED_TABLE = (*DATABASE, On(glue_arn("table/{DatabaseName}/{Name}")))
INPUT_TABLE = "|".join(glue_arn(f"table/{{DatabaseName}}/{{{name}}}") for name in ("Name", "TableInput.Name"))
GIVEN_TABLE = (*DATABASE, On(INPUT_TABLE))
FUNCTION = (*DATABASE, On(glue_arn("userDefinedFunction/{DatabaseName}/{FunctionName}")))
FUNCTIONS = (*DATABASE, On(glue_arn("userDefinedFunction/{DatabaseName}/*")))


def _each(call: Call, resource: str, names: list[str]) -> list[str]:
    return [filled(glue_arn(resource), call, {"Name": name}) for name in names]


def tables(call: Call, request: Request) -> list[str]:
    return _each(call, f"table/{request['DatabaseName']}/{{Name}}", request["TablesToDelete"])


def connections(call: Call, request: Request) -> list[str]:
    return _each(call, "connection/{Name}", request["ConnectionNameList"])


def crawlers(call: Call, request: Request) -> list[str]:
    return _each(call, "crawler/{Name}", request["CrawlerNames"])


def role(call: Call, request: Request) -> list[str]:
    """Given by its name or its ARN."""
    given = str(request["Role"])
    return [given if given.startswith("arn:") else filled(ROLE, call, request)]


authorization = Authorization(
    "glue",
    {
        "batch_create_partition": TABLE,
        "batch_delete_connection": (On(CATALOG), On(connections)),
        "batch_delete_partition": TABLE,
        "batch_delete_table": (*DATABASE, On(tables)),
        "batch_delete_table_version": TABLE,
        "batch_get_crawlers": On(crawlers),
        "batch_get_partition": TABLE,
        "batch_update_partition": TABLE,
        "create_classifier": ANY,
        "create_connection": (
            On(CATALOG),
            On(glue_arn("connection/{ConnectionInput.Name}"), "TagResource", given="Tags"),
        ),
        "create_crawler": (On(ANY), On(CRAWLER, "TagResource", given="Tags"), On(role, "iam:PassRole")),
        "create_database": (*NEW_DATABASE, On(NEW_DATABASE[-1].resource, "TagResource", given="Tags")),
        "create_partition": TABLE,
        "create_partition_index": TABLE,
        "create_table": GIVEN_TABLE,
        "create_user_defined_function": DATABASE,
        "delete_classifier": ANY,
        "delete_column_statistics_for_partition": TABLE,
        "delete_column_statistics_for_table": TABLE,
        "delete_connection": (On(CATALOG), On(glue_arn("connection/{ConnectionName}"))),
        "delete_crawler": CRAWLER,
        "delete_database": (
            *NAMED_DATABASE,
            On(glue_arn("table/{Name}/*")),
            On(glue_arn("userDefinedFunction/{Name}/*")),
        ),
        "delete_partition": TABLE,
        "delete_partition_index": TABLE,
        "delete_table": NAMED_TABLE,
        "delete_table_version": TABLE,
        "delete_user_defined_function": FUNCTION,
        "get_classifier": ANY,
        "get_classifiers": ANY,
        "get_column_statistics_for_partition": TABLE,
        "get_column_statistics_for_table": TABLE,
        "get_connection": (On(CATALOG), On(glue_arn("connection/{Name}"))),
        "get_connections": (On(CATALOG), On(glue_arn("connection/*"))),
        "get_crawler": CRAWLER,
        "get_crawler_metrics": ANY,
        "get_crawlers": ANY,
        "get_database": NAMED_DATABASE,
        "get_databases": (On(CATALOG), On(glue_arn("database/*"))),
        "get_partition": TABLE,
        "get_partition_indexes": TABLE,
        "get_partitions": TABLE,
        "get_table": NAMED_TABLE,
        "get_table_version": TABLE,
        "get_table_versions": TABLE,
        "get_tables": (*DATABASE, On(glue_arn("table/{DatabaseName}/*"))),
        "get_tags": "{ResourceArn}",
        "get_user_defined_function": FUNCTION,
        "get_user_defined_functions": FUNCTIONS,
        "list_crawlers": ANY,
        "list_crawls": glue_arn("crawler/{CrawlerName}"),
        "search_tables": (On(CATALOG), On(glue_arn("database/*")), On(glue_arn("table/*/*"))),
        "start_crawler": CRAWLER,
        "start_crawler_schedule": ANY,
        "stop_crawler": CRAWLER,
        "stop_crawler_schedule": ANY,
        "tag_resource": "{ResourceArn}",
        "untag_resource": "{ResourceArn}",
        "update_classifier": ANY,
        "update_column_statistics_for_partition": TABLE,
        "update_column_statistics_for_table": TABLE,
        "update_connection": (On(CATALOG), On(glue_arn("connection/{Name}"))),
        "update_crawler": (On(CRAWLER), On(role, "iam:PassRole", given="Role")),
        "update_crawler_schedule": ANY,
        "update_database": NAMED_DATABASE,
        "update_partition": TABLE,
        "update_table": GIVEN_TABLE,
        "update_user_defined_function": FUNCTION,
    },
)
