// ElectroDB: two entities in one table, found by composed keys, changed by its expression builders, in transactions.
const assert = require("node:assert");
const { CreateTableCommand, DynamoDBClient } = require("@aws-sdk/client-dynamodb");
const { Entity, Service } = require("electrodb");

const table = "tasks";
const client = new DynamoDBClient({});
const keys = ["pk", "sk", "gsi1pk", "gsi1sk"];
const pair = (hash, range) => [
  { AttributeName: hash, KeyType: "HASH" },
  { AttributeName: range, KeyType: "RANGE" },
];

const Task = new Entity(
  {
    model: { entity: "task", version: "1", service: "app" },
    attributes: {
      team: { type: "string", required: true },
      task: { type: "string", required: true },
      employee: { type: "string", required: true },
      points: { type: "number", default: 0 },
      tags: { type: "set", items: "string" },
      notes: { type: "list", items: { type: "map", properties: { text: { type: "string" } } } },
      state: { type: ["open", "closed"], default: "open" },
    },
    indexes: {
      byTeam: { pk: { field: "pk", composite: ["team"] }, sk: { field: "sk", composite: ["task"] } },
      byEmployee: {
        collection: "desk",
        index: "gsi1",
        pk: { field: "gsi1pk", composite: ["employee"] },
        sk: { field: "gsi1sk", composite: ["state", "task"] },
      },
    },
  },
  { client, table },
);

const Employee = new Entity(
  {
    model: { entity: "employee", version: "1", service: "app" },
    attributes: { employee: { type: "string", required: true }, name: { type: "string", required: true } },
    indexes: {
      self: { pk: { field: "pk", composite: ["employee"] }, sk: { field: "sk", composite: [] } },
      desk: {
        collection: "desk",
        index: "gsi1",
        pk: { field: "gsi1pk", composite: ["employee"] },
        sk: { field: "gsi1sk", composite: [] },
      },
    },
  },
  { client, table },
);

async function main() {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: keys.map((name) => ({ AttributeName: name, AttributeType: "S" })),
      KeySchema: pair("pk", "sk"),
      GlobalSecondaryIndexes: [
        { IndexName: "gsi1", KeySchema: pair("gsi1pk", "gsi1sk"), Projection: { ProjectionType: "ALL" } },
      ],
    }),
  );
  const app = new Service({ Task, Employee });
  await Employee.create({ employee: "ada", name: "Ada" }).go();
  const tasks = Array.from({ length: 40 }, (_, at) => ({ team: "red", task: `t${String(at).padStart(2, "0")}`, employee: "ada" }));
  assert.deepStrictEqual((await Task.put(tasks).go()).unprocessed, []);
  await assert.rejects(Task.create(tasks[0]).go(), /conditional request failed/);

  const { data: some, cursor } = await Task.query.byTeam({ team: "red" }).begins({ task: "t0" }).go({ limit: 4 });
  assert.deepStrictEqual(some.map((one) => one.task), ["t00", "t01", "t02", "t03"]);
  const { data: rest } = await Task.query.byTeam({ team: "red" }).begins({ task: "t0" }).go({ cursor });
  assert.strictEqual(rest.length, 6);

  const key = { team: "red", task: "t05" };
  await Task.patch(key)
    .set({ state: "closed", employee: "ada" })
    .add({ points: 5, tags: ["x", "y"] })
    .append({ notes: [{ text: "first" }] })
    .where(({ state }, { eq }) => eq(state, "open"))
    .go();
  await Task.patch(key).data(({ notes, tags }, { set, del }) => {
    set(notes[0].text, "changed");
    del(tags, ["x"]);
  }).go();
  const { data: changed } = await Task.get(key).go();
  assert.strictEqual(changed.points, 5);
  assert.deepStrictEqual(changed.tags, ["y"]);
  assert.deepStrictEqual(changed.notes, [{ text: "changed" }]);

  const desk = await app.collections.desk({ employee: "ada" }).go({ pages: "all" });
  assert.strictEqual(desk.data.Employee[0].name, "Ada");
  assert.strictEqual(desk.data.Task.length, 40);
  const closed = await Task.query.byEmployee({ employee: "ada", state: "closed" }).go();
  assert.deepStrictEqual(closed.data.map((one) => one.task), ["t05"]);
  const scored = await Task.scan.where(({ points }, { gt }) => gt(points, 1)).go({ pages: "all" });
  assert.strictEqual(scored.data.length, 1);

  const move = (team) =>
    app.transaction
      .write(({ Task }) => [
        Task.remove(key).where(({ team: own }, { eq }) => eq(own, team)).commit({ response: "all_old" }),
        Task.upsert({ team: "blue", task: "t05", employee: "ada" }).commit(),
      ])
      .go();
  assert.strictEqual((await move("green")).canceled, true);
  assert.strictEqual((await move("red")).canceled, false);
  assert.strictEqual((await Task.get(key).go()).data, null);
  assert.strictEqual((await Task.get({ team: "blue", task: "t05" }).go()).data.state, "open");
  console.log("done");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
