"""PynamoDB: models, indexes, conditions, batches and transactions."""

from datetime import UTC, datetime

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, LocalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite


class ByAuthor(GlobalSecondaryIndex):
    class Meta:
        index_name = "by-author"
        projection = AllProjection()

    author = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class ByViews(LocalSecondaryIndex):
    class Meta:
        index_name = "by-views"
        projection = AllProjection()

    forum = UnicodeAttribute(hash_key=True)
    views = NumberAttribute(range_key=True)


class Details(MapAttribute):
    place = UnicodeAttribute(null=True)
    score = NumberAttribute(default=0)


class Thread(Model):
    class Meta:
        table_name = "threads"
        region = "us-east-1"
        billing_mode = "PAY_PER_REQUEST"

    forum = UnicodeAttribute(hash_key=True)
    subject = UnicodeAttribute(range_key=True)
    author = UnicodeAttribute(default="nobody")
    views = NumberAttribute(default=0)
    tags = UnicodeSetAttribute(null=True)
    is_open = BooleanAttribute(default=True)
    written = UTCDateTimeAttribute(null=True)
    details = Details(null=True)
    replies = ListAttribute(null=True)
    extra = JSONAttribute(null=True)
    version = VersionAttribute()
    by_author = ByAuthor()
    by_views = ByViews()


Thread.create_table(wait=True)
assert Thread.exists()
moment = datetime(2026, 1, 2, tzinfo=UTC)
for number in range(30):
    Thread(
        "python",
        f"subject-{number:02}",
        author=f"author-{number % 3}",
        views=number,
        tags={"a", f"t{number}"},
        written=moment,
        details=Details(place="here", score=number),
        replies=["one", 2],
        extra={"nested": [1, {"two": None}]},
    ).save()

thread = Thread.get("python", "subject-07")
assert (thread.views, thread.tags, thread.written, thread.details.score) == (7, {"a", "t7"}, moment, 7)
assert thread.extra == {"nested": [1, {"two": None}]}
assert thread.version == 1

found = Thread.query("python", Thread.subject.startswith("subject-1"), Thread.views > 15, limit=100, page_size=3)
assert [each.views for each in found] == [16, 17, 18, 19]
assert [each.views for each in Thread.by_author.query("author-1", scan_index_forward=False, limit=2)] == [28, 25]
assert [each.views for each in Thread.by_views.query("python", Thread.views.between(3, 5))] == [3, 4, 5]
assert Thread.count("python") == 30
assert len(list(Thread.scan(Thread.tags.contains("t9") | (Thread.views == 3)))) == 2
segments = [each.subject for part in range(3) for each in Thread.scan(segment=part, total_segments=3)]
assert len(set(segments)) == 30

thread.update(
    actions=[Thread.views.add(100), Thread.details.score.set(1), Thread.replies.set(Thread.replies.append(["x"]))]
)
assert (thread.views, thread.details.score, thread.replies, thread.version) == (107, 1, ["one", 2, "x"], 2)
stale = Thread("python", "subject-07")
try:
    stale.save()
except PutError as error:
    assert error.cause_response_code == "ConditionalCheckFailedException", error
else:
    raise AssertionError("an old version was saved over a new one")

with Thread.batch_write() as batch:
    for number in range(60):
        batch.save(Thread("batch", f"{number:03}"))
assert len(list(Thread.batch_get([("batch", f"{number:03}") for number in range(60)]))) == 60
with Thread.batch_write() as batch:
    for each in Thread.query("batch"):
        batch.delete(each)
assert Thread.count("batch") == 0

connection = Connection(region="us-east-1")
with TransactWrite(connection=connection) as transaction:
    transaction.save(Thread("bank", "a", views=10))
    transaction.save(Thread("bank", "b", views=20))
try:
    with TransactWrite(connection=connection) as transaction:
        transaction.update(Thread("bank", "a", version=1), actions=[Thread.views.add(-5)])
        transaction.condition_check(Thread, "bank", "b", condition=Thread.views > 100)
except TransactWriteError as error:
    codes = [reason.code if reason else None for reason in error.cancellation_reasons]
    assert codes == ["ConditionalCheckFailed", None], codes
else:
    raise AssertionError("a transaction went through a failed check")
with TransactGet(connection=connection) as transaction:
    futures = [transaction.get(Thread, "bank", name) for name in "ab"]
assert [future.get().views for future in futures] == [10, 20]

thread.delete()
try:
    Thread.get("python", "subject-07")
except DoesNotExist:
    pass
else:
    raise AssertionError("what was deleted is there")
Thread.delete_table()
print("done")
