// AWS's DAX client for JavaScript, unchanged: what it writes and reads through a cluster, and `done` at the end.
const assert = require('node:assert');
const { DaxDocument } = require('@amazon-dax-sdk/lib-dax');

const TABLE = 'songs';
const endpoint = process.argv[2];

async function main() {
  const dax = new DaxDocument({ endpoints: [endpoint], region: process.env.AWS_REGION });
  const key = { artist: 'Queen', track: 7 };
  const item = { ...key, text: 'döwn', list: [1, 2.5, { a: null }], yes: true, set: new Set(['a', 'b']), bytes: Buffer.from('hi') };
  await dax.put({ TableName: TABLE, Item: item });
  const got = (await dax.get({ TableName: TABLE, Key: key, ReturnConsumedCapacity: 'TOTAL' }));
  assert.deepStrictEqual(got.Item.list, item.list);
  assert.deepStrictEqual([...got.Item.set].sort(), ['a', 'b']);
  assert.strictEqual(got.ConsumedCapacity.CapacityUnits, 0);
  const updated = await dax.update({
    TableName: TABLE, Key: key, UpdateExpression: 'SET #t = :t, plays = if_not_exists(plays, :none) + :one',
    ExpressionAttributeNames: { '#t': 'text' }, ExpressionAttributeValues: { ':t': 'up', ':none': 0, ':one': 1 }, ReturnValues: 'ALL_NEW',
  });
  assert.strictEqual(updated.Attributes.plays, 1);
  const queried = await dax.query({
    TableName: TABLE, KeyConditionExpression: 'artist = :a', ExpressionAttributeValues: { ':a': 'Queen' }, ProjectionExpression: 'list[2].a, plays',
  });
  assert.deepStrictEqual(queried.Items, [{ list: [{ a: null }], plays: 1 }]);
  assert.strictEqual((await dax.scan({ TableName: TABLE })).Count, 1);
  await dax.batchWrite({ RequestItems: { [TABLE]: [{ PutRequest: { Item: { artist: 'Queen', track: 8 } } }, { DeleteRequest: { Key: key } }] } });
  const batch = await dax.batchGet({ RequestItems: { [TABLE]: { Keys: [key, { artist: 'Queen', track: 8 }] } } });
  assert.deepStrictEqual(batch.Responses[TABLE], [{ artist: 'Queen', track: 8 }]);
  await dax.transactWrite({ TransactItems: [{ Put: { TableName: TABLE, Item: { artist: 'Queen', track: 9, n: 1 } } }] });
  const read = await dax.transactGet({ TransactItems: [{ Get: { TableName: TABLE, Key: { artist: 'Queen', track: 9 } } }] });
  assert.strictEqual(read.Responses[0].Item.n, 1);
  await assert.rejects(
    dax.put({ TableName: TABLE, Item: { artist: 'Queen', track: 9 }, ConditionExpression: 'attribute_not_exists(artist)' }),
    /ConditionalCheckFailed/);
  console.log('done');
  process.exit(0);
}

main().catch((error) => { console.error(error); process.exit(1); });
