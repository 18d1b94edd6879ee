// Apache Spark's structured streaming reads the stream `in` into files of JSON, until it is killed.
// Argument: the folder for files and checkpoints.

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.Trigger;

public class SparkKinesis {
    public static void main(String[] arguments) throws Exception {
        SparkSession spark = SparkSession.builder()
                .master("local[2]")
                .config("spark.ui.enabled", "false")
                .config("spark.sql.shuffle.partitions", "2")
                .getOrCreate();
        spark.readStream()
                .format("kinesis")
                .option("streamName", "in")
                .option("endpointUrl", System.getenv("AWS_ENDPOINT_URL"))
                .option("awsAccessKeyId", "test")
                .option("awsSecretKey", "test")
                .option("startingPosition", "TRIM_HORIZON")
                .load()
                .selectExpr("CAST(data AS STRING) AS text")
                .writeStream()
                .format("json")
                .option("path", arguments[0] + "/copies")
                .option("checkpointLocation", arguments[0] + "/checkpoints")
                .trigger(Trigger.ProcessingTime(1000))
                .start()
                .awaitTermination();
    }
}
