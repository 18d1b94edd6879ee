"""The record processor that the MultiLangDaemon runs, one process a shard: it notes what it sees, and checkpoints.

Each line of $SEEN is [what, shard, ...]: began; record with key, sequence and subsequence number, data; ended.
"""

import json
import os

from amazon_kclpy import kcl
from amazon_kclpy.v3 import processor


class Noting(processor.RecordProcessorBase):
    def initialize(self, begun):
        self.shard = begun.shard_id
        self.notes = os.open(os.environ["SEEN"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.note(["began", self.shard])

    def note(self, *lines):
        os.write(self.notes, "".join(json.dumps(line) + "\n" for line in lines).encode())

    def process_records(self, given):
        lines = [
            [
                "record",
                self.shard,
                record.partition_key,
                int(record.sequence_number),
                record.sub_sequence_number,
                record.binary_data.decode(),
            ]
            for record in given.records
        ]
        self.note(*lines)
        if not os.path.exists(os.environ["HOLD"]):
            given.checkpointer.checkpoint()

    def shard_ended(self, ended):
        self.note(["ended", self.shard])
        ended.checkpointer.checkpoint()

    def lease_lost(self, lost):
        self.note(["lost", self.shard])

    def shutdown_requested(self, requested):
        requested.checkpointer.checkpoint()


kcl.KCLProcess(Noting()).run()
