// The Kinesis Client Library behind the DynamoDB Streams Kinesis Adapter: reads the stream named by STREAM, and writes a
// line for each thing that happens to it into the file SEEN: "began SHARD", "record SHARD KEY NUMBER", "ended SHARD".

import com.amazonaws.services.dynamodbv2.streamsadapter.AmazonDynamoDBStreamsAdapterClient;
import com.amazonaws.services.dynamodbv2.streamsadapter.StreamsSchedulerFactory;
import com.amazonaws.services.dynamodbv2.streamsadapter.model.DynamoDBStreamsProcessRecordsInput;
import com.amazonaws.services.dynamodbv2.streamsadapter.polling.DynamoDBStreamsPollingConfig;
import com.amazonaws.services.dynamodbv2.streamsadapter.processor.DynamoDBStreamsShardRecordProcessor;
import java.io.FileWriter;
import java.io.IOException;
import java.net.URI;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.model.StreamRecord;
import software.amazon.awssdk.services.dynamodb.streams.DynamoDbStreamsClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.CoordinatorConfig;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.leases.LeaseManagementConfig;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;

public class DynamoDbStreamsKcl {
    static final URI LAKE = URI.create(System.getenv("AWS_ENDPOINT_URL"));
    static final Region REGION = Region.of(System.getenv("AWS_REGION"));
    static final StaticCredentialsProvider WHO =
            StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));

    public static void main(String[] arguments) {
        DynamoDbStreamsClient streams = DynamoDbStreamsClient.builder()
                .endpointOverride(LAKE).region(REGION).credentialsProvider(WHO).build();
        DynamoDbAsyncClient tables = DynamoDbAsyncClient.builder()
                .endpointOverride(LAKE).region(REGION).credentialsProvider(WHO).build();
        CloudWatchAsyncClient metrics = CloudWatchAsyncClient.builder()
                .endpointOverride(LAKE).region(REGION).credentialsProvider(WHO).build();
        AmazonDynamoDBStreamsAdapterClient adapter = new AmazonDynamoDBStreamsAdapterClient(streams, REGION);
        ConfigsBuilder configs = new ConfigsBuilder(
                StreamsSchedulerFactory.createSingleStreamTracker(
                        System.getenv("STREAM"),
                        InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON)),
                "application", adapter, tables, metrics, "worker", Processor::new);
        LeaseManagementConfig leases = configs.leaseManagementConfig()
                .failoverTimeMillis(4000).shardSyncIntervalMillis(1000).leaseAssignmentIntervalMillis(1000L);
        leases.workerUtilizationAwareAssignmentConfig().disableWorkerMetrics(true);
        CoordinatorConfig coordinator = configs.coordinatorConfig()
                .clientVersionConfig(CoordinatorConfig.ClientVersionConfig.CLIENT_VERSION_CONFIG_3X)
                .parentShardPollIntervalMillis(500);
        StreamsSchedulerFactory.createScheduler(
                configs.checkpointConfig(), coordinator, leases, configs.lifecycleConfig(),
                configs.metricsConfig().metricsFactory(new NullMetricsFactory()), configs.processorConfig(),
                configs.retrievalConfig().retrievalSpecificConfig(
                        new DynamoDBStreamsPollingConfig(adapter).idleTimeBetweenReadsInMillis(300)),
                adapter).run();
    }

    static synchronized void note(String what) {
        try (FileWriter seen = new FileWriter(System.getenv("SEEN"), true)) {
            seen.write(what + "\n");
        } catch (IOException mistake) {
            throw new IllegalStateException(mistake);
        }
    }

    static class Processor implements DynamoDBStreamsShardRecordProcessor {
        String shard;

        @Override
        public void initialize(InitializationInput input) {
            shard = input.shardId();
            note("began " + shard);
        }

        @Override
        public void processRecords(DynamoDBStreamsProcessRecordsInput input) {
            input.records().forEach(one -> {
                StreamRecord record = one.getRecord().dynamodb();
                note(String.join(" ", "record", shard, record.keys().get("p").s(), record.newImage().get("n").n()));
            });
            checkpoint(input.checkpointer());
        }

        @Override
        public void leaseLost(LeaseLostInput input) {
        }

        @Override
        public void shardEnded(ShardEndedInput input) {
            note("ended " + shard);
            checkpoint(input.checkpointer());
        }

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {
            checkpoint(input.checkpointer());
        }

        void checkpoint(RecordProcessorCheckpointer checkpointer) {
            try {
                checkpointer.checkpoint();
            } catch (InvalidStateException | ShutdownException mistake) {
                throw new IllegalStateException(mistake);
            }
        }
    }
}
