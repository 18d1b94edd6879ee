"""awswrangler: datasets in S3, tables in the Glue catalog, and Athena reads into pandas."""

import awswrangler as wr
import boto3
import pandas as pd

s3 = boto3.client("s3")
s3.create_bucket(Bucket="wrangler-demo")
s3.create_bucket(Bucket="aws-athena-query-results-000000000000-us-east-1")
frame = pd.DataFrame({"id": [1, 2, 3, 4], "day": ["mon", "mon", "tue", "wed"], "value": [1.5, 2.5, None, 4.0]})

wr.s3.to_csv(frame, "s3://wrangler-demo/csv/one.csv", index=False)
assert wr.s3.read_csv("s3://wrangler-demo/csv/").equals(frame)
assert wr.s3.list_objects("s3://wrangler-demo/") == ["s3://wrangler-demo/csv/one.csv"]

wr.catalog.create_database("wrangler")
wr.s3.to_parquet(
    frame, "s3://wrangler-demo/sales/", dataset=True, database="wrangler", table="sales", partition_cols=["day"]
)
assert wr.catalog.does_table_exist("wrangler", "sales")
assert wr.catalog.get_table_types("wrangler", "sales") == {"id": "bigint", "value": "double", "day": "string"}
assert len(wr.catalog.get_partitions("wrangler", "sales")) == 3
assert len(wr.s3.read_parquet("s3://wrangler-demo/sales/", dataset=True)) == 4

by_day = "SELECT day, count(*) AS n, sum(value) AS total FROM sales GROUP BY day ORDER BY day"
answer = wr.athena.read_sql_query(by_day, database="wrangler", ctas_approach=False)
assert answer["n"].tolist() == [2, 1, 1], answer
assert answer["total"].fillna(-1).tolist() == [4.0, -1, 4.0], answer
answer = wr.athena.read_sql_query("SELECT * FROM sales WHERE id > 1", database="wrangler", ctas_approach=True)
assert sorted(answer["id"].tolist()) == [2, 3, 4], answer
wr.s3.to_parquet(frame, "s3://wrangler-demo/sales/", dataset=True, database="wrangler", table="sales",
                 partition_cols=["day"], mode="append")  # fmt: skip
answer = wr.athena.read_sql_table("sales", database="wrangler", ctas_approach=False)
assert len(answer) == 8, answer
print("done")
