"""The grammar of partition expressions, over plain values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketlake.services.glue.partition_expressions import ExpressionError, StateError, parse

KEYS = [
    ("s", "string"),
    ("i", "int"),
    ("d", "decimal(10,2)"),
    ("day", "date"),
    ("at", "timestamp"),
    ("v", "varchar(3)"),
    ("f", "float"),
]
ROW = ["two", "2", "2.60", "2022-02-01", "2022-02-01 00:00:00.5", "abc", "1"]

TRUE = [
    "s = 'two'", "S='two'", "'two' = s", "s <> 'three'", "s != 'x'", "s in ('a', 'two')", "s like 't%'", "s LIKE 't_o'",
    "s not like '%x'", "s between 'a' and 'z'", "i = 2", "i = '2'", "2 = i", "i in (1, '2')", "i not in (1,3)",
    "1 < i", "i > 1 and i < 3", "(i) = ((2))", "(i = 1) (OR) (i = 2)", "not i = 3", "not (i = 3 or s = 'x')",
    "i = 4 or i = 5 and i = -1 or i = 2", "d = 2.6", "d = '2.600'", "d between 2 and 3e10", "day = '2022-02-01'",
    "day > date '2022-01-31'", "at = '2022-02-01 00:00:00.500000000'", "at > '2022-02-01 00:00:00.499999999'",
    "at < timestamp '2022-02-01 00:00:01'", "v = 'abc'", "`s` = 'two'", '"i" = 2', "i is not null", "not i is null",
    "s = 'it''s' or i = 2", "((i in ((2))))",
]  # fmt: skip
FALSE = ["i = 3", "not i = 2", "s like 'T%'", "i is null", "i not between 1 and 3", "d > 2.6", "day < '2022-02-01'"]


@pytest.mark.parametrize("expression", TRUE)
def test_true(expression: str) -> None:
    assert parse(expression, KEYS).matches(ROW)


@pytest.mark.parametrize("expression", FALSE)
def test_false(expression: str) -> None:
    assert not parse(expression, KEYS).matches(ROW)


@pytest.mark.parametrize(
    "expression", ["i = 1", "i <> 1", "not i = 1", "i in (1)", "not i in (1)", "i between 0 and 9"]
)
def test_the_null_partition_meets_no_comparison(expression: str) -> None:
    row = ["x", "__HIVE_DEFAULT_PARTITION__", *ROW[2:]]
    assert not parse(expression, KEYS).matches(row)
    assert parse("i is null", KEYS).matches(row)


WRONG = [
    ("i = 'x'", '"x" is not an integer'),
    ("i in (2.5)", '"2.5" is not an integer'),
    ("d = 'x'", '"x" is not a decimal'),
    ("day = '2022-02-32'", '"2022-02-32" is not a date'),
    ("at = '2022-02-01'", '"2022-02-01" is not a timestamp'),
    ("i like '2'", "Integral data type doesn't support operation 'LIKE'"),
    ("day like '2'", "Date data type doesn't support operation 'LIKE'"),
    ("nil = 1", "Invalid partition expression!"),
    ("f = 1", "Unknown type : 'float'"),
    ("s = ", "Unsupported expression 's = '"),
    ("s is test' and x", "Unsupported expression"),
    ("(s = 'x'", "Unsupported expression"),
    ("s = 'x' s = 'y'", "Unsupported expression"),
    ("(" * 500 + "i = 1" + ")" * 500, "Unsupported expression"),
    ("not " * 3000 + "i = 1", "Unsupported expression"),
    ("s = 'x'; drop", "Unsupported expression"),
]


@pytest.mark.parametrize(("expression", "message"), WRONG)
def test_wrong_expressions(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(expression, KEYS)
    assert message in str(caught.value)


def test_a_stored_value_of_another_type_is_an_error_of_state() -> None:
    with pytest.raises(StateError, match='"x" is not an integer'):
        parse("i = 1", KEYS).matches(["a", "x", *ROW[2:]])


PINNED = [
    ("s = 'a'", {0: "a"}),
    ("s = 'a' and i = 1", {0: "a"}),
    ("s = 'a' or v = 'b'", {}),
    ("(s = 'a' or i = 1) and v = 'b'", {5: "b"}),
    ("not s = 'a'", {}),
    ("s = 'a' and (v = 'b' and i > 2)", {0: "a", 5: "b"}),
]


@pytest.mark.parametrize(("expression", "equal"), PINNED)
def test_only_what_every_match_must_equal_narrows_the_search(expression: str, equal: dict[int, str]) -> None:
    assert parse(expression, KEYS).equal == equal


WORDS = st.sampled_from(
    [
        "s",
        "i",
        "day",
        "=",
        "<>",
        "<",
        "in",
        "between",
        "and",
        "or",
        "not",
        "like",
        "is",
        "null",
        "(",
        ")",
        ",",
        "'x'",
        "1",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=30))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        predicate = parse(text, KEYS)
    except ExpressionError:
        return
    assert predicate.matches(ROW) in (True, False)
