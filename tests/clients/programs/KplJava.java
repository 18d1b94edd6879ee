// The Kinesis Producer Library, with its native daemon.
// Arguments: host, port, stream, records, bytes of each, milliseconds that a record may wait to be packed, milliseconds
// between records, and `each` where every record's result is awaited before the next.
// Prints how many sequence numbers it was told, and the most attempts of a record; then `done`.

import java.lang.reflect.Method;
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
    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[3]);
        String pad = "x".repeat(Integer.parseInt(arguments[4]));
        long pause = Long.parseLong(arguments[6]);
        boolean each = arguments.length > 7;
        KinesisProducer producer = new KinesisProducer(
                configuration(arguments[0], Long.parseLong(arguments[1]), Long.parseLong(arguments[5])));
        writesOnly();
        List<Future<UserRecordResult>> results = new ArrayList<>();
        for (int number = 0; number < count; number++) {
            ByteBuffer data = ByteBuffer.wrap(("record " + number + " " + pad + "\n").getBytes(StandardCharsets.UTF_8));
            results.add(producer.addUserRecord(arguments[2], "key-" + number % 50, data));
            if (each) {
                results.get(number).get(60, TimeUnit.SECONDS);
            }
            Thread.sleep(pause);
        }
        if (pause == 0) {
            producer.flush();
        }
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

    /** Nothing that it can be asked gives records back. */
    static void writesOnly() {
        for (Method method : KinesisProducer.class.getMethods()) {
            if (method.getName().toLowerCase().matches(".*(read|consume|subscribe|getrecords|iterator).*")) {
                throw new AssertionError(method);
            }
        }
    }

    static KinesisProducerConfiguration configuration(String host, long port, long buffered) {
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
                .setRecordMaxBufferedTime(buffered)
                .setTempDirectory(System.getProperty("java.io.tmpdir"))
                .setCredentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")));
    }
}
