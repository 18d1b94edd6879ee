// aws-sdk-js v3's document client: items are plain objects.
const assert = require("node:assert");
const {
  CreateTableCommand,
  DynamoDBClient,
  TransactionCanceledException,
  waitUntilTableExists,
} = require("@aws-sdk/client-dynamodb");
const {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  ExecuteStatementCommand,
  GetCommand,
  NumberValue,
  PutCommand,
  QueryCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
  paginateQuery,
  paginateScan,
} = require("@aws-sdk/lib-dynamodb");

const TABLE = "orders";
const low = new DynamoDBClient({});
const client = DynamoDBDocumentClient.from(low, { marshallOptions: { removeUndefinedValues: true } });

async function make() {
  await low.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "customer", AttributeType: "S" },
        { AttributeName: "order", AttributeType: "N" },
        { AttributeName: "state", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "customer", KeyType: "HASH" },
        { AttributeName: "order", KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "by-state",
          KeySchema: [{ AttributeName: "state", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    }),
  );
  await waitUntilTableExists({ client: low, maxWaitTime: 30, minDelay: 0.1, maxDelay: 1 }, { TableName: TABLE });
}

async function values() {
  const item = {
    customer: "ada",
    order: 1,
    state: "new",
    note: "",
    nothing: undefined,
    empty: null,
    paid: false,
    wares: [{ name: "tea", price: 2.5 }, "gift"],
    tags: new Set(["a", "b"]),
    sizes: new Set([1, 2]),
    raw: new Uint8Array([0, 255]),
    exact: NumberValue.from("12345678901234567890.123456789"),
  };
  await client.send(new PutCommand({ TableName: TABLE, Item: item }));
  const exact = DynamoDBDocumentClient.from(new DynamoDBClient({}), { unmarshallOptions: { wrapNumbers: true } });
  const found = (await client.send(new GetCommand({ TableName: TABLE, Key: { customer: "ada", order: 2 } }))).Item;
  assert.strictEqual(found, undefined);
  const read = (await exact.send(new GetCommand({ TableName: TABLE, Key: { customer: "ada", order: 1 } }))).Item;
  assert.strictEqual(read.exact.value, "12345678901234567890.123456789");
  delete read.exact; // and out of the table: a plain client refuses to read it, for it has more digits than a double
  const Key = { customer: "ada", order: 1 };
  await client.send(new UpdateCommand({ TableName: TABLE, Key, UpdateExpression: "REMOVE exact" }));
  assert.strictEqual(read.wares[0].price.value, "2.5");
  assert.deepStrictEqual([...read.tags].sort(), ["a", "b"]);
  assert.deepStrictEqual([...read.raw], [0, 255]);
  assert.strictEqual(read.empty, null);
  assert.strictEqual(read.note, "");
  assert.ok(!("nothing" in read));
}

async function pages() {
  for (let first = 2; first < 52; first += 25) {
    const puts = [];
    for (let order = first; order < first + 25; order++) {
      puts.push({ PutRequest: { Item: { customer: "bob", order, state: order % 2 ? "new" : "sent" } } });
    }
    const answer = await client.send(new BatchWriteCommand({ RequestItems: { [TABLE]: puts } }));
    assert.deepStrictEqual(answer.UnprocessedItems, {});
  }
  const asked = {
    TableName: TABLE,
    KeyConditionExpression: "customer = :c AND #o > :o",
    FilterExpression: "#s = :s",
    ExpressionAttributeNames: { "#o": "order", "#s": "state" },
    ExpressionAttributeValues: { ":c": "bob", ":o": 10, ":s": "new" },
  };
  const orders = [];
  for await (const page of paginateQuery({ client, pageSize: 7 }, asked)) {
    orders.push(...page.Items.map((item) => item.order));
  }
  assert.deepStrictEqual(orders, Array.from({ length: 21 }, (_, at) => 11 + 2 * at));
  let count = 0;
  for await (const page of paginateScan({ client, pageSize: 20 }, { TableName: TABLE })) count += page.Count;
  assert.strictEqual(count, 51);
  const index = await client.send(
    new QueryCommand({
      TableName: TABLE,
      IndexName: "by-state",
      KeyConditionExpression: "#s = :s",
      ExpressionAttributeNames: { "#s": "state" },
      ExpressionAttributeValues: { ":s": "new" },
      Select: "COUNT",
    }),
  );
  assert.strictEqual(index.Count, 26);
  const keys = [3, 4, 99].map((order) => ({ customer: "bob", order }));
  const many = await client.send(new BatchGetCommand({ RequestItems: { [TABLE]: { Keys: keys } } }));
  assert.deepStrictEqual(many.Responses[TABLE].map((item) => item.order).sort(), [3, 4]);
}

async function changes() {
  const Key = { customer: "ada", order: 1 };
  const updated = await client.send(
    new UpdateCommand({
      TableName: TABLE,
      Key,
      UpdateExpression: "SET #s = :s, visits = if_not_exists(visits, :zero) + :one REMOVE wares[1] DELETE tags :a",
      ConditionExpression: "attribute_exists(customer) AND size(wares) = :two",
      ExpressionAttributeNames: { "#s": "state" },
      ExpressionAttributeValues: { ":s": "sent", ":zero": 0, ":one": 1, ":two": 2, ":a": new Set(["a"]) },
      ReturnValues: "UPDATED_NEW",
    }),
  );
  assert.deepStrictEqual(updated.Attributes, { state: "sent", visits: 1, tags: new Set(["b"]) });
  const both = (balance) => [
    { Update: { TableName: TABLE, Key, UpdateExpression: "ADD visits :n", ExpressionAttributeValues: { ":n": 1 } } },
    {
      ConditionCheck: {
        TableName: TABLE,
        Key: { customer: "bob", order: 3 },
        ConditionExpression: "#s = :s",
        ExpressionAttributeNames: { "#s": "state" },
        ExpressionAttributeValues: { ":s": balance },
      },
    },
  ];
  await client.send(new TransactWriteCommand({ TransactItems: both("new") }));
  await assert.rejects(client.send(new TransactWriteCommand({ TransactItems: both("lost") })), (error) => {
    assert.ok(error instanceof TransactionCanceledException);
    assert.deepStrictEqual(error.CancellationReasons.map((reason) => reason.Code), ["None", "ConditionalCheckFailed"]);
    return true;
  });
  const got = await client.send(new TransactGetCommand({ TransactItems: [{ Get: { TableName: TABLE, Key } }] }));
  assert.strictEqual(got.Responses[0].Item.visits, 2);
  const Statement = `SELECT visits FROM ${TABLE} WHERE customer = ? AND "order" = ?`;
  const told = await client.send(new ExecuteStatementCommand({ Statement, Parameters: ["ada", 1] }));
  assert.deepStrictEqual(told.Items, [{ visits: 2 }]);
  await client.send(new DeleteCommand({ TableName: TABLE, Key }));
  assert.strictEqual((await client.send(new GetCommand({ TableName: TABLE, Key, ConsistentRead: true }))).Item, undefined);
}

make()
  .then(values)
  .then(pages)
  .then(changes)
  .then(() => console.log("done"))
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
