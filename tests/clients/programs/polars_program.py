"""polars and obstore: the object_store client in Rust."""

import os
import urllib.request

import obstore
import polars as pl
from obstore.store import S3Store

settings = {
    "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
    "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
    "aws_region": os.environ["AWS_REGION"],
    "aws_endpoint_url": os.environ["AWS_ENDPOINT_URL"],
    "aws_allow_http": "true",
}

# Neither of them makes buckets.
request = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/polars-demo", method="PUT")
urllib.request.urlopen(request).close()

store = S3Store(
    "polars-demo",
    access_key_id=settings["aws_access_key_id"],
    secret_access_key=settings["aws_secret_access_key"],
    region=settings["aws_region"],
    endpoint=settings["aws_endpoint_url"],
    client_options={"allow_http": True},
)
obstore.put(store, "a/one.txt", b"one")
obstore.put(store, "a/large.bin", os.urandom(12 * 1024 * 1024), use_multipart=True, chunk_size=5 * 1024 * 1024)
assert obstore.get(store, "a/one.txt").bytes() == b"one"
assert obstore.head(store, "a/large.bin")["size"] == 12 * 1024 * 1024
assert obstore.get_range(store, "a/one.txt", start=1, end=3) == b"ne"
assert [item["path"] for page in obstore.list(store, "a/") for item in page] == ["a/large.bin", "a/one.txt"]
obstore.copy(store, "a/one.txt", "a/two.txt")
obstore.delete(store, ["a/one.txt", "a/large.bin"])

frame = pl.DataFrame({"id": range(1000), "group": [n % 7 for n in range(1000)], "value": [n / 3 for n in range(1000)]})
frame.write_parquet("s3://polars-demo/data/frame.parquet", storage_options=settings)
lazy = pl.scan_parquet("s3://polars-demo/data/*.parquet", storage_options=settings)
counts = lazy.filter(pl.col("group") == 3).select(pl.len()).collect()
assert counts.item() == 143, counts
assert pl.read_parquet("s3://polars-demo/data/frame.parquet", storage_options=settings).equals(frame)
print("done")
