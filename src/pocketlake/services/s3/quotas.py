"""S3's limits."""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

KIB, MIB, GIB, TIB = 1024, 1024**2, 1024**3, 1024**4

GUIDE = "Amazon S3 User Guide, "
ENDPOINTS = "AWS General Reference, Amazon S3 endpoints and quotas"

BUCKETS = Quota("General purpose buckets", 10_000, "buckets an account", ENDPOINTS, adjustable=True)
BUCKET_TAGS = Quota("Bucket tags", 50, "tags", ENDPOINTS)
BUCKET_POLICY = Quota("Bucket policy", 20 * KIB, "bytes", ENDPOINTS)
OBJECT_TAGS = Quota("Object tags", 10, "tags", ENDPOINTS)
TAG_KEY = Quota("Tag key", 128, "characters", GUIDE + "Categorizing your objects using tags")
TAG_VALUE = Quota("Tag value", 256, "characters", GUIDE + "Categorizing your objects using tags")
KEY = Quota("Object key", 1024, "bytes of UTF-8", GUIDE + "Naming Amazon S3 objects")
METADATA = Quota("User-defined metadata", 2 * KIB, "bytes", GUIDE + "Working with object metadata")
PUT_SIZE = Quota("Single PUT", 5 * GIB, "bytes", GUIDE + "Uploading objects")
COPY_SIZE = Quota("Single copy", 5 * GIB, "bytes", GUIDE + "Copying, moving, and renaming objects")
OBJECT_SIZE = Quota("Object", 50 * TIB, "bytes", GUIDE + "Amazon S3 multipart upload limits")
PARTS = Quota("Parts of an upload", 10_000, "parts", GUIDE + "Amazon S3 multipart upload limits")
PART_SIZE = Quota("Smallest part but the last", 5 * MIB, "bytes", GUIDE + "Amazon S3 multipart upload limits")
LISTED = Quota("Entries of a listing", 1000, "entries", GUIDE + "Listing object keys programmatically")
LISTED_BUCKETS = Quota("Buckets of a listing", 10_000, "buckets", "S3 API Reference, ListBuckets")
DELETED = Quota("Keys of DeleteObjects", 1000, "keys", "S3 API Reference, DeleteObjects")
CORS_RULES = Quota("CORS rules", 100, "rules", GUIDE + "CORS configuration")
