"""PyAthena: DB-API, parameters, and pandas."""

import boto3
from pyathena import connect
from pyathena.pandas.cursor import PandasCursor

s3 = boto3.client("s3")
s3.create_bucket(Bucket="pyathena-demo")
s3.put_object(Bucket="pyathena-demo", Key="people/one.csv", Body=b"1,Ada,1.5\n2,Grace,2.5\n3,Edsger,\n")

staging = "s3://pyathena-demo/results/"
cursor = connect(s3_staging_dir=staging, poll_interval=0.05).cursor()
cursor.execute("CREATE DATABASE people")
cursor.execute(
    """
    CREATE EXTERNAL TABLE people.people (id int, name string, score double)
    ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://pyathena-demo/people/'
    """
)
cursor.execute("SELECT * FROM people.people ORDER BY id")
assert [column[:2] for column in cursor.description] == [("id", "integer"), ("name", "varchar"), ("score", "double")]
assert cursor.fetchall() == [(1, "Ada", 1.5), (2, "Grace", 2.5), (3, "Edsger", None)]
cursor.execute("SELECT name FROM people.people WHERE score > %(least)s", {"least": 2})
assert cursor.fetchall() == [("Grace",)]
assert cursor.data_scanned_in_bytes > 0
cursor.execute(
    "SELECT DATE '2013-01-02' AS d, TIMESTAMP '2013-01-02 03:04:05.678' AS t, DECIMAL '1.50' AS m, true AS b"
)
print(cursor.fetchall())

frame = connect(s3_staging_dir=staging, poll_interval=0.05, cursor_class=PandasCursor).cursor()
table = frame.execute("SELECT * FROM people.people ORDER BY id").as_pandas()
assert table["name"].tolist() == ["Ada", "Grace", "Edsger"], table
try:
    cursor.execute("SELECT * FROM people.nobody")
except Exception as error:
    assert "nobody" in str(error), error
else:
    raise AssertionError("a query on a missing table succeeded")
print("done")
