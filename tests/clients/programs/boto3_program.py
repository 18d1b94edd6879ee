"""boto3 beyond plain calls: managed transfers, resources, paginators, waiters, presigned URLs."""

import io
import os
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig

MIB = 1024 * 1024

s3 = boto3.client("s3")
s3.create_bucket(Bucket="boto3-demo")
s3.get_waiter("bucket_exists").wait(Bucket="boto3-demo")

body = os.urandom(20 * MIB + 17)
parts = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB, max_concurrency=4)
s3.upload_fileobj(io.BytesIO(body), "boto3-demo", "large", ExtraArgs={"Metadata": {"made-by": "boto3"}}, Config=parts)
head = s3.head_object(Bucket="boto3-demo", Key="large")
assert head["ETag"].endswith('-3"'), head["ETag"]
assert head["Metadata"] == {"made-by": "boto3"}
back = io.BytesIO()
s3.download_fileobj("boto3-demo", "large", back, Config=parts)
assert back.getvalue() == body

for number in range(25):
    s3.put_object(Bucket="boto3-demo", Key=f"many/{number:03d}", Body=b"x" * number, ChecksumAlgorithm="SHA256")
pages = s3.get_paginator("list_objects_v2").paginate(
    Bucket="boto3-demo", Prefix="many/", PaginationConfig={"PageSize": 10}
)
assert [item["Size"] for page in pages for item in page["Contents"]] == list(range(25))

url = s3.generate_presigned_url("get_object", Params={"Bucket": "boto3-demo", "Key": "many/007"}, ExpiresIn=60)
with urllib.request.urlopen(url) as answer:
    assert answer.read() == b"x" * 7
url = s3.generate_presigned_url("put_object", Params={"Bucket": "boto3-demo", "Key": "signed"}, ExpiresIn=60)
with urllib.request.urlopen(urllib.request.Request(url, data=b"by url", method="PUT")) as answer:
    assert answer.status == 200
assert s3.get_object(Bucket="boto3-demo", Key="signed", Range="bytes=3-")["Body"].read() == b"url"

bucket = boto3.resource("s3").Bucket("boto3-demo")
bucket.Object("copy").copy_from(CopySource="boto3-demo/signed")
assert bucket.Object("copy").get()["Body"].read() == b"by url"
bucket.objects.all().delete()
bucket.delete()

kinesis = boto3.client("kinesis")
kinesis.create_stream(StreamName="events", ShardCount=2)
kinesis.get_waiter("stream_exists").wait(StreamName="events")
answer = kinesis.put_records(StreamName="events", Records=[{"Data": b"a", "PartitionKey": str(n)} for n in range(50)])
assert answer["FailedRecordCount"] == 0
read = 0
for shard in kinesis.get_paginator("list_shards").paginate(StreamName="events").search("Shards[]"):
    place = {"StreamName": "events", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    read += len(kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**place)["ShardIterator"])["Records"])
assert read == 50

assert boto3.client("sts").get_caller_identity()["Account"] == "000000000000"
print("done")
