"""Grok patterns: what they match, what columns they make, and which are none."""

from __future__ import annotations

import pytest

from pocketlake.engines.formats import infer_grok
from pocketlake.engines.formats.infer import GrokClassifier, Sample, classify

MATCHES = [
    ("%{IP:a}", "from 10.1.2.3 to", True),
    ("^%{IPV4:a}$", "10.1.2.300", False),
    ("^%{IPV6:a}$", "fe80::1:2", True),
    ("^%{NUMBER:a} %{INT:b}$", "-1.5 +7", True),
    ("^%{INT:a}$", "1.5", False),
    ("^%{UUID:a}$", "01234567-89ab-cdef-0123-456789abcdef", True),
    ("^%{QS:a}$", '"a \\" quote"', True),
    ("^%{DATE_US:a}$", "12/31/2024", True),
    ("^%{DATE_US:a}$", "31/12/2024", False),
    ("^%{DATE_EU:a}$", "31.12.2024", True),
    ("^%{TIMESTAMP_ISO8601:a}$", "2024-03-05T10:00:00.123+02:00", True),
    ("^%{TIME:a}$", "24:00:00", False),
    ("^%{HTTPDATE:a}$", "10/Oct/2000:13:55:36 -0700", True),
    ("^%{SYSLOGBASE} %{GREEDYDATA:a}", "Mar  5 10:00:00 host sshd[42]: hello", True),
    ("^%{LOGLEVEL:a}$", "Warning", True),
    ("^%{LOGLEVEL:a}$", "loud", False),
    ("^%{URI:a}$", "https://u:p@example.com:8080/a/b?c=d", True),
    ("^%{PATH:a}$", "/var/log/x.log", True),
    ("^%{PATH:a}$", "C:\\logs\\x.log", True),
    ("^%{HOSTPORT:a}$", "example.com:80", True),
    ("^%{BOOLEAN:a}$", "TRUE", True),
    ("^%{MAC:a}$", "00:1A:2b:3c:4d:5e", True),
]


@pytest.mark.parametrize(("pattern", "line", "matches"), MATCHES)
def test_built_in_patterns(pattern: str, line: str, matches: bool) -> None:
    assert (infer_grok.compile(pattern).find(f"{line}\n", True) is not None) is matches


@pytest.mark.parametrize("name", sorted(infer_grok.BUILT_IN))
def test_every_built_in_pattern_is_made_of_others(name: str) -> None:
    assert infer_grok.compile(f"%{{{name}:a}}").columns


APACHE = '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326 "http://x/" "Mozilla/4.08"\n'


def test_patterns_bring_their_own_fields() -> None:
    columns = infer_grok.compile("%{COMBINEDAPACHELOG}").find(APACHE, True)
    assert columns is not None
    assert [column.name for column in columns] == [
        "clientip", "ident", "auth", "timestamp", "verb", "request", "httpversion", "rawrequest", "response", "bytes",
        "referrer", "agent",
    ]  # fmt: skip


def test_types_and_repeated_fields() -> None:
    kinds = "%{INT:a:byte} %{INT:b:short} %{INT:c:int} %{INT:D:long} %{NUMBER:e:float} %{NUMBER:f:double} "
    columns = infer_grok.compile(kinds + "%{WORD:g:boolean} %{WORD:h} %{WORD:A}").columns
    assert [(column.name, str(column.type)) for column in columns] == [
        ("a", "tinyint"), ("b", "smallint"), ("c", "int"), ("d", "bigint"), ("e", "float"), ("f", "double"),
        ("g", "boolean"), ("h", "string"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "custom", "message"),
    [
        ("%{NOPE:a}", "", "there is no pattern NOPE"),
        ("%{A:a}", "A %{B}\nB %{A}", "round in circles"),
        ("%{WORD:a:date}", "", "the data type date of field a"),
        ("%{WORD}", "", "it names no field"),
        ("%{WORD:a}(", "", "not a regular expression"),
    ],
)
def test_what_is_no_pattern(pattern: str, custom: str, message: str) -> None:
    with pytest.raises(infer_grok.GrokError, match=message):
        infer_grok.compile(pattern, custom)


def test_most_lines_have_to_match_and_the_one_cut_off_does_not_count() -> None:
    grok = infer_grok.compile("^%{INT:a}$")
    assert grok.find("1\n2\nx\n", True) is not None
    assert grok.find("1\nx\n", True) is None
    assert grok.find("1\n2\nx\ny cut off", False) is not None
    assert grok.find("1\n2\nx\ny", True) is None
    assert grok.find("\n\n", True) is None


def test_a_classifier_comes_before_the_built_in_ones_and_leaves_what_it_does_not_know() -> None:
    custom = [GrokClassifier("pairs", "^%{WORD:k},%{INT:v:int}$")]
    own = classify(Sample(b"a,1\nb,2\n", 8), custom)
    assert (own.classification, own.records) == ("pairs", 2)
    other = classify(Sample(b'{"a":1}\n', 8), custom)
    assert other.classification == "json"
