"""PartiQL: statements, batches and transactions do what expressions do."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import index, invalid, make, refusal


@pytest.fixture
def music(dynamodb: Any) -> str:
    make(
        dynamodb,
        "music",
        "artist:S",
        "year:N",
        also=("label:S",),
        GlobalSecondaryIndexes=[index("by-label", "label:S", "year:N")],
    )
    for year in range(2000, 2010):
        run(
            dynamodb,
            "INSERT INTO music VALUE {'artist': 'Acme', 'year': ?, 'label': 'red', 'info': {'songs': [1, 'two']}}",
            {"N": str(year)},
        )
    return "music"


def run(dynamodb: Any, statement: str, *parameters: Any, **more: Any) -> Any:
    if parameters:
        more["Parameters"] = list(parameters)
    return dynamodb.execute_statement(Statement=statement, **more)


def years(answer: Any) -> list[int]:
    return [int(item["year"]["N"]) for item in answer["Items"]]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("artist = 'Acme' AND year >= 2008", [2008, 2009]),
        ("artist = 'Acme' AND year BETWEEN 2001 AND 2003 ORDER BY year DESC", [2003, 2002, 2001]),
        ("artist = 'Acme' AND year IN [2004, 2006]", [2004, 2006]),
        ("artist = 'Acme' AND (year < 2001 OR year = 2009) AND info.songs[1] = 'two'", [2000, 2009]),
        ("artist = 'Acme' AND NOT year > 2000", [2000]),
        ("begins_with(artist, 'Ac') AND contains(\"label\", 'e') AND other IS MISSING AND year = 2005", [2005]),
        ("artist = 'None'", []),
    ],
)
def test_select(dynamodb: Any, music: str, where: str, expected: list[int]) -> None:
    assert years(run(dynamodb, f'SELECT * FROM "music" WHERE {where}')) == expected


def test_select_paths_from_an_index_page_by_page(dynamodb: Any, music: str) -> None:
    statement = 'SELECT year, info.songs[0] FROM "music"."by-label" WHERE label = ?'
    found: list[int] = []
    more: dict[str, Any] = {"Limit": 4}
    while True:
        page = run(dynamodb, statement, {"S": "red"}, **more)
        assert all(item["info"] == {"M": {"songs": {"L": [{"N": "1"}]}}} for item in page["Items"])
        found += years(page)
        if "NextToken" not in page:
            break
        more["NextToken"] = page["NextToken"]
    assert found == list(range(2000, 2010))
    assert invalid(dynamodb.execute_statement, Statement='SELECT * FROM music."none"') == (
        "The table does not have the specified index"
    )


def test_insert_update_delete(dynamodb: Any, music: str) -> None:
    code, message = refusal(
        dynamodb.execute_statement, Statement="INSERT INTO music VALUE {'artist':'Acme','year':2000}"
    )
    assert (code, message) == ("DuplicateItemException", "Duplicate primary key exists in table")
    new = run(
        dynamodb,
        "UPDATE music SET plays = 1, info.songs = list_append(info.songs, ?) SET tags = <<'a','b'>> REMOVE label"
        " WHERE artist = 'Acme' AND year = 2000 RETURNING ALL NEW *",
        {"L": [{"S": "three"}]},
    )["Items"][0]
    assert new["plays"] == {"N": "1"}
    assert new["info"]["M"]["songs"]["L"] == [{"N": "1"}, {"S": "two"}, {"S": "three"}]
    assert set(new["tags"]["SS"]) == {"a", "b"}
    assert "label" not in new
    run(dynamodb, "UPDATE music SET plays = plays + 41 WHERE artist = 'Acme' AND year = 2000 AND plays = 1")
    old = run(dynamodb, "DELETE FROM music WHERE artist = 'Acme' AND year = 2000 RETURNING ALL OLD *")["Items"][0]
    assert old["plays"] == {"N": "42"}
    run(dynamodb, "DELETE FROM music WHERE artist = 'Acme' AND year = 2000")
    code, _ = refusal(dynamodb.execute_statement, Statement="UPDATE music SET a = 1 WHERE artist = 'Acme' AND year = 1")
    assert code == "ConditionalCheckFailedException"
    assert invalid(dynamodb.execute_statement, Statement="DELETE FROM music WHERE artist = 'Acme'") == (
        "Where clause does not contain a mandatory equality on all key attributes"
    )


def test_statement_that_is_none(dynamodb: Any, music: str) -> None:
    assert "wasn't well formed" in invalid(dynamodb.execute_statement, Statement="SELEC * FROM music")
    message = invalid(dynamodb.execute_statement, Statement="SELECT * FROM music WHERE artist = ?")
    assert message == "Number of parameters in request and statement don't match."


def test_batch_of_statements_each_for_itself(dynamodb: Any, music: str) -> None:
    answers = dynamodb.batch_execute_statement(
        Statements=[
            {"Statement": "SELECT year FROM music WHERE artist = 'Acme' AND year = 2001"},
            {"Statement": "SELECT year FROM absent WHERE artist = 'Acme'"},
            {"Statement": "SELECT year FROM music WHERE artist = 'Acme'"},
        ]
    )["Responses"]
    assert answers[0] == {"TableName": "music", "Item": {"year": {"N": "2001"}}}
    assert answers[1]["Error"]["Code"] == "ResourceNotFound"
    assert answers[2]["Error"]["Code"] == "ValidationError"


def test_transaction_of_statements_is_all_or_nothing(dynamodb: Any, music: str) -> None:
    write = {"Statement": "UPDATE music SET plays = 1 WHERE artist = 'Acme' AND year = 2001"}
    check = {"Statement": "EXISTS(SELECT * FROM music WHERE artist = 'Acme' AND year = 2002 AND plays = 9)"}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.execute_transaction(TransactStatements=[write, check])
    codes = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed"]
    read = {"Statement": "SELECT plays FROM music WHERE artist = 'Acme' AND year = 2001"}
    assert dynamodb.execute_transaction(TransactStatements=[read])["Responses"] == [{"Item": {}}]
    dynamodb.execute_transaction(TransactStatements=[write])
    assert dynamodb.execute_transaction(TransactStatements=[read])["Responses"] == [{"Item": {"plays": {"N": "1"}}}]
