"""The agent's dataProcessingOptions, against the examples of the developer guide."""

from __future__ import annotations

import pytest

from pocketlake.cli.agent.conversion import convert, converter
from pocketlake.cli.agent.faults import ConfigurationError

COMMON = b'64.242.88.10 - - [07/Mar/2004:16:10:02 -0800] "GET /mailman/listinfo/hsdivision HTTP/1.1" 200 6291\n'
COMMON_JSON = (
    b'{"host":"64.242.88.10","ident":null,"authuser":null,"datetime":"07/Mar/2004:16:10:02 -0800",'
    b'"request":"GET /mailman/listinfo/hsdivision HTTP/1.1","response":"200","bytes":"6291"}\n'
)
SEVEN = [f"f{number}" for number in range(1, 8)]


def csv(*names, **options):
    return {"optionName": "CSVTOJSON", "customFieldNames": list(names), **options}


def log(kind=None, **options):
    return {"optionName": "LOGTOJSON", **({"logFormat": kind} if kind else {}), **options}


@pytest.mark.parametrize(
    ("options", "record", "converted"),
    [
        ([], b" as it is\n", b" as it is\n"),
        ([{"optionName": "SINGLELINE"}], b"  one\n two  \n\tthree\n", b"onetwothree\n"),
        ([csv("f1", "f2")], b"v1,v2\n", b'{"f1":"v1","f2":"v2"}\n'),
        ([csv("f1", "f2", "f3")], b"v1,v2", b'{"f1":"v1","f2":"v2","f3":null}\n'),
        ([csv("f1", "f2", delimiter="\\t")], b"v1\tv2\tv3\n", b'{"f1":"v1","f2":"v2"}\n'),
        ([log("COMMONAPACHELOG")], COMMON, COMMON_JSON),
        ([log("COMMONAPACHELOG")], b"no such line\n", None),
        (
            [log("COMMONAPACHELOG", customFieldNames=SEVEN)],
            COMMON,
            b'{"f1":"64.242.88.10","f2":null,"f3":null,"f4":"07/Mar/2004:16:10:02 -0800",'
            b'"f5":"GET /mailman/listinfo/hsdivision HTTP/1.1","f6":"200","f7":"6291"}\n',
        ),
        (
            [log("COMBINEDAPACHELOG")],
            COMMON[:-1] + b' "http://here" "Mozilla/4.08"\n',
            COMMON_JSON[:-2] + b',"referrer":"http://here","agent":"Mozilla/4.08"}\n',
        ),
        (
            [log("APACHEERRORLOG")],
            b"[Sat Oct 24 12:00:01 2015] [core:error] [pid 35708:tid 4328636416] "
            b"[client 72.15.99.187] File is not there\n",
            b'{"timestamp":"Sat Oct 24 12:00:01 2015","module":"core","severity":"error","processid":"35708",'
            b'"threadid":"4328636416","client":"72.15.99.187","message":"File is not there"}\n',
        ),
        (
            [log("SYSLOG")],
            b"Mar 12 12:00:08 server2 rcd[308]: Loaded 12 packages in 'ximian'\n",
            b'{"timestamp":"Mar 12 12:00:08","hostname":"server2","program":"rcd","processid":"308",'
            b'"message":"Loaded 12 packages in \'ximian\'"}\n',
        ),
        (
            [{"optionName": "SINGLELINE"}, log(matchPattern=r"(\w+)=(\w+)", customFieldNames=["name", "value"])],
            b"  a=1\n",
            b'{"name":"a","value":"1"}\n',
        ),
    ],
)
def test_records_are_converted(options, record, converted):
    assert convert(record, [converter(option) for option in options]) == converted


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (csv(), "CSVTOJSON needs customFieldNames"),
        (log("NGINX"), "logFormat has to be one of COMMONAPACHELOG"),
        (log(matchPattern="(.)"), "matchPattern needs customFieldNames"),
        (log("SYSLOG", customFieldNames=["one"]), "5 values, but 1 field names"),
        (log(matchPattern="(", customFieldNames=["one"]), "matchPattern: missing )"),
        ("SINGLELINE", "None is not one of SINGLELINE, CSVTOJSON, LOGTOJSON"),
    ],
)
def test_options_that_cannot_be_done_are_refused(option, message):
    with pytest.raises(ConfigurationError, match=message.replace("(", r"\(").replace(")", r"\)")):
        converter(option)
