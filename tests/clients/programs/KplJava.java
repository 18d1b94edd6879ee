// The Kinesis Producer Library, with its native daemon, puts user records faster than the one shard takes them.
// Arguments: host, port, stream. Prints what it was told: sequence numbers, most attempts of a record; then `done`.

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

public class KplJava {
    static final int RECORDS = 3000;

    public static void main(String[] arguments) throws Exception {
        KinesisProducer producer = new KinesisProducer(configuration(arguments[0], Long.parseLong(arguments[1])));
        List<Future<UserRecordResult>> results = new ArrayList<>();
        for (int number = 0; number < RECORDS; number++) {
            String text = "record " + number + " " + "x".repeat(2000) + "\n";
            ByteBuffer data = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            results.add(producer.addUserRecord(arguments[2], "key-" + number % 50, data));
        }
        producer.flush();
        Set<String> numbers = new HashSet<>();
        int most = 0;
        for (Future<UserRecordResult> result : results) {
            UserRecordResult told = result.get(60, TimeUnit.SECONDS);
            if (!told.isSuccessful()) {
                throw new AssertionError("a record was given up after " + told.getAttempts());
            }
            numbers.add(told.getShardId() + " " + told.getSequenceNumber());
            most = Math.max(most, told.getAttempts().size());
        }
        producer.destroy();
        System.out.println(numbers.size() + " " + most);
        System.out.println("done");
        System.exit(0);
    }

    static KinesisProducerConfiguration configuration(String host, long port) {
        return new KinesisProducerConfiguration()
                .setRegion(System.getenv("AWS_REGION"))
                .setKinesisEndpoint(host)
                .setKinesisPort(port)
                .setStsEndpoint(host)
                .setStsPort(port)
                .setCloudwatchEndpoint(host)
                .setCloudwatchPort(port)
                .setMetricsLevel("none")
                .setVerifyCertificate(false)
                .setAggregationMaxSize(30_000)
                .setTempDirectory(System.getProperty("java.io.tmpdir"))
                .setCredentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")));
    }
}
