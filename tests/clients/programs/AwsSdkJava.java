// The AWS SDK for Java v2 reads SubscribeToShard with its asynchronous client: Netty, HTTP/2 without asking, CBOR.

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.model.ChildShard;
import software.amazon.awssdk.services.kinesis.model.ConsumerStatus;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardRequest;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardResponseHandler;

public class AwsSdkJava {
    static final String STREAM = "flights";
    static final String SHARD = "shardId-000000000000";
    static final int RECORDS = 300;

    static KinesisAsyncClient client;

    public static void main(String[] arguments) throws Exception {
        client = KinesisAsyncClient.builder()
                .endpointOverride(URI.create(System.getenv("AWS_ENDPOINT_URL")))
                .region(Region.of(System.getenv("AWS_REGION")))
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .build();
        client.createStream(b -> b.streamName(STREAM).shardCount(1)).get();
        String arn = client.describeStreamSummary(b -> b.streamName(STREAM)).get()
                .streamDescriptionSummary().streamARN();
        String reader = register(arn, "reader");
        String leaving = register(arn, "leaving");
        put(0, 100);
        readToTheEnd(reader);
        expectNotFound(() -> subscribe(reader, "shardId-000000000099", event -> { }));
        expectNotFound(() -> subscribe(leaving, "shardId-000000000001", event ->
                client.deregisterStreamConsumer(b -> b.consumerARN(leaving))));
        client.close();
        System.out.println("done");
        System.exit(0);
    }

    static void readToTheEnd(String consumer) throws Exception {
        List<String> seen = new ArrayList<>();
        AtomicReference<List<ChildShard>> children = new AtomicReference<>(List.of());
        CompletableFuture<Void> reading = subscribe(consumer, SHARD, event -> {
            event.records().forEach(record -> seen.add(record.data().asUtf8String()));
            if (event.hasChildShards()) {
                children.set(event.childShards());
                check(event.continuationSequenceNumber() == null, "the end of a shard has no continuation");
            }
            if (!event.records().isEmpty() && seen.size() % 100 == 0) {
                if (seen.size() < RECORDS) {
                    put(seen.size(), 100);
                } else {
                    client.splitShard(b -> b.streamName(STREAM).shardToSplit(SHARD)
                            .newStartingHashKey("170141183460469231731687303715884105728"));
                }
            }
        });
        reading.get(60, TimeUnit.SECONDS);
        check(seen.size() == RECORDS, "records: " + seen.size());
        for (int at = 0; at < RECORDS; at++) {
            check(seen.get(at).equals("record-" + at), "record " + at + " is " + seen.get(at));
        }
        check(children.get().size() == 2, "children: " + children.get());
        check(children.get().get(0).parentShards().equals(List.of(SHARD)), "parents: " + children.get());
    }

    interface OnEvent {
        void accept(SubscribeToShardEvent event);
    }

    static CompletableFuture<Void> subscribe(String consumer, String shard, OnEvent onEvent) {
        SubscribeToShardRequest request = SubscribeToShardRequest.builder().consumerARN(consumer).shardId(shard)
                .startingPosition(b -> b.type(ShardIteratorType.TRIM_HORIZON)).build();
        SubscribeToShardResponseHandler handler = SubscribeToShardResponseHandler.builder()
                .subscriber(SubscribeToShardResponseHandler.Visitor.builder()
                        .onSubscribeToShardEvent(onEvent::accept).build())
                .build();
        return client.subscribeToShard(request, handler);
    }

    interface Attempt {
        CompletableFuture<Void> begin();
    }

    static void expectNotFound(Attempt attempt) throws Exception {
        try {
            attempt.begin().orTimeout(30, TimeUnit.SECONDS).join();
        } catch (CompletionException error) {
            check(error.getCause() instanceof ResourceNotFoundException, "unexpected: " + error.getCause());
            return;
        }
        throw new AssertionError("nothing was refused");
    }

    static String register(String arn, String name) throws Exception {
        String consumer = client.registerStreamConsumer(b -> b.streamARN(arn).consumerName(name)).get()
                .consumer().consumerARN();
        while (client.describeStreamConsumer(b -> b.consumerARN(consumer)).get()
                .consumerDescription().consumerStatus() != ConsumerStatus.ACTIVE) {
            Thread.sleep(200);
        }
        return consumer;
    }

    static void put(int first, int count) {
        List<PutRecordsRequestEntry> records = new ArrayList<>();
        for (int at = first; at < first + count; at++) {
            records.add(PutRecordsRequestEntry.builder().partitionKey("key-" + at)
                    .data(SdkBytes.fromUtf8String("record-" + at)).build());
        }
        client.putRecords(b -> b.streamName(STREAM).records(records)).whenComplete((answer, error) ->
                check(error == null && answer.failedRecordCount() == 0, "put failed: " + error));
    }

    static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
