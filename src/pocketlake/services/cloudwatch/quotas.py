"""CloudWatch's limits on metrics.

Sources: API reference of each operation; user guide, "CloudWatch service quotas" and "CloudWatch concepts".
"""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

HOUR, DAY = 3600, 86400
QUOTAS_PAGE = "CloudWatch user guide, service quotas"
PUT = "API reference, PutMetricData"
DATUM = "API reference, MetricDatum"
GET = "API reference, GetMetricData"
CONCEPTS = "CloudWatch user guide, concepts: metrics retention"

METRICS_A_PUT = Quota("Metrics in one PutMetricData", 1000, "metrics", PUT)
VALUES = Quota("Different values of one metric in one PutMetricData", 150, "values", DATUM)
PAST = Quota("Age of a timestamp", 14 * DAY, "seconds", DATUM)
FUTURE = Quota("A timestamp's distance ahead", 2 * HOUR, "seconds", DATUM)
LARGEST_EXPONENT = Quota("Largest value, as a power of two", 360, "exponent", DATUM)

LIST_PAGE = Quota("Metrics in a page of ListMetrics", 500, "metrics", "API reference, ListMetrics")
LISTED = Quota("How long a metric without data is listed", 14 * DAY, "seconds", "API reference, ListMetrics")
RECENT = Quota("What RecentlyActive=PT3H calls recent", 3 * HOUR, "seconds", "API reference, ListMetrics")

DATAPOINTS = Quota("Datapoints in one GetMetricStatistics", 1440, "datapoints", "API reference, GetMetricStatistics")
QUERIES = Quota("Queries in one GetMetricData", 500, "queries", GET)
PAGE_DATAPOINTS = Quota("Datapoints in a page of GetMetricData", 100_800, "datapoints", GET)
WORKED_THROUGH = Quota(
    "Datapoints that the expressions of one GetMetricData work through",
    5_000_000,
    "datapoints",
    "ours: some seconds; on AWS so many in a second",
)

# What a datapoint of so many seconds is kept for; older ones live on in longer periods.
KEPT_SECOND = Quota("Retention of periods under a minute", 3 * HOUR, "seconds", CONCEPTS)
KEPT_MINUTE = Quota("Retention of one-minute periods", 15 * DAY, "seconds", CONCEPTS)
KEPT_FIVE = Quota("Retention of five-minute periods", 63 * DAY, "seconds", CONCEPTS)
KEPT_HOUR = Quota("Retention of one-hour periods", 455 * DAY, "seconds", CONCEPTS)

RETENTION = {
    1: int(KEPT_SECOND.value),
    60: int(KEPT_MINUTE.value),
    300: int(KEPT_FIVE.value),
    3600: int(KEPT_HOUR.value),
}
