"""pocketlake plan dynamodb."""

from __future__ import annotations

import pytest

from tests.cli.test_commands import pocketlake


@pytest.fixture
def things(lake):
    """100 items of 1,000 bytes under eleven partition keys, one of which has 90; written within a minute."""
    lake.clock.freeze("2026-03-02T06:00:00")
    dynamodb = lake.client("dynamodb")
    dynamodb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "s", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(100):
        name = "hot" if number < 90 else f"cold-{number}"
        item = {"p": {"S": name}, "s": {"N": str(number)}, "v": {"S": "x" * 900}}
        dynamodb.put_item(TableName="things", Item=item)
    return dynamodb


def test_plan_from_flags(lake):
    flags = ("--item-kb", "3", "--reads-per-second", "9000", "--writes-per-second", "100")
    ran = pocketlake(lake, "plan", "dynamodb", *flags, "--hot", "0.8", "--gsi", "1")
    assert ran.returncode == 0, ran.stderr
    assert "Reads    4,500 RCU" in ran.stdout
    assert "Writes   300 WCU" in ran.stdout
    assert "Provisioned  $      711.75" in ran.stdout
    assert "On-demand    $    2,463.75" in ran.stdout
    assert "the busiest key: 3,600 reads/s (80% of all), one partition bears 3,000" in ran.stdout
    assert "A cache that answers 90% of them leaves 450 of 4,500 RCU." in ran.stdout
    assert "Reads    9,000 RCU" in pocketlake(lake, "plan", "dynamodb", *flags, "--consistent").stdout
    assert "Writes   600 WCU" in pocketlake(lake, "plan", "dynamodb", *flags, "--transactional").stdout
    assert pocketlake(lake, "plan", "dynamodb", *flags, "--consistent", "--transactional").returncode == 2
    assert pocketlake(lake, "plan", "dynamodb", "--item-kb", "3").returncode == 2


@pytest.mark.claim("DDB-510")
def test_plan_from_a_table_says_how_its_keys_are_spread(lake, things):
    ran = pocketlake(lake, "plan", "dynamodb", "--from", "things", "--writes-per-second", "2000")
    assert ran.returncode == 0, ran.stderr
    assert "holds 100 items" in ran.stdout
    assert "100 were sampled, under 11 partition keys" in ran.stdout
    assert "p = hot: 90.0% of the items" in ran.stdout
    assert "p = hot: 1,800 writes/s (90% of all), one partition bears 1,000" in ran.stdout
    assert "writes of the last day: 1.7 units/s in minutes that had any, busiest minute 1.7" in ran.stdout


def test_what_cannot_be_planned_from(lake, things):
    things.create_table(
        TableName="empty",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    ran = pocketlake(lake, "plan", "dynamodb", "--from", "empty")
    assert ran.returncode == 1
    assert "empty holds no items" in ran.stderr
    assert pocketlake(lake, "plan", "dynamodb", "--from", "nowhere").returncode == 1
