"""The AWS CLI over tables: made, filled, asked by a key and by an index, changed, listed page by page, and deleted."""

import json
import subprocess
import sys
from pathlib import Path

AWS = str(Path(sys.executable).parent / "aws")
TABLE = ("--table-name", "photos")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AWS, "dynamodb", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def aws(*words: str):
    finished = run(*words)
    assert finished.returncode == 0, f"aws dynamodb {' '.join(words)}: {finished.stdout} {finished.stderr}"
    return json.loads(finished.stdout) if finished.stdout.strip() else None


aws(
    *("create-table", *TABLE, "--billing-mode", "PAY_PER_REQUEST"),
    *("--attribute-definitions", "AttributeName=id,AttributeType=S"),
    *("AttributeName=user,AttributeType=S", "AttributeName=date,AttributeType=S"),
    *("--key-schema", "AttributeName=id,KeyType=HASH"),
    "--global-secondary-indexes",
    "IndexName=user-date-index,KeySchema=[{AttributeName=user,KeyType=HASH},{AttributeName=date,KeyType=RANGE}],"
    "Projection={ProjectionType=ALL}",
)
aws("wait", "table-exists", *TABLE)
requests = []
for number in range(20):
    photo = {"id": {"S": f"p{number:02}"}, "user": {"S": "ada"}, "date": {"S": f"2026-11-{number + 1:02}"}}
    requests.append({"PutRequest": {"Item": {**photo, "size": {"N": str(number)}}}})
Path("photos.json").write_text(json.dumps({"photos": requests}))
assert aws("batch-write-item", "--request-items", "file://photos.json")["UnprocessedItems"] == {}

found = aws(
    *("query", *TABLE, "--index-name", "user-date-index"),
    *("--key-condition-expression", "#u = :user AND #d BETWEEN :from AND :to"),
    *("--expression-attribute-names", '{"#u": "user", "#d": "date"}'),
    *(
        "--expression-attribute-values",
        '{":user": {"S": "ada"}, ":from": {"S": "2026-11-05"}, ":to": {"S": "2026-11-08"}}',
    ),
)
assert [item["id"]["S"] for item in found["Items"]] == ["p04", "p05", "p06", "p07"]
assert found["Count"] == found["ScannedCount"] == 4

pages = aws("scan", *TABLE, "--page-size", "3", "--max-items", "7")  # the CLI turns the pages itself
assert len(pages["Items"]) == 7
rest = aws("scan", *TABLE, "--page-size", "3", "--starting-token", pages["NextToken"])
assert len(rest["Items"]) == 13
assert not {item["id"]["S"] for item in pages["Items"]} & {item["id"]["S"] for item in rest["Items"]}

key = ("--key", '{"id": {"S": "p03"}}')
change = ("--update-expression", "ADD #s :ten", "--expression-attribute-names", '{"#s": "size"}')
updated = aws(
    *("update-item", *TABLE, *key, *change, "--expression-attribute-values", '{":ten": {"N": "10"}}'),
    *("--return-values", "UPDATED_NEW"),
)
assert updated["Attributes"] == {"size": {"N": "13"}}
refused = run("delete-item", *TABLE, *key, "--condition-expression", "attribute_not_exists(id)")
assert refused.returncode != 0
assert "ConditionalCheckFailedException" in refused.stderr
assert aws("get-item", *TABLE, *key, "--projection-expression", "id")["Item"] == {"id": {"S": "p03"}}
statement = 'SELECT id FROM "photos"."user-date-index" WHERE "user" = \'ada\' AND "date" = \'2026-11-20\''
assert aws("execute-statement", "--statement", statement)["Items"] == [{"id": {"S": "p19"}}]
assert aws("list-tables")["TableNames"] == ["photos"]
aws("delete-table", *TABLE)
aws("wait", "table-not-exists", *TABLE)
print("done")
