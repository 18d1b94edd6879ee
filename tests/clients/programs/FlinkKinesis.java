// Apache Flink with its own Kinesis connector: reads the stream `in`, and writes what it read to `out`, until it is
// killed. The argument says how it reads: POLLING or EFO (enhanced fan-out, by HTTP/2).

import java.util.Properties;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.connector.kinesis.sink.KinesisStreamsSink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.connectors.kinesis.FlinkKinesisConsumer;

public class FlinkKinesis {
    public static void main(String[] arguments) throws Exception {
        Properties reading = connection();
        reading.setProperty("flink.stream.initpos", "TRIM_HORIZON");
        reading.setProperty("flink.shard.discovery.intervalmillis", "500");
        reading.setProperty("flink.shard.getrecords.intervalmillis", "300");
        reading.setProperty("flink.stream.recordpublisher", arguments[0]);
        reading.setProperty("flink.stream.efo.consumername", "flink");
        Properties writing = connection();
        writing.setProperty("aws.http.protocol.version", "HTTP1_1");

        StreamExecutionEnvironment job = StreamExecutionEnvironment.getExecutionEnvironment();
        job.setParallelism(2);
        job.enableCheckpointing(500);
        job.addSource(new FlinkKinesisConsumer<>("in", new SimpleStringSchema(), reading))
                .map(text -> "flink read " + text)
                .sinkTo(KinesisStreamsSink.<String>builder()
                        .setKinesisClientProperties(writing)
                        .setSerializationSchema(new SimpleStringSchema())
                        .setPartitionKeyGenerator(text -> text)
                        .setStreamName("out")
                        .setFailOnError(true)
                        .build());
        job.execute("in to out");
    }

    static Properties connection() {
        Properties properties = new Properties();
        properties.setProperty("aws.endpoint", System.getenv("AWS_ENDPOINT_URL"));
        properties.setProperty("aws.region", System.getenv("AWS_REGION"));
        properties.setProperty("aws.credentials.provider.basic.accesskeyid", "test");
        properties.setProperty("aws.credentials.provider.basic.secretkey", "test");
        return properties;
    }
}
