"""What AWS charges for tables of the Standard class: data, to compare plans with. Not a bill.

On-demand as cut by half in November 2024. Provisioned units and storage checked against AWS's price list as Infracost's
tests record it (dynamodb_table_test.golden, us-east-1).
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = "https://aws.amazon.com/dynamodb/pricing/"
REGION: Final = "us-east-1"
AS_OF: Final = "2026-07"
HOURS_A_MONTH: Final = 730

# Provisioned mode
READ_UNIT_HOUR: Final = 0.00013
WRITE_UNIT_HOUR: Final = 0.00065

# On-demand mode
READ_UNITS_MILLION: Final = 0.125
WRITE_UNITS_MILLION: Final = 0.625

STORAGE_GB_MONTH: Final = 0.25
