"""Single items through the cache: read from it, written through it."""

from __future__ import annotations

from typing import Any

from . import attribute_lists
from .requests import Item, Request
from .wire import answers, expressions, options, values
from .wire.expressions import Path, Texts
from .wire.options import Options


def get_item(request: Request, table_name: Any, key: Any, given: Any) -> bytes:
    """From the cache, unless the read is strongly consistent: that one passes by, and nothing is kept.  [DAX-001]

    A hit has no consumed capacity, for the table was not asked; clients make it nought.
    Source: DynamoDB developer guide, DAX: How it works; DAX and DynamoDB consistency models.
    """
    table, asked = request.table(table_name), Options(given)
    paths = projected(asked.get(options.PROJECTION))
    if asked.is_set(options.CONSISTENT_READ):
        answer = request.dynamodb.get_item(**_reading(request, table, key, asked), ConsistentRead=True)
        encoded = request.encode(table, answer["Item"]) if "Item" in answer else None
        return _shown(request, table, key, encoded, paths, answer)
    place = request.place(table, key)
    entry = request.cached(place)
    if entry is not None:
        return _shown(request, table, key, entry.value, paths, {})
    answer = request.dynamodb.get_item(**_reading(request, table, key, asked))
    encoded = request.encode(table, answer["Item"]) if "Item" in answer else None
    request.remember(place, encoded)
    return _shown(request, table, key, encoded, paths, answer)


def projected(data: Any) -> list[Path]:
    """The paths of a projection; none where the whole item is asked."""
    if data is None:
        return []
    paths = expressions.paths(data)
    answers.check_paths(paths)
    return paths


def _reading(request: Request, table: str, key: Any, asked: Options) -> dict[str, Any]:
    """Whole items are read, whatever is shown of them: they cost the same, and the cache wants them whole."""
    return asked.common({"TableName": table, "Key": request.key(table, key)})


def _shown(
    request: Request, table: str, key: Any, encoded: bytes | None, paths: list[Path], answer: dict[str, Any]
) -> bytes:
    members = answers.extras(answer)
    if encoded is not None:
        members.insert(0, (answers.ITEM, shown_item(request, table, key, encoded, paths)))
    return answers.fields(members)


def shown_item(request: Request, table: str, key: Any, encoded: bytes, paths: list[Path]) -> bytes:
    if not paths:
        return values.binary(encoded)
    return answers.projection(paths, request.decode(encoded) | request.key(table, key))


def put_item(request: Request, table_name: Any, key: Any, content: Any, given: Any) -> bytes:
    """Into the table first, and when that went well into the cache."""
    table, asked = request.table(table_name), Options(given)
    item = request.key(table, key) | request.decode(content)
    writing = conditional(asked, asked.common({"TableName": table, "Item": item}))
    writing["ReturnValues"] = asked.returns()
    answer = request.dynamodb.put_item(**writing)
    request.remember(request.place(table, key), request.encode(table, item))
    return _written(request, table, answer)


def delete_item(request: Request, table_name: Any, key: Any, given: Any) -> bytes:
    table, asked = request.table(table_name), Options(given)
    writing = conditional(asked, asked.common({"TableName": table, "Key": request.key(table, key)}))
    writing["ReturnValues"] = asked.returns()
    answer = request.dynamodb.delete_item(**writing)
    request.forget(request.place(table, key))
    return _written(request, table, answer)


def update_item(request: Request, table_name: Any, key: Any, given: Any) -> bytes:
    """The cache gets the item as it is now, for which DynamoDB is asked to return it where it can."""
    table, asked = request.table(table_name), Options(given)
    writing = asked.common({"TableName": table, "Key": request.key(table, key)})
    texts = Texts()
    if asked.get(options.UPDATE) is not None:
        writing["UpdateExpression"] = texts.update(asked.get(options.UPDATE))
    writing = conditional(asked, writing, texts)
    returns = asked.returns()
    writing["ReturnValues"] = "ALL_NEW" if returns == "NONE" else returns
    answer = request.dynamodb.update_item(**writing)
    place = request.place(table, key)
    if writing["ReturnValues"] == "ALL_NEW":
        request.remember(place, request.encode(table, answer["Attributes"]))
    else:
        request.forget(place)  # other values are asked for: the next read brings the item
    if returns == "NONE":
        answer.pop("Attributes", None)
    return _written(request, table, answer, partly=returns.startswith("UPDATED"))


def conditional(asked: Options, request: dict[str, Any], texts: Texts | None = None) -> dict[str, Any]:
    """Adds the condition, if there is one, and the names and values of the expressions."""
    texts = texts or Texts()
    condition = asked.get(options.CONDITION)
    if condition is not None:
        request["ConditionExpression"] = texts.condition(condition)
    texts.put_into(request)
    return request


def _written(request: Request, table: str, answer: dict[str, Any], partly: bool = False) -> bytes:
    members = answers.extras(answer)
    attributes: Item | None = answer.get("Attributes")
    if attributes is not None:
        encoded = _numbered(request, attributes) if partly else request.encode(table, attributes)
        members.insert(0, (answers.ATTRIBUTES, values.binary(encoded)))
    return answers.fields(members)


def _numbered(request: Request, attributes: Item) -> bytes:
    """Some attributes: their list's number, and a map of numbers within the list to values."""
    names = tuple(sorted(attributes))
    number = attribute_lists.number_of(request.call, names)
    found = ((at, values.dump(values.plain(attributes[name]))) for at, name in enumerate(names))
    return values.dump(number) + answers.numbered(found)
