// aws-sdk-js v3 reads SubscribeToShard through its own HTTP/2 handler, which speaks it without asking.
const assert = require("node:assert");
const {
  CreateStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  SubscribeToShardCommand,
} = require("@aws-sdk/client-kinesis");

const STREAM = "flights";
const SHARD = "shardId-000000000000";
const RECORDS = 300;
const client = new KinesisClient({});

async function register(arn, name) {
  const made = await client.send(new RegisterStreamConsumerCommand({ StreamARN: arn, ConsumerName: name }));
  const consumer = made.Consumer.ConsumerARN;
  for (;;) {
    const described = await client.send(new DescribeStreamConsumerCommand({ ConsumerARN: consumer }));
    if (described.ConsumerDescription.ConsumerStatus === "ACTIVE") return consumer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function subscribe(consumer, type, shard = SHARD) {
  const position = { Type: type };
  const asked = new SubscribeToShardCommand({ ConsumerARN: consumer, ShardId: shard, StartingPosition: position });
  return (await client.send(asked)).EventStream;
}

async function put(first, count) {
  const records = [];
  for (let at = first; at < first + count; at++) {
    records.push({ PartitionKey: `key-${at}`, Data: Buffer.concat([Buffer.from([0, 255]), Buffer.from(String(at))]) });
  }
  const answer = await client.send(new PutRecordsCommand({ StreamName: STREAM, Records: records }));
  assert.strictEqual(answer.FailedRecordCount, 0);
}

async function main() {
  assert.strictEqual(client.config.requestHandler.constructor.name, "NodeHttp2Handler");
  await client.send(new CreateStreamCommand({ StreamName: STREAM, ShardCount: 1 }));
  const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName: STREAM }));
  const arn = summary.StreamDescriptionSummary.StreamARN;
  const consumer = await register(arn, "reader");
  const leaving = await register(arn, "leaving");

  await put(0, 100);
  const seen = [];
  let children = null;
  const events = await subscribe(consumer, "TRIM_HORIZON");
  for await (const { SubscribeToShardEvent: event } of events) {
    for (const record of event.Records) seen.push(Buffer.from(record.Data).subarray(2).toString());
    if (event.ChildShards && event.ChildShards.length) children = event.ChildShards;
    if (!event.Records.length) continue; // an empty event says only that the subscription lives
    if (seen.length === 100 || seen.length === 200) await put(seen.length, 100);
    if (seen.length === RECORDS) {
      const middle = (1n << 127n).toString();
      await client.send(
        new SplitShardCommand({ StreamName: STREAM, ShardToSplit: SHARD, NewStartingHashKey: middle }),
      );
    }
  }
  assert.deepStrictEqual(seen, Array.from({ length: RECORDS }, (_, at) => String(at)));
  assert.deepStrictEqual(children.map((child) => child.ParentShards), [[SHARD], [SHARD]]);

  await assert.rejects(subscribe(consumer, "LATEST", "shardId-000000000099"), { name: "ResourceNotFoundException" });
  await assert.rejects(async () => {
    for await (const _ of await subscribe(leaving, "LATEST", "shardId-000000000001")) {
      await client.send(new DeregisterStreamConsumerCommand({ ConsumerARN: leaving })).catch(() => {});
    }
  }, { name: "ResourceNotFoundException" });
  console.log("done");
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
