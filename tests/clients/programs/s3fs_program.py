"""s3fs: files as fsspec shows them, which pandas, dask and zarr build on."""

import s3fs

files = s3fs.S3FileSystem()
files.mkdir("fsspec-demo")
with files.open("fsspec-demo/a/one.txt", "w") as out:
    out.write("one\n")
with files.open("fsspec-demo/a/large.bin", "wb", block_size=5 * 1024 * 1024) as out:
    for _ in range(12):
        out.write(b"0123456789abcdef" * 65536)
files.pipe({f"fsspec-demo/b/{n}.txt": str(n).encode() for n in range(10)})

files.invalidate_cache()
assert files.ls("fsspec-demo") == ["fsspec-demo/a", "fsspec-demo/b"]
assert files.glob("fsspec-demo/**/[0-3].txt") == [f"fsspec-demo/b/{n}.txt" for n in range(4)]
assert files.du("fsspec-demo/a") == 12 * 1024 * 1024 + 4
assert files.cat_file("fsspec-demo/a/large.bin", start=19, end=23) == b"3456"
assert files.cat("fsspec-demo/b/*")["fsspec-demo/b/7.txt"] == b"7"
with files.open("fsspec-demo/a/large.bin", "rb") as opened:
    opened.seek(-4, 2)
    assert opened.read() == b"cdef"
files.copy("fsspec-demo/a/one.txt", "fsspec-demo/c/copy.txt")
assert files.info("fsspec-demo/c/copy.txt")["size"] == 4
try:
    files.open("fsspec-demo/none")
except FileNotFoundError:
    pass
else:
    raise AssertionError("a missing object was opened")
files.rm("fsspec-demo", recursive=True)
files.invalidate_cache()
assert not files.exists("fsspec-demo")
print("done")
