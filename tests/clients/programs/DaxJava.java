// AWS's DAX client for Java, unchanged: what it writes and reads through a cluster, and `done` at the end.
// It has its own layering: answers come in frames.

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.*;
import software.amazon.dax.ClusterDaxClient;
import software.amazon.dax.Configuration;

public class DaxJava {
  static final String TABLE = "songs";

  static AttributeValue text(String value) {
    return AttributeValue.builder().s(value).build();
  }

  static AttributeValue number(String value) {
    return AttributeValue.builder().n(value).build();
  }

  static Map<String, AttributeValue> key(String track) {
    return Map.of("artist", text("Java"), "track", number(track));
  }

  static void check(boolean holds, Object shown) {
    if (!holds) throw new AssertionError(String.valueOf(shown));
  }

  public static void main(String[] arguments) throws Exception {
    Configuration configuration = Configuration.builder()
        .region(Region.of(System.getenv("AWS_REGION")))
        .credentialsProvider(EnvironmentVariableCredentialsProvider.create())
        .url(arguments[0])
        .build();
    try (DynamoDbClient dax = ClusterDaxClient.builder().overrideConfiguration(configuration).build()) {
      items(dax);
      many(dax);
      transactions(dax);
    }
    System.out.println("done");
    System.exit(0);
  }

  static void items(DynamoDbClient dax) {
    Map<String, AttributeValue> item = new HashMap<>(key("1.5"));
    item.put("text", text("döwn"));
    item.put("n", number("100"));
    item.put("texts", AttributeValue.builder().ss("a", "b").build());
    item.put("list", AttributeValue.builder().l(text("x"),
        AttributeValue.builder().m(Map.of("deep", number("-2.5"))).build()).build());
    dax.putItem(b -> b.tableName(TABLE).item(item));
    check(dax.getItem(b -> b.tableName(TABLE).key(key("1.5"))).item().equals(item), "the item");
    GetItemResponse projected = dax.getItem(b -> b.tableName(TABLE).key(key("1.5"))
        .projectionExpression("list[1].deep").consistentRead(true).returnConsumedCapacity("TOTAL"));
    check(projected.item().get("list").l().get(0).m().get("deep").n().equals("-2.5"), projected);
    check(projected.consumedCapacity().capacityUnits() == 1.0, projected);
    Map<String, AttributeValue> updated = dax.updateItem(b -> b.tableName(TABLE).key(key("1.5"))
        .updateExpression("SET n = n + :one, #t = :up REMOVE list[0]")
        .conditionExpression("n > :one AND (#t = :up OR NOT contains(#t, :up))")
        .expressionAttributeNames(Map.of("#t", "text"))
        .expressionAttributeValues(Map.of(":one", number("1"), ":up", text("up")))
        .returnValues("UPDATED_NEW")).attributes();
    check(updated.get("n").n().equals("101") && updated.get("text").s().equals("up"), updated);
    try {
      dax.putItem(b -> b.tableName(TABLE).item(item).conditionExpression("attribute_not_exists(artist)"));
      throw new AssertionError("a condition that does not hold");
    } catch (ConditionalCheckFailedException expected) {
      check(expected.statusCode() == 400, expected);
    }
  }

  static void many(DynamoDbClient dax) {
    WriteRequest put = WriteRequest.builder().putRequest(p -> p.item(
        Map.of("artist", text("Java"), "track", number("2"), "year", number("1999")))).build();
    WriteRequest delete = WriteRequest.builder().deleteRequest(p -> p.key(key("3"))).build();
    check(dax.batchWriteItem(b -> b.requestItems(Map.of(TABLE, List.of(put, delete)))).unprocessedItems().isEmpty(), "");
    BatchGetItemResponse batch = dax.batchGetItem(b -> b.requestItems(Map.of(TABLE,
        KeysAndAttributes.builder().keys(List.of(key("1.5"), key("2"), key("77"))).build())));
    check(batch.responses().get(TABLE).size() == 2, batch);
    QueryResponse first = dax.query(b -> b.tableName(TABLE).keyConditionExpression("artist = :a")
        .expressionAttributeValues(Map.of(":a", text("Java"))).limit(1));
    check(first.lastEvaluatedKey().equals(key("1.5")), first);
    QueryResponse second = dax.query(b -> b.tableName(TABLE).keyConditionExpression("artist = :a")
        .expressionAttributeValues(Map.of(":a", text("Java"))).exclusiveStartKey(first.lastEvaluatedKey()));
    check(second.items().get(0).get("year").n().equals("1999"), second);
    check(dax.scan(b -> b.tableName(TABLE).indexName("by-year").limit(1)).count() == 1, "an index");
    ScanResponse years = dax.scan(b -> b.tableName(TABLE).projectionExpression("#y").filterExpression("#y > :n")
        .expressionAttributeNames(Map.of("#y", "year")).expressionAttributeValues(Map.of(":n", number("0"))));
    check(years.items().equals(List.of(Map.of("year", number("1999")))), years);
  }

  static void transactions(DynamoDbClient dax) {
    dax.transactWriteItems(b -> b.transactItems(TransactWriteItem.builder()
        .put(p -> p.tableName(TABLE).item(key("5"))).build()));
    List<ItemResponse> read = dax.transactGetItems(b -> b.transactItems(
        TransactGetItem.builder().get(g -> g.tableName(TABLE).key(key("5"))).build(),
        TransactGetItem.builder().get(g -> g.tableName(TABLE).key(key("6"))).build())).responses();
    check(read.get(0).item().equals(key("5")) && !read.get(1).hasItem(), read);
    try {
      dax.transactWriteItems(b -> b.transactItems(TransactWriteItem.builder().conditionCheck(c -> c.tableName(TABLE)
          .key(key("2")).conditionExpression("attribute_not_exists(artist)")
          .returnValuesOnConditionCheckFailure("ALL_OLD")).build()));
      throw new AssertionError("a transaction that cannot be");
    } catch (TransactionCanceledException expected) {
      check(expected.cancellationReasons().get(0).item().get("year").n().equals("1999"), expected);
    }
  }
}
