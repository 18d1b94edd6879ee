"""DynamoDB against a small pure model: random items and expressions; indexes always agree with the table."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import hypothesis
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import pocketlake

from .conftest import index, make

STEPS = int(os.environ.get("POCKETLAKE_MODEL_STEPS", "40"))
EXAMPLES = int(os.environ.get("POCKETLAKE_MODEL_EXAMPLES", "15"))
NAMES = ("a", "b", "g", "h")  # g and h are keys of indexes: g is text, h a number
pack, unpack = TypeSerializer().serialize, TypeDeserializer().deserialize

numbers = st.integers(-20, 20).map(Decimal)
texts = st.sampled_from(["x", "xy", "y", "z"])
values = st.one_of(numbers, texts, st.lists(numbers, max_size=3), st.dictionaries(texts, numbers, max_size=2))
partitions = st.sampled_from(["p0", "p1", "p2"])
ranges = st.integers(0, 4).map(Decimal)
items = st.fixed_dictionaries({}, optional={"a": values, "b": values, "g": texts, "h": numbers})
Item = dict[str, Any]


# Conditions: built as pairs of text and meaning


def _ordered(left: Any, right: Any, test: Any) -> bool:
    return type(left) is type(right) and isinstance(left, (str, Decimal)) and test(left, right)


COMPARISONS: dict[str, Any] = {
    "=": lambda left, right: left is not None and left == right and type(left) is type(right),
    "<>": lambda left, right: left != right or type(left) is not type(right),
    "<": lambda left, right: _ordered(left, right, lambda one, other: one < other),
    "<=": lambda left, right: _ordered(left, right, lambda one, other: one <= other),
    ">": lambda left, right: _ordered(left, right, lambda one, other: one > other),
    ">=": lambda left, right: _ordered(left, right, lambda one, other: one >= other),
}
Node = tuple[Any, ...]


def conditions() -> st.SearchStrategy[Node]:
    names = st.sampled_from(NAMES)
    leaves = st.one_of(
        st.tuples(st.sampled_from(sorted(COMPARISONS)), names, st.one_of(numbers, texts)),
        st.tuples(st.sampled_from(["attribute_exists", "attribute_not_exists"]), names),
        st.tuples(st.just("begins_with"), names, texts),
        st.tuples(st.just("contains"), names, st.one_of(numbers, texts)),
        st.tuples(st.just("size"), names, st.integers(0, 3).map(Decimal)),
        st.tuples(st.just("in"), names, st.lists(st.one_of(numbers, texts), min_size=1, max_size=3)),
        st.tuples(st.just("between"), names, numbers, numbers),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.just("and"), inner, inner),
            st.tuples(st.just("or"), inner, inner),
            st.tuples(st.just("not"), inner),
        ),
        max_leaves=5,
    )


def written(node: Node, given: dict[str, Any]) -> str:
    """The condition as an expression; its values go into `given`."""

    def value(content: Any) -> str:
        name = f":v{len(given)}"
        given[name] = pack(content)
        return name

    kind = node[0]
    if kind in ("and", "or"):
        return f"({written(node[1], given)}) {kind.upper()} ({written(node[2], given)})"
    if kind == "not":
        return f"NOT ({written(node[1], given)})"
    name = f"#{node[1]}"
    if kind in COMPARISONS:
        return f"{name} {kind} {value(node[2])}"
    if kind == "in":
        return f"{name} IN ({', '.join(map(value, node[2]))})"
    if kind == "between":
        return f"{name} BETWEEN {value(min(node[2:]))} AND {value(max(node[2:]))}"
    if kind == "size":
        return f"size({name}) >= {value(node[2])}"
    return f"{kind}({', '.join([name, *map(value, node[2:])])})"


def means(node: Node, item: Item) -> bool:
    kind = node[0]
    if kind == "and":
        return means(node[1], item) and means(node[2], item)
    if kind == "or":
        return means(node[1], item) or means(node[2], item)
    if kind == "not":
        return not means(node[1], item)
    found = item.get(node[1])
    if kind in COMPARISONS:
        return bool(COMPARISONS[kind](found, node[2]))
    if kind == "attribute_exists":
        return found is not None
    if kind == "attribute_not_exists":
        return found is None
    if kind == "begins_with":
        return isinstance(found, str) and found.startswith(node[2])
    if kind == "contains":
        if isinstance(found, str):
            return isinstance(node[2], str) and node[2] in found
        return isinstance(found, list) and node[2] in found
    if kind == "size":
        return isinstance(found, (str, list, dict)) and len(found) >= node[2]
    if kind == "in":
        return any(COMPARISONS["="](found, option) for option in node[2])
    return isinstance(found, Decimal) and min(node[2:]) <= found <= max(node[2:])


updates = st.dictionaries(
    st.sampled_from(NAMES),
    st.one_of(st.tuples(st.just("set"), values), st.tuples(st.just("remove")), st.tuples(st.just("add"), numbers)),
    min_size=1,
    max_size=3,
)


def updated(item: Item, asked: dict[str, tuple[Any, ...]]) -> Item | None:
    """The item after the update; None when it is refused."""
    new = dict(item)
    for name, (kind, *value) in asked.items():
        if kind == "set":
            new[name] = value[0]
        elif kind == "remove":
            new.pop(name, None)
        elif name not in new:
            new[name] = value[0]
        elif isinstance(new[name], Decimal):
            new[name] += value[0]
        else:
            return None
    if not isinstance(new.get("g", ""), str) or not isinstance(new.get("h", Decimal(0)), Decimal):
        return None
    return new


def update_text(asked: dict[str, tuple[Any, ...]], given: dict[str, Any]) -> str:
    clauses: dict[str, list[str]] = {}
    for name, (kind, *value) in asked.items():
        if value:
            given[f":u{name}"] = pack(value[0])
        text = {"set": f"#{name} = :u{name}", "remove": f"#{name}", "add": f"#{name} :u{name}"}[kind]
        clauses.setdefault(kind.upper(), []).append(text)
    return " ".join(f"{kind} {', '.join(texts)}" for kind, texts in clauses.items())


class Tables(RuleBasedStateMachine):
    """One table with a global and a local index, beside a dictionary."""

    dynamodb: Any = None
    made = 0

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
        given: dict[str, Any] = request.get("ExpressionAttributeValues", {})
        if node is not None:
            request["ConditionExpression"] = written(node, given)
        texts = f"{request.get('ConditionExpression', '')} {request.get('UpdateExpression', '')}"
        names = {f"#{name}": name for name in NAMES if f"#{name}" in texts}
        request |= {"ExpressionAttributeNames": names} if names else {}
        request.pop("ExpressionAttributeValues", None)
        request |= {"ExpressionAttributeValues": given} if given else {}

    def _attempt(self, call: Any, request: dict[str, Any], allowed: bool, code: str) -> None:
        try:
            call(TableName=self.name, **request)
            assert allowed, request
        except ClientError as error:
            assert not allowed, (error, request)
            assert error.response["Error"]["Code"] == code, error

    @rule(p=partitions, s=ranges, item=items, condition=st.none() | conditions())
    def put(self, p: str, s: Decimal, item: Item, condition: Node | None) -> None:
        request = {"Item": {**self._key(p, s), **{name: pack(value) for name, value in item.items()}}}
        self._condition(condition, request)
        allowed = condition is None or means(condition, self.model.get((p, s), {}))
        self._attempt(self.dynamodb.put_item, request, allowed, "ConditionalCheckFailedException")
        if allowed:
            self.model[p, s] = item

    @rule(p=partitions, s=ranges, condition=st.none() | conditions())
    def delete(self, p: str, s: Decimal, condition: Node | None) -> None:
        request = {"Key": self._key(p, s)}
        self._condition(condition, request)
        allowed = condition is None or means(condition, self.model.get((p, s), {}))
        self._attempt(self.dynamodb.delete_item, request, allowed, "ConditionalCheckFailedException")
        if allowed:
            self.model.pop((p, s), None)

    @rule(p=partitions, s=ranges, asked=updates)
    def update(self, p: str, s: Decimal, asked: dict[str, tuple[Any, ...]]) -> None:
        given: dict[str, Any] = {}
        request: dict[str, Any] = {"Key": self._key(p, s), "UpdateExpression": update_text(asked, given)}
        request["ExpressionAttributeValues"] = given
        self._condition(None, request)
        new = updated(self.model.get((p, s), {}), asked)
        self._attempt(self.dynamodb.update_item, request, new is not None, "ValidationException")
        if new is not None and ((p, s) in self.model or any(kind != "remove" for kind, *_ in asked.values())):
            self.model[p, s] = new

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
                packed = {**self._key(p, s), **{name: pack(value) for name, value in item.items()}}
                asked.append({"Put": {"TableName": self.name, "Item": packed}})
        self._condition(guard, next(iter(asked[0].values())))
        allowed = guard is None or means(guard, self.model.get(next(iter(writes)), {}))
        try:
            self.dynamodb.transact_write_items(TransactItems=asked)
            assert allowed
        except self.dynamodb.exceptions.TransactionCanceledException:
            assert not allowed
        if allowed:
            for key, item in writes.items():
                if item is None:
                    self.model.pop(key, None)
                else:
                    self.model[key] = item

    @rule(p=partitions, low=ranges, condition=conditions(), limit=st.integers(1, 5), forward=st.booleans())
    def query(self, p: str, low: Decimal, condition: Node, limit: int, forward: bool) -> None:
        """Page by page, filtered."""
        given = {":p": pack(p), ":low": pack(low)}
        text = written(condition, given)
        names = {f"#{name}": name for name in NAMES if f"#{name}" in text}
        request = {
            "TableName": self.name,
            "KeyConditionExpression": "p = :p AND s >= :low",
            "FilterExpression": text,
            "ExpressionAttributeValues": given,
            "ExpressionAttributeNames": names,
            "Limit": limit,
            "ScanIndexForward": forward,
        }
        found: list[Any] = []
        while True:
            page = self.dynamodb.query(**request)
            found += [unpack(item["s"]) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        expected = [s for (q, s), item in self.model.items() if q == p and s >= low and means(condition, item)]
        assert found == sorted(expected, reverse=not forward)

    @invariant()
    def table_and_indexes_agree_with_the_model(self) -> None:
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
        found = self.dynamodb.scan(TableName=self.name, **more)["Items"]
        unpacked = [{name: unpack(value) for name, value in item.items()} for item in found]
        keyed = {(item["p"], item["s"]): item for item in unpacked}
        assert len(keyed) == len(found)
        return keyed


@pytest.mark.timeout(600)
def test_tables_do_what_the_model_does() -> None:
    with pocketlake.run(durability="memory", limits="off") as lake:
        client = lake.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
        machine = type("Machine", (Tables,), {"dynamodb": client})
        settings = hypothesis.settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, print_blob=True)
        hypothesis.stateful.run_state_machine_as_test(machine, settings=settings)
