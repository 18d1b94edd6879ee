"""Time to live, switched off and on again."""

from __future__ import annotations

from typing import Any

import pytest

from pocketlake.services.dynamodb import time_to_live

from .conftest import make


@pytest.mark.parametrize("at_once", [1, 100])
@pytest.mark.parametrize("seconds", [0, 5])
def test_what_expires_no_more_stays_until_another_attribute_ends_it(
    lake: Any, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, at_once: int, seconds: int
) -> None:
    """However little of it was forgotten in between."""
    monkeypatch.setattr(time_to_live, "AT_ONCE", at_once)
    make(dynamodb, "things", "p:S")
    lake.clock.freeze()
    now = int(lake.clock.now().timestamp())

    def put(name: str, **ends: int) -> None:
        times = {attribute: {"N": str(now + after)} for attribute, after in ends.items()}
        dynamodb.put_item(TableName="things", Item={"p": {"S": name}, **times})

    def switch(attribute: str, enabled: bool) -> None:
        specification = {"AttributeName": attribute, "Enabled": enabled}
        dynamodb.update_time_to_live(TableName="things", TimeToLiveSpecification=specification)

    def names() -> set[str]:
        return {item["p"]["S"] for item in dynamodb.scan(TableName="things")["Items"]}

    switch("ends", True)
    for number in range(4):
        put(f"ends-{number}", ends=100)
    put("both", ends=100, until=1000)
    put("until", until=1000)
    switch("ends", False)
    lake.clock.advance(seconds)
    switch("until", True)
    lake.clock.advance(500)
    assert len(names()) == 6
    lake.clock.advance(1000)
    assert names() == {f"ends-{number}" for number in range(4)}
    switch("until", False)
    lake.clock.advance(1)
    switch("ends", True)
    lake.clock.advance(100)
    assert names() == set()
