"""pyarrow's own S3 client (AWS's SDK for C++): write a partitioned dataset, list it, read a part of it."""

import os

import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet

files = pyarrow.fs.S3FileSystem(
    access_key=os.environ["AWS_ACCESS_KEY_ID"],
    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    region=os.environ["AWS_REGION"],
    endpoint_override=os.environ["AWS_ENDPOINT_URL"],
    allow_bucket_creation=True,
    allow_bucket_deletion=True,
)
files.create_dir("arrow-demo")
table = pyarrow.table({"day": [1, 1, 2, 2, 3], "value": [1.5, 2.5, 3.5, None, 5.5], "name": ["a", "b", "c", "d", "é"]})
pyarrow.dataset.write_dataset(
    table, "arrow-demo/data", filesystem=files, format="parquet", partitioning=["day"], partitioning_flavor="hive"
)
found = files.get_file_info(pyarrow.fs.FileSelector("arrow-demo/data", recursive=True))
assert sorted(item.path.split("/")[2] for item in found if item.is_file) == ["day=1", "day=2", "day=3"]

dataset = pyarrow.dataset.dataset("arrow-demo/data", filesystem=files, format="parquet", partitioning="hive")
rows = dataset.to_table(filter=pyarrow.compute.field("day") >= 2, columns=["name", "value"]).sort_by("name")
assert rows["name"].to_pylist() == ["c", "d", "é"], rows
assert rows["value"].to_pylist() == [3.5, None, 5.5]

with files.open_output_stream("arrow-demo/stream.bin") as stream:
    for _ in range(12):
        stream.write(b"0123456789abcdef" * 65536)  # 12 MiB: goes up in parts
with files.open_input_file("arrow-demo/stream.bin") as opened:
    assert opened.size() == 12 * 1024 * 1024
    opened.seek(5 * 1024 * 1024 + 3)
    assert opened.read(4) == b"3456"
files.copy_file("arrow-demo/stream.bin", "arrow-demo/copy.bin")
files.delete_file("arrow-demo/stream.bin")
files.move("arrow-demo/copy.bin", "arrow-demo/moved.bin")
assert files.get_file_info("arrow-demo/stream.bin").type == pyarrow.fs.FileType.NotFound
assert files.get_file_info("arrow-demo/moved.bin").size == 12 * 1024 * 1024
files.delete_dir("arrow-demo")
print("done")
