// dynamodb-toolbox: a table and an entity with a schema; commands, pages, batches and a transaction.
const assert = require("node:assert");
const { CreateTableCommand, DynamoDBClient } = require("@aws-sdk/client-dynamodb");
const { DynamoDBDocumentClient } = require("@aws-sdk/lib-dynamodb");
const toolbox = require("dynamodb-toolbox");
const { $add, $append, Entity, Table, item, list, map, number, string } = toolbox;

const documentClient = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const Pokedex = new Table({
  documentClient,
  name: "pokedex",
  partitionKey: { name: "trainer", type: "string" },
  sortKey: { name: "name", type: "string" },
  indexes: { "by-level": { type: "local", sortKey: { name: "level", type: "number" } } },
});
const Pokemon = new Entity({
  name: "pokemon",
  table: Pokedex,
  schema: item({
    trainer: string().key(),
    name: string().key(),
    level: number().default(1),
    moves: list(string()).default([]),
    home: map({ town: string() }).optional(),
  }),
});

async function main() {
  const names = ["trainer", "name", "level"];
  await documentClient.send(
    new CreateTableCommand({
      TableName: "pokedex",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: names.map((name) => ({ AttributeName: name, AttributeType: name === "level" ? "N" : "S" })),
      KeySchema: [
        { AttributeName: "trainer", KeyType: "HASH" },
        { AttributeName: "name", KeyType: "RANGE" },
      ],
      LocalSecondaryIndexes: [
        {
          IndexName: "by-level",
          KeySchema: [
            { AttributeName: "trainer", KeyType: "HASH" },
            { AttributeName: "level", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    }),
  );
  const key = { trainer: "ash", name: "pika" };
  await Pokemon.build(toolbox.PutItemCommand).item({ ...key, home: { town: "pallet" } }).send();
  await assert.rejects(
    Pokemon.build(toolbox.PutItemCommand).item(key).options({ condition: { attr: "name", exists: false } }).send(),
    { name: "ConditionalCheckFailedException" },
  );
  const { Attributes } = await Pokemon.build(toolbox.UpdateItemCommand)
    .item({ ...key, level: $add(9), moves: $append(["bolt"]), home: { town: "viridian" } })
    .options({ returnValues: "ALL_NEW", condition: { attr: "level", lt: 50 } })
    .send();
  assert.strictEqual(Attributes.level, 10);
  assert.deepStrictEqual([Attributes.moves, Attributes.home], [["bolt"], { town: "viridian" }]);

  const puts = Array.from({ length: 20 }, (_, at) =>
    Pokemon.build(toolbox.BatchPutRequest).item({ trainer: "ash", name: `p${at}`, level: at }),
  );
  const batch = await toolbox.executeBatchWrite(Pokedex.build(toolbox.BatchWriteCommand).requests(...puts));
  assert.deepStrictEqual(batch.UnprocessedItems, {});
  const strong = await Pokedex.build(toolbox.QueryCommand)
    .query({ index: "by-level", partition: "ash", range: { gte: 8 } })
    .entities(Pokemon)
    .options({ reverse: true, limit: 3, maxPages: Infinity, filters: { pokemon: { attr: "name", beginsWith: "p" } } })
    .send();
  const levels = strong.Items.map((one) => one.level);
  assert.deepStrictEqual(levels, [19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 10, 9, 8]);
  const all = await Pokedex.build(toolbox.ScanCommand).options({ maxPages: Infinity, limit: 5 }).send();
  assert.strictEqual(all.Items.length, 21);

  const swap = (level) =>
    toolbox.executeTransactWrite(
      Pokemon.build(toolbox.DeleteTransaction).key({ trainer: "ash", name: "p3" }),
      Pokemon.build(toolbox.ConditionCheck).key(key).condition({ attr: "level", eq: level }),
    );
  await assert.rejects(swap(11), { name: "TransactionCanceledException" });
  await swap(10);
  const gone = await Pokemon.build(toolbox.GetItemCommand).key({ trainer: "ash", name: "p3" }).send();
  assert.strictEqual(gone.Item, undefined);
  console.log("done");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
