"""One request of the data plane: who asks, which cluster, its caches, and the way to the table behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pocketlake.kernel.call import AwsService, Call
from pocketlake.kernel.metrics import Meter
from pocketlake.kernel.resources import Resource

from . import attribute_lists, parameter_groups, quotas
from .caches import Entry
from .service import refuse
from .wire import item_keys, values
from .wire.item_keys import KeySchema
from .wire.scanning import Malformed
from .wire.values import Value

if TYPE_CHECKING:
    from .running import Running

Item = dict[str, Value]
Place = tuple[str, bytes]


class Request:
    """`raw` is the request as it was sent: what a query's result is remembered under."""

    __slots__ = ("_role", "call", "cluster", "later", "meter", "now", "raw", "running")

    def __init__(self, call: Call, cluster: Resource, running: Running, meter: Meter, raw: bytes) -> None:
        self.call = call
        self.cluster = cluster
        self.running = running
        self.meter = meter
        self.raw = raw
        self.now = call.now
        self.later: list[Callable[[], None]] = []  # once what was read and written is committed
        self._role: AwsService | None = None

    @property
    def dynamodb(self) -> AwsService:
        """DynamoDB, asked under the cluster's role."""
        if self._role is None:
            self._role = self.call.as_(role_arn=self.cluster["IamRoleArn"]).aws.dynamodb
        return self._role

    @property
    def has_touched_the_table(self) -> bool:
        return self._role is not None

    # Tables and items

    def table(self, name: Any) -> str:
        if type(name) is bytes:
            try:
                name = name.decode()
            except UnicodeDecodeError:
                name = ""
        if type(name) is not str or not name:
            raise refuse("TableName must be at least 1 characters long and at most 1024 characters long")
        found: str = name
        return found

    def schema(self, table: str) -> KeySchema:
        """The table's key; remembered for a minute. ResourceNotFoundException."""
        known = self.running.schemas.get(table)
        if known is None or not 0 <= self.now - known[1] < quotas.SCHEMA_SECONDS.value:
            description = self.dynamodb.describe_table(TableName=table)["Table"]
            types = {one["AttributeName"]: one["AttributeType"] for one in description["AttributeDefinitions"]}
            names = {one["KeyType"]: one["AttributeName"] for one in description["KeySchema"]}
            sort = names.get("RANGE")
            schema = KeySchema(names["HASH"], types[names["HASH"]], sort, types[sort] if sort else "")
            known = self.running.schemas[table] = (schema, self.now)
        return known[0]

    def key(self, table: str, data: Any) -> Item:
        return item_keys.decode(self.schema(table), data)

    def place(self, table: str, data: Any) -> Place:
        """Where the cache has the item with this key."""
        if type(data) is not bytes:
            raise Malformed("a key is bytes")
        return self._name(table), item_keys.canonical(self.schema(table), data)

    def place_of(self, table: str, item: Item) -> Place:
        schema = self.schema(table)
        return self._name(table), item_keys.canonical(schema, item_keys.encode(schema, item))

    def _name(self, table: str) -> str:
        """A table of one's own has two names, and one place for an item."""
        return table.removeprefix(f"arn:aws:dynamodb:{self.call.region}:{self.call.account}:table/")

    def encode(self, table: str, item: Item) -> bytes:
        """An item without its key: its list's number, and its values."""
        names = tuple(sorted(item.keys() - self.schema(table).names))
        number = attribute_lists.number_of(self.call, names)
        return b"".join([values.dump(number), *(values.dump(values.plain(item[name])) for name in names)])

    def decode(self, data: Any) -> Item:
        """What `encode` makes. Raises Malformed."""
        if type(data) is not bytes:
            raise Malformed("an item is bytes")
        number, *found = values.load_all(data) or [None]
        if type(number) is not int:
            raise Malformed("an item begins with its list")
        names = attribute_lists.names_of(self.call, number)
        if len(names) != len(found):
            raise Malformed("an item has a value for each name of its list")
        return {name: values.attribute_value(value) for name, value in zip(names, found, strict=True)}

    # The caches

    def cached(self, place: Place) -> Entry | None:
        found = self.running.caches.items.find(place, self.now, self._seconds("record-ttl-millis"))
        self.meter.add("ItemCacheMisses" if found is None else "ItemCacheHits", 1, self.now)
        return found

    def remember(self, place: Place, value: bytes | None) -> None:
        """Once it is committed: the cache never knows what the store does not."""
        self.later.append(lambda: self.running.caches.items.put(place, value, self.now))

    def forget(self, place: Place) -> None:
        self.later.append(lambda: self.running.caches.items.drop(place))

    @property
    def query_seconds(self) -> float:
        return self._seconds("query-ttl-millis")

    def _seconds(self, parameter: str) -> float:
        return parameter_groups.millis(self.call, self.cluster["ParameterGroupName"], parameter) / 1000


def check_count(what: str, count: int, most: int) -> None:
    """As DynamoDB's model bounds lists; nothing else would say so on this way."""
    if not count:
        raise refuse(
            f"1 validation error detected: Value '[]' at '{what}' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    if count > most:
        raise refuse(
            f"1 validation error detected: Value at '{what}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {most}"
        )
