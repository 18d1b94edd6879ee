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
    assert (
        invalid(dynamodb.execute_statement, Statement="SELEC * FROM music") == f"{MALFORMED}Expected data manipulation"
    )
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


MALFORMED = "Statement wasn't well formed, can't be processed: "
LEFTOVER = f"{MALFORMED}Unexpected token after expression"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT * FROM music WHERE artist = 'a' foo", LEFTOVER),
        ("SELECT * FROM music ORDER BY year WHERE artist = 'a'", LEFTOVER),
        ("INSERT INTO music t VALUE {'artist': 'a', 'year': 1}", LEFTOVER),
        ("DELETE FROM music WHERE artist = 'a' AND year = 1 ORDER BY year", LEFTOVER),
        ("SELECT * FROM music WHERE year = 1e2147483648", MALFORMED),
        ("SELECT * FROM music WHERE year = 1.5e-2147483647", MALFORMED),
        ("SELECT * FROM music WHERE year = 1 # note", MALFORMED),
        ("SELECT * FROM music WHERE year = 1 /* note", MALFORMED),
        ('SELECT * FROM "music', MALFORMED),
        ("SELECT * FROM music AS t WHERE artist = 'a'", "Aliasing is not supported"),
        ("UPDATE music t SET a = 3 WHERE artist = 'a'", "Aliasing is not supported"),
        ("DELETE FROM music t WHERE artist = 'a'", "Aliasing is not supported"),
        ("SELECT * FROM music WHERE year = 1e126", f"{OVERFLOW} under root"),
        ("INSERT INTO music VALUE {'artist': 'a', 'year': 1, 'm': {'x': 1e126}}", f"{OVERFLOW} under root.x"),
        ("INSERT INTO music VALUE {'artist': 'a', 'year': 1, 'l': [1, 1e126]}", f"{OVERFLOW} under root[1]"),
        (
            "DELETE FROM music WHERE artist = 'a' AND year = 1 RETURNING ALL NEW *",
            "Invalid returning clause: RETURNING ALL NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
        ),
        ('SELECT * FROM "music"."by-label"."x"', "A path may contain at most 2 components in the FROM clause"),
        ('SELECT * FROM "music".""', "Path component cannot be an empty string"),
        (
            "SELECT * FROM music WHERE artist = 'a' AND plays < [1]",
            "Incorrect operand type for operator or function; operator or function: <, operand type: L",
        ),
        (
            "SELECT * FROM music WHERE artist = 'a' AND plays BETWEEN true AND false",
            "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL",
        ),
        ("SELECT * FROM music WHERE EXISTS(label)", "Unrecognized function: exists at 1:27:6"),
        (
            "SELECT * FROM music WHERE attribute_exists('label')",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "SELECT * FROM music WHERE attribute_exists()",
            "Incorrect number of operands for operator or function; "
            "operator or function: attribute_exists, number of operands: 0",
        ),
        (
            "UPDATE music SET t = set_add(ss, <<'x'>>) WHERE artist = 'a' AND year = 1",
            "The first argument to SET_ADD must equal the assignment value at 1:22:7",
        ),
        (
            "UPDATE music SET ss = set_delete(ss, 'x') WHERE artist = 'a' AND year = 1",
            "The second argument to SET_DELETE must be a value with type SET at 1:34:2",
        ),
        (
            "UPDATE music\nSET ss = set_add(ss) WHERE artist = 'a' AND year = 1",
            "SET_ADD must have exactly two arguments at 2:10:7",
        ),
        ("UPDATE music SET ss = set_add(ss, <<>>) WHERE artist = 'a' AND year = 1", "Empty bags are not supported"),
        (
            "UPDATE music SET ss = set_add(ss, <<'x', 'x'>>) WHERE artist = 'a' AND year = 1",
            "One or more parameter values were invalid: Input collection [x, x] contains duplicates.",
        ),
    ],
)
def test_statements_are_refused_in_aws_words(dynamodb: Any, music: str, statement: str, message: str) -> None:
    """Recorded by paritysuite/dynamodb-conformance (tests/tier3/error-messages/partiql.test.ts, partiqlGrammar)."""
    assert invalid(dynamodb.execute_statement, Statement=statement) == message


def test_comments_are_passed_over(dynamodb: Any, music: str) -> None:
    statement = "SELECT * /* all */ FROM music -- of them\nWHERE artist = 'Acme' AND year = 2001 -- one"
    assert years(run(dynamodb, statement)) == [2001]


def test_what_lies_in_maps_is_shown_under_its_own_name(dynamodb: Any, music: str) -> None:
    found = run(dynamodb, "SELECT year, info.songs FROM music WHERE artist = 'Acme' AND year = 2001")["Items"]
    assert found == [{"year": {"N": "2001"}, "songs": {"L": [{"N": "1"}, {"S": "two"}]}}]


def test_indexes_are_asked_for_what_they_hold(dynamodb: Any) -> None:
    make(
        dynamodb,
        "held",
        "p:S",
        "s:S",
        also=("g:S", "l:S"),
        GlobalSecondaryIndexes=[index("by-g", "g:S", projection="INCLUDE", include=["kept"])],
        LocalSecondaryIndexes=[index("by-l", "p:S", "l:S", projection="KEYS_ONLY")],
    )
    item = {"p": {"S": "p"}, "s": {"S": "s"}, "g": {"S": "g"}, "l": {"S": "l"}, "kept": {"S": "k"}, "other": {"S": "o"}}
    dynamodb.put_item(TableName="held", Item=item)
    assert run(dynamodb, "SELECT kept FROM held.\"by-g\" WHERE g = 'g' AND kept = 'k'")["Items"] == [
        {"kept": {"S": "k"}}
    ]
    assert run(dynamodb, "SELECT other FROM held.\"by-l\" WHERE p = 'p'")["Items"] == [{"other": {"S": "o"}}]
    bad = "One or more parameter values were invalid: "
    lacks = "does not project one or more filter attributes: [other]"
    for statement, message in (
        ("SELECT p FROM held.\"by-g\" WHERE g = 'g' AND other = 'o'", f"{bad}Secondary index by-g {lacks}"),
        ("SELECT p FROM held.\"by-l\" WHERE p = 'p' AND other = 'o'", f"{bad}Secondary index by-l {lacks}"),
        ("SELECT other FROM held.\"by-g\" WHERE g = 'g'", f"{bad}Global secondary index by-g does not project [other]"),
        ("SELECT p FROM held.\"by-g\" WHERE g IN ['g'] AND other IS MISSING", f"{bad}Secondary index by-g {lacks}"),
    ):
        assert invalid(dynamodb.execute_statement, Statement=statement) == message
    for where, count in (("other = 'o'", 0), ("NOT other = 'o'", 1), ("(g = 'g' AND other = 'o') OR g = 'h'", 0)):
        assert len(run(dynamodb, f'SELECT p FROM held."by-g" WHERE {where}')["Items"]) == count  # scans of the index
    consistent = {"Statement": "SELECT * FROM held.\"by-g\" WHERE g = 'g'", "ConsistentRead": True}
    assert invalid(dynamodb.execute_statement, **consistent) == (
        "Strongly consistent read is not supported on Global Secondary Indexes"
    )


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE music SET a = 1 WHERE artist = 'Acme' AND year = 2001 RETURNING ALL NEW *",
            "RETURNING clause is not supported in ExecuteTransaction.",
        ),
        (
            "SELECT * FROM music.\"by-label\" WHERE label = 'x'",
            "Reads on indices are not supported within transactions.",
        ),
    ],
)
def test_what_transactions_of_statements_do_not_do(dynamodb: Any, music: str, statement: str, message: str) -> None:
    asked = [{"Statement": statement}]
    assert invalid(dynamodb.execute_transaction, TransactStatements=asked) == (
        f"Validation failed in TransactStatements[0]: {message}"
    )


def test_a_batch_shows_what_its_statements_return(dynamodb: Any, music: str) -> None:
    where = "WHERE artist = 'Acme' AND year ="
    answers = dynamodb.batch_execute_statement(
        Statements=[
            {"Statement": f"UPDATE music SET plays = 1 {where} 2001 RETURNING MODIFIED NEW *"},
            {"Statement": f"UPDATE music REMOVE plays {where} 2002 RETURNING MODIFIED NEW *"},
            {"Statement": f"DELETE FROM music {where} 2003 RETURNING ALL OLD *"},
            {"Statement": f"DELETE FROM music {where} 2004 RETURNING MODIFIED OLD *"},
            {"Statement": "SLECT"},
        ]
    )["Responses"]
    assert answers[0] == {"TableName": "music", "Item": {"plays": {"N": "1"}}}
    assert answers[1] == {"TableName": "music"}
    assert answers[2]["Item"]["year"] == {"N": "2003"}
    assert [answer["Error"]["Code"] for answer in answers[3:]] == ["ValidationError"] * 2


def test_attribute_exists_is_a_condition(dynamodb: Any, music: str) -> None:
    run(dynamodb, "UPDATE music SET plays = 1 WHERE artist = 'Acme' AND year = 2005 AND attribute_exists(label)")
    assert years(run(dynamodb, "SELECT * FROM music WHERE artist = 'Acme' AND attribute_exists(plays)")) == [2005]
    run(dynamodb, "UPDATE music SET ss = <<'a', 'b'>> WHERE artist = 'Acme' AND year = 2005")
    run(dynamodb, "UPDATE music SET ss = set_add(ss, <<'c'>>) WHERE artist = 'Acme' AND year = 2005")
    run(dynamodb, "UPDATE music SET ss = set_delete(ss, ?) WHERE artist = 'Acme' AND year = 2005", {"SS": ["a"]})
    (item,) = run(dynamodb, "SELECT ss FROM music WHERE artist = 'Acme' AND year = 2005")["Items"]
    assert sorted(item["ss"]["SS"]) == ["b", "c"]
