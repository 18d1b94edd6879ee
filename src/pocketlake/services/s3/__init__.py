"""Amazon S3: buckets and objects."""

from pocketlake.services.s3 import (
    buckets as buckets,
)
from pocketlake.services.s3 import (
    delete as delete,
)
from pocketlake.services.s3 import (
    listing as listing,
)
from pocketlake.services.s3 import (
    objects as objects,
)
from pocketlake.services.s3.service import s3 as service

__all__ = ["service"]
