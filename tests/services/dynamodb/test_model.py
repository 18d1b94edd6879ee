"""DynamoDB against a small pure model: random items and expressions; indexes always agree with the table.

POCKETLAKE_SLOW=1 takes 100,000 steps instead of some hundreds.
"""

from __future__ import annotations

import os
import time
from decimal import Decimal
from typing import Any

import hypothesis
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import pocketlake

from .conftest import index, make
from .expression_model import (
    Asked,
    Item,
    Node,
    Path,
    conditions,
    creates,
    is_refused_unseen,
    items,
    means,
    named,
    numbers,
    pack,
    path_text,
    projected,
    projections,
    texts,
    unpack,
    update_text,
    updated,
    updates,
    written,
)

DEEP = bool(os.environ.get("POCKETLAKE_SLOW"))
STEPS = 100_000 if DEEP else 400  # at least
partitions = st.sampled_from(["p0", "p1", "p2"])
ranges = st.integers(0, 4).map(Decimal)


class Tables(RuleBasedStateMachine):
    """One table with a global and a local index, beside a dictionary."""

    dynamodb: Any = None
    made = 0
    steps = 0

    @initialize()
    def table(self) -> None:
        type(self).made += 1
        self.model: dict[tuple[str, Decimal], Item] = {}
        self.name = make(
            self.dynamodb,
            f"model{type(self).made}",
            "p:S",
            "s:N",
            also=("g:S", "h:N"),
            GlobalSecondaryIndexes=[index("by-g", "g:S", "h:N", projection="INCLUDE", include=["a"])],
            LocalSecondaryIndexes=[index("by-h", "p:S", "h:N")],
        )

    def _key(self, p: str, s: Decimal) -> dict[str, Any]:
        return {"p": pack(p), "s": pack(s)}

    def _condition(self, node: Node | None, request: dict[str, Any]) -> None:
        """Adds the condition, and the names and values of all of the request's expressions."""
        given: dict[str, Any] = request.pop("ExpressionAttributeValues", {})
        if node is not None:
            request["ConditionExpression"] = written(node, given)
        names = named(request)
        request |= {"ExpressionAttributeNames": names} if names else {}
        request |= {"ExpressionAttributeValues": given} if given else {}

    def _attempt(self, call: Any, request: dict[str, Any], refusal: str = "") -> Any:
        """The attributes that the answer shows; `refusal` is the code that is expected instead."""
        try:
            answer = call(TableName=self.name, **request)
        except ClientError as error:
            assert error.response["Error"]["Code"] == refusal, (error, request)
            return None
        assert not refusal, request
        return opened(answer["Attributes"]) if "Attributes" in answer else None

    @rule(p=partitions, s=ranges, item=items, condition=st.none() | conditions())
    def put(self, p: str, s: Decimal, item: Item, condition: Node | None) -> None:
        request: dict[str, Any] = {"Item": {**self._key(p, s), **packed(item)}, "ReturnValues": "ALL_OLD"}
        self._condition(condition, request)
        old = self.model.get((p, s))
        if condition is not None and not means(condition, old or {}):
            self._attempt(self.dynamodb.put_item, request, "ConditionalCheckFailedException")
            return
        assert self._attempt(self.dynamodb.put_item, request) == self._whole(p, s)
        self.model[p, s] = item

    @rule(p=partitions, s=ranges, condition=st.none() | conditions())
    def delete(self, p: str, s: Decimal, condition: Node | None) -> None:
        request = {"Key": self._key(p, s), "ReturnValues": "ALL_OLD"}
        self._condition(condition, request)
        if condition is not None and not means(condition, self.model.get((p, s), {})):
            self._attempt(self.dynamodb.delete_item, request, "ConditionalCheckFailedException")
            return
        assert self._attempt(self.dynamodb.delete_item, request) == self._whole(p, s)
        self.model.pop((p, s), None)

    @rule(p=partitions, s=ranges, asked=updates, condition=st.none() | st.none() | conditions())
    def update(self, p: str, s: Decimal, asked: Asked, condition: Node | None) -> None:
        given: dict[str, Any] = {}
        request: dict[str, Any] = {"Key": self._key(p, s), "UpdateExpression": update_text(asked, given)}
        request |= {"ExpressionAttributeValues": given, "ReturnValues": "ALL_NEW"}
        self._condition(condition, request)
        old = self.model.get((p, s))
        if is_refused_unseen(asked):
            self._attempt(self.dynamodb.update_item, request, "ValidationException")
            return
        if condition is not None and not means(condition, old or {}):
            self._attempt(self.dynamodb.update_item, request, "ConditionalCheckFailedException")
            return
        new = updated(old or {}, asked) if old is not None or creates(asked) else {}
        shown = self._attempt(self.dynamodb.update_item, request, "ValidationException" if new is None else "")
        if new is not None and (old is not None or creates(asked)):
            self.model[p, s] = new
            assert shown == self._whole(p, s)

    def _whole(self, p: str, s: Decimal) -> Item | None:
        item = self.model.get((p, s))
        return None if item is None else {"p": p, "s": s, **item}

    @rule(p=partitions, s=ranges, wanted=projections)
    def get(self, p: str, s: Decimal, wanted: list[Path]) -> None:
        request: dict[str, Any] = {"Key": self._key(p, s)}
        request["ProjectionExpression"] = ", ".join(map(path_text, wanted))
        request["ExpressionAttributeNames"] = named(request)
        found = self.dynamodb.get_item(TableName=self.name, **request).get("Item")
        item = self.model.get((p, s))
        assert (found is None) == (item is None)
        assert item is None or opened(found) == projected(item, wanted)

    @rule(writes=st.dictionaries(st.tuples(partitions, ranges), st.none() | items, min_size=1, max_size=6))
    def batch(self, writes: dict[tuple[str, Decimal], Item | None]) -> None:
        asked: list[Any] = []
        for (p, s), item in writes.items():
            if item is None:
                asked.append({"DeleteRequest": {"Key": self._key(p, s)}})
            else:
                asked.append({"PutRequest": {"Item": {**self._key(p, s), **packed(item)}}})
        assert not self.dynamodb.batch_write_item(RequestItems={self.name: asked})["UnprocessedItems"]
        self._apply(writes)

    def _apply(self, writes: dict[tuple[str, Decimal], Item | None]) -> None:
        for key, item in writes.items():
            if item is None:
                self.model.pop(key, None)
            else:
                self.model[key] = item

    @rule(
        writes=st.dictionaries(st.tuples(partitions, ranges), st.none() | items, min_size=1, max_size=4),
        guard=st.none() | conditions(),
    )
    def transact(self, writes: dict[tuple[str, Decimal], Item | None], guard: Node | None) -> None:
        """The first write is guarded by a condition: all or none."""
        asked: list[Any] = []
        for (p, s), item in writes.items():
            if item is None:
                asked.append({"Delete": {"TableName": self.name, "Key": self._key(p, s)}})
            else:
                asked.append({"Put": {"TableName": self.name, "Item": {**self._key(p, s), **packed(item)}}})
        self._condition(guard, next(iter(asked[0].values())))
        allowed = guard is None or means(guard, self.model.get(next(iter(writes)), {}))
        try:
            self.dynamodb.transact_write_items(TransactItems=asked)
            assert allowed
        except self.dynamodb.exceptions.TransactionCanceledException:
            assert not allowed
        if allowed:
            self._apply(writes)

    @rule(p=partitions, low=ranges, condition=conditions(), limit=st.integers(1, 5), forward=st.booleans())
    def query(self, p: str, low: Decimal, condition: Node, limit: int, forward: bool) -> None:
        """Page by page, filtered."""
        given = {":p": pack(p), ":low": pack(low)}
        request = {
            "TableName": self.name,
            "KeyConditionExpression": "p = :p AND s >= :low",
            "FilterExpression": written(condition, given),
            "ExpressionAttributeValues": given,
            "Limit": limit,
            "ScanIndexForward": forward,
        }
        names = named(request)
        request |= {"ExpressionAttributeNames": names} if names else {}
        pages = self._pages(self.dynamodb.query, request)
        found = [unpack(item["s"]) for page in pages for item in page["Items"]]
        expected = [s for (q, s), item in self.model.items() if q == p and s >= low and means(condition, item)]
        assert found == sorted(expected, reverse=not forward)

    @rule(g=texts, low=numbers, limit=st.integers(1, 5), forward=st.booleans())
    def query_index(self, g: str, low: Decimal, limit: int, forward: bool) -> None:
        """Page by page: entries of one key come in an order of their own."""
        request = {
            "TableName": self.name,
            "IndexName": "by-g",
            "KeyConditionExpression": "g = :g AND h >= :low",
            "ExpressionAttributeValues": {":g": pack(g), ":low": pack(low)},
            "Limit": limit,
            "ScanIndexForward": forward,
        }
        found = [opened(item) for page in self._pages(self.dynamodb.query, request) for item in page["Items"]]
        expected = [
            {"p": p, "s": s, **{name: value for name, value in item.items() if name in ("a", "g", "h")}}
            for (p, s), item in self.model.items()
            if item.get("g") == g and item.get("h", low - 1) >= low
        ]
        assert [item["h"] for item in found] == sorted((item["h"] for item in expected), reverse=not forward)
        assert by_key(found) == by_key(expected)

    def _pages(self, call: Any, request: dict[str, Any]) -> Any:
        while True:
            page = call(**request)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    @invariant()
    def table_and_indexes_agree_with_the_model(self) -> None:
        type(self).steps += 1
        whole = {key: {"p": key[0], "s": key[1], **item} for key, item in self.model.items()}
        assert self._scan() == whole
        in_g = {key: item for key, item in whole.items() if "g" in item and "h" in item}
        kept = ("p", "s", "g", "h", "a")
        assert self._scan(IndexName="by-g") == {
            key: {name: value for name, value in item.items() if name in kept} for key, item in in_g.items()
        }
        assert self._scan(IndexName="by-h") == {key: item for key, item in whole.items() if "h" in item}

    def _scan(self, **more: Any) -> dict[tuple[str, Decimal], Item]:
        if not hasattr(self, "name"):
            return {}
        return by_key([opened(item) for item in self.dynamodb.scan(TableName=self.name, **more)["Items"]])


def packed(item: Item) -> dict[str, Any]:
    return {name: pack(value) for name, value in item.items()}


def opened(item: dict[str, Any]) -> Item:
    return {name: unpack(value) for name, value in item.items()}


def by_key(items: list[Item]) -> dict[tuple[str, Decimal], Item]:
    keyed = {(item["p"], item["s"]): item for item in items}
    assert len(keyed) == len(items), "an item is there twice"
    return keyed


@pytest.mark.timeout(7200 if DEEP else 300)
def test_tables_do_what_the_model_does() -> None:
    started = time.monotonic()
    with pocketlake.run(durability="memory", limits="off") as lake:
        client = lake.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
        machine = type("Machine", (Tables,), {"dynamodb": client})
        settings = hypothesis.settings(
            max_examples=200 if DEEP else 15, stateful_step_count=50, deadline=None, print_blob=True
        )
        while machine.steps < STEPS:
            hypothesis.stateful.run_state_machine_as_test(machine, settings=settings)
    print(f"{machine.steps} steps in {time.monotonic() - started:.0f} s")
