"""What is sent by mistake is refused in the service's own words, never as a fault of the lake's."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import invalid, make, refusal

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/things"


@pytest.mark.parametrize(
    "name", ["arn:x", "arn:aws:s3:::things", f"{TABLE}/index/by-v", f"{TABLE}/stream/2026", TABLE[:-6]]
)
def test_what_begins_as_an_arn_is_the_arn_of_a_table(dynamodb: Any, table: str, name: str) -> None:
    told = f"Invalid TableArn: Invalid ResourceArn provided as input {name}"
    key = {"p": {"S": "p"}, "s": {"N": "1"}}
    assert invalid(dynamodb.get_item, TableName=name, Key=key) == told
    assert invalid(dynamodb.batch_get_item, RequestItems={name: {"Keys": [key]}}) == told
    assert invalid(dynamodb.execute_statement, Statement=f'SELECT * FROM "{name}"') == told
    for operation in ("describe_table", "describe_continuous_backups", "describe_time_to_live", "list_backups"):
        assert invalid(getattr(dynamodb, operation), TableName=name) == told
    restore = {"TargetTableName": "copy", "UseLatestRestorableTime": True}
    assert invalid(dynamodb.restore_table_to_point_in_time, SourceTableArn=name, **restore) == told


def test_a_backup_that_is_no_arn_is_not_found(dynamodb: Any) -> None:
    arn = "arn:" + "x" * 40
    code, _ = refusal(dynamodb.restore_table_from_backup, TargetTableName="copy", BackupArn=arn)
    assert code == "BackupNotFoundException"


def test_a_place_in_a_shard_that_is_still_to_come_is_none(dynamodb: Any, streams: Any) -> None:
    make(
        dynamodb, "streamed", "p:S", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    dynamodb.put_item(TableName="streamed", Item={"p": {"S": "p"}})
    (stream,) = streams.list_streams()["Streams"]
    (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    asked = {"StreamArn": stream["StreamArn"], "ShardId": shard["ShardId"]}
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        for number in ("9" * 21, "9" * 40):
            request = {**asked, "ShardIteratorType": kind, "SequenceNumber": number}
            assert invalid(streams.get_shard_iterator, **request) == "Invalid SequenceNumber"
        first = {
            **asked,
            "ShardIteratorType": kind,
            "SequenceNumber": shard["SequenceNumberRange"]["StartingSequenceNumber"],
        }
        assert (
            len(streams.get_records(ShardIterator=streams.get_shard_iterator(**first)["ShardIterator"])["Records"]) == 1
        )


def test_tokens_are_good_for_what_they_were_given_for(dynamodb: Any, streams: Any) -> None:
    view = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    make(dynamodb, "streamed", "p:S", StreamSpecification=view)
    for name in "ab":
        dynamodb.put_item(TableName="streamed", Item={"p": {"S": name}})
    statement = "SELECT * FROM streamed"
    token = dynamodb.execute_statement(Statement=statement, Limit=1)["NextToken"]
    (stream,) = streams.list_streams()["Streams"]
    (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    asked = {"StreamArn": stream["StreamArn"], "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST"}
    iterator = streams.get_shard_iterator(**asked)["ShardIterator"]
    assert invalid(streams.get_records, ShardIterator=token) == "Invalid ShardIterator"
    assert invalid(dynamodb.execute_statement, Statement=statement, NextToken=iterator) == (
        "NextToken does not match request"
    )
    assert invalid(dynamodb.execute_statement, Statement=f"{statement} ", NextToken=token) == (
        "NextToken does not match request"
    )


MALFORMED = "Statement wasn't well formed, can't be processed: "
MISUSED = "The function is not allowed to be used this way in an expression; function: "


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT a[1.5] FROM things", f"{MALFORMED}Unexpected token: 1.5"),
        (f"SELECT a[{'1' * 5000}] FROM things", f"{MALFORMED}Unexpected token: {'1' * 5000}"),
        (f"INSERT INTO things VALUE {{'p': 1e{'1' * 5000}}}", MALFORMED),
        ("SELECT * FROM things WHERE attribute_type(p, 'S') = true", f"{MISUSED}attribute_type"),
        ("SELECT * FROM things WHERE p IN [contains(p, 'x')]", f"{MISUSED}contains"),
        ("SELECT * FROM things WHERE size(size(p)) = 1", f"{MISUSED}size"),
        ("SELECT * FROM things WHERE list_append(p, p)", f"{MISUSED}list_append"),
        ("SELECT * FROM things WHERE if_not_exists(p, 1) = 1", f"{MISUSED}if_not_exists"),
        ("UPDATE things SET a = size(a) WHERE p = 'p' AND s = 1", f"{MISUSED}size"),
        ("UPDATE things SET a = 1 + begins_with(a, 'x') WHERE p = 'p' AND s = 1", f"{MISUSED}begins_with"),
        (
            "UPDATE things SET a = if_not_exists('a', 1) WHERE p = 'p' AND s = 1",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SELECT * FROM things WHERE attribute_type(a, 1)",
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
        ),
    ],
    ids=lambda given: given[:40],
)
def test_statements(dynamodb: Any, table: str, statement: str, message: str) -> None:
    dynamodb.put_item(TableName=table, Item={"p": {"S": "p"}, "s": {"N": "1"}})
    assert invalid(dynamodb.execute_statement, Statement=statement) == message


@pytest.mark.parametrize(
    "more",
    [
        {"MultiRegionConsistency": "STRONG"},
        {"GlobalTableWitnessUpdates": [{"Create": {"RegionName": "eu-west-1"}}]},
        {"DisassociationProtectionEnabled": True},
        {"VectorIndexUpdates": [{"Delete": {"IndexName": "vectors"}}]},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_update_table_does_not_do_is_named(dynamodb: Any, table: str, more: dict[str, Any]) -> None:
    code, message = refusal(dynamodb.update_table, TableName=table, TableClass="STANDARD", **more)
    assert (code, next(iter(more)) in message) == ("NotImplemented", True)
