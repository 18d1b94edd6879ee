"""Classifiers: how a crawler is told to recognise files. Those for CSV and grok are put to use (see crawl.py).

A crawler with an XML or JSON-path classifier is refused with 501 when it starts, for nothing would obey it.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from .service import errors, glue, page_start, page_token

PAGE = 100
OBEYED = ("GrokClassifier", "CsvClassifier")
KINDS = ("GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier")


def find(call: Call, name: str) -> Resource:
    classifier = call.resources("classifier").find(name)
    if classifier is None:
        raise errors.EntityNotFoundException(f"Classifier {name} not found.")
    return classifier


def kind_of(classifier: Resource) -> str:
    return next(kind for kind in KINDS if kind in classifier.body)


def _given(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kinds = [kind for kind in KINDS if kind in request]
    if len(kinds) != 1:
        raise errors.InvalidInputException("Exactly one of GrokClassifier, XMLClassifier, JsonClassifier and"
                                           " CsvClassifier must be given.")  # fmt: skip
    given = request[kinds[0]]
    if kinds[0] == "CsvClassifier" and given.get("Delimiter") and given.get("Delimiter") == given.get("QuoteSymbol"):
        raise errors.InvalidInputException("Delimiter and quote symbol can not be the same.")
    return kinds[0], given


@glue.operation
def create_classifier(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    kind, given = _given(request)
    document = {kind: {**given, "CreationTime": call.now, "LastUpdated": call.now, "Version": 1}}
    try:
        call.resources("classifier").create(given["Name"], document)
    except AlreadyExists:
        raise errors.AlreadyExistsException("Classifier already exists.") from None
    return {}


@glue.operation
def update_classifier(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Change the members that are given; the rest stays, and the version goes up."""
    kind, given = _given(request)
    classifier = find(call, given["Name"])
    if kind not in classifier.body:
        raise errors.InvalidInputException(f"Classifier {given['Name']} is of another kind.")
    before = classifier[kind]
    document = {**before, **given, "LastUpdated": call.now, "Version": before["Version"] + 1}
    call.resources("classifier").replace_body(classifier, {kind: document})
    return {}


@glue.operation
def get_classifier(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Classifier": find(call, request["Name"]).body}


@glue.operation
def get_classifiers(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    limit = request.get("MaxResults", PAGE)
    found = call.resources("classifier").list(after=page_start(call, request, "classifiers"), limit=limit + 1)
    answer: dict[str, Any] = {"Classifiers": [classifier.body for classifier in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = page_token(call, "classifiers", found[limit - 1].name)
    return answer


@glue.operation
def delete_classifier(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call.resources("classifier").delete(find(call, request["Name"]))
    return {}
