"""Streams of tables, and Kinesis data streams that take their changes."""
