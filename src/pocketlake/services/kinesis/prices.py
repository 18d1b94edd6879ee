"""What AWS charges for streams: data, to compare plans with. Not a bill.

Checked against AWS's price list as Infracost's tests record it (kinesis_stream_test.golden, us-east-1).
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = "https://aws.amazon.com/kinesis/data-streams/pricing/"
REGION: Final = "us-east-1"
AS_OF: Final = "2025-06"
HOURS_A_MONTH: Final = 730
GIB_KIB: Final = 1024 * 1024

# Provisioned mode
SHARD_HOUR: Final = 0.015
PUT_UNITS_MILLION: Final = 0.014
PUT_UNIT_KIB: Final = 25  # a record counts as so many units of 25 KiB, rounded up
FAN_OUT_SHARD_HOUR: Final = 0.015  # each consumer and shard
FAN_OUT_GB: Final = 0.013  # reads of shared consumers are free

# On-demand mode (standard)
STREAM_HOUR: Final = 0.040
IN_GB: Final = 0.080  # each record rounded up to the next KiB
OUT_GB: Final = 0.040
OUT_FAN_OUT_GB: Final = 0.050
