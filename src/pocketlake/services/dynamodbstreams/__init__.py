"""DynamoDB's second endpoint, which boto3 calls dynamodbstreams.

AWS gives it neither actions nor ARNs nor a signing name of its own: they are DynamoDB's. So the room is DynamoDB's too
(dynamodb/streams/), and this is its other door.
"""

from pocketlake.services.dynamodb.service import dynamodbstreams as service
from pocketlake.services.dynamodb.streams import iterators, records, streams

__all__ = ["iterators", "records", "service", "streams"]
