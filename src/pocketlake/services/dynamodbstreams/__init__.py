"""DynamoDB's second endpoint, which boto3 calls dynamodbstreams.

AWS gives it neither actions nor ARNs nor a signing name of its own: they are DynamoDB's. So the room is DynamoDB's too
(dynamodb/streams.py and its neighbours), and this is its other door.
"""

from pocketlake.services.dynamodb import stream_iterators, stream_records, streams
from pocketlake.services.dynamodb.service import dynamodbstreams as service

__all__ = ["service", "stream_iterators", "stream_records", "streams"]
