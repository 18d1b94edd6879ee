"""A consumer of a stream that reads parents to their end before it begins with their children, as AWS has it."""

from __future__ import annotations

from random import Random
from typing import Any

VIEWS = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")


def specification(view: str = "NEW_AND_OLD_IMAGES") -> dict[str, Any]:
    return {"StreamEnabled": True, "StreamViewType": view}


class Reader:
    """`poll` gives what has come since. What it knows of places is the sequence number it read last in each shard.

    With `chance` it takes shards in any order that has parents before their children.
    """

    def __init__(self, client: Any, arn: str, chance: Random | None = None) -> None:
        self.client = client
        self.arn = arn
        self.chance = chance
        self.checkpoints: dict[str, str] = {}
        self.ended: set[str] = set()
        self.iterators: dict[str, str] = {}

    def poll(self, limit: int = 1000) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        parents = {shard["ShardId"]: shard.get("ParentShardId") for shard in all_shards(self.client, self.arn)}
        unread = [shard for shard in parents if shard not in self.ended]
        while unread:
            ready = [shard for shard in unread if parents[shard] in self.ended or parents[shard] not in parents]
            if not ready:
                break
            shard = self.chance.choice(ready) if self.chance else ready[0]
            records += self._drain(shard, limit)
            unread.remove(shard)
        return records

    def forget_iterators(self) -> None:
        """As after a restart of the consumer, or when they are too old."""
        self.iterators.clear()

    def _drain(self, shard: str, limit: int) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        iterator: str | None = self.iterators.pop(shard, None) or self._iterator(shard)
        while iterator:
            try:
                page = self.client.get_records(ShardIterator=iterator, Limit=limit)
            except self.client.exceptions.ExpiredIteratorException:
                page = self.client.get_records(ShardIterator=self._iterator(shard), Limit=limit)
            iterator = page.get("NextShardIterator")
            records += page["Records"]
            if page["Records"]:
                self.checkpoints[shard] = page["Records"][-1]["dynamodb"]["SequenceNumber"]
            elif iterator:
                self.iterators[shard] = iterator
                return records
        self.ended.add(shard)
        return records

    def _iterator(self, shard: str) -> str:
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard in self.checkpoints:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self.checkpoints[shard]}
        request = {"StreamArn": self.arn, "ShardId": shard}
        try:
            answer = self.client.get_shard_iterator(**request, **where)
        except self.client.exceptions.TrimmedDataAccessException:  # what was read last is a day old
            answer = self.client.get_shard_iterator(**request, ShardIteratorType="TRIM_HORIZON")
        return str(answer["ShardIterator"])


def all_shards(client: Any, arn: str) -> list[dict[str, Any]]:
    shards: list[dict[str, Any]] = []
    request: dict[str, Any] = {"StreamArn": arn}
    while True:
        page = client.describe_stream(**request)["StreamDescription"]
        shards += page["Shards"]
        if "LastEvaluatedShardId" not in page:
            return shards
        request["ExclusiveStartShardId"] = page["LastEvaluatedShardId"]


def read(client: Any, arn: str) -> list[dict[str, Any]]:
    """Every record that the stream still has."""
    return Reader(client, arn).poll()


def names(records: list[dict[str, Any]]) -> list[str]:
    return [record["eventName"] for record in records]
