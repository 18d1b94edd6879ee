"""What each operation must be permitted. Metrics have no resource of their own: whoever may read one may read all.

Source: Service Authorization Reference, "Amazon CloudWatch".
"""

from __future__ import annotations

from pocketlake.kernel.authorization import ANY, Authorization

authorization = Authorization(
    "cloudwatch",
    {
        "get_metric_data": ANY,
        "get_metric_statistics": ANY,
        "list_metrics": ANY,
        "put_metric_data": ANY,
    },
)
