package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.ModelDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.LongAccumulator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 100,000 rows on two executors, each a process of its own. */
class SparkIT {

  private static final int ROWS = 100_000;
  private static final StructType TABLE =
      new StructType()
          .add("id", DataTypes.LongType)
          .add("tokens", DataTypes.createArrayType(DataTypes.IntegerType));

  @Test
  void scoresAsOneProcessDoes(@TempDir Path folder) throws Exception {
    Files.createDirectories(Path.of("target", "spark-home", "jars"));
    ModelDirectory model =
        Models.save(
            Objects.requireNonNull(Family.all().get("classifier, LEARNABLE")),
            11,
            folder.resolve("model"));
    String export = ModelExporter.export(model, folder.resolve("export")).toString();
    try (SparkSession spark = session()) {
      LongAccumulator loads = spark.sparkContext().longAccumulator("loads");
      MapFunction<Long, Row> row = id -> RowFactory.create(id, tokens(id));
      Dataset<Row> table = spark.range(0, ROWS, 1, 8).map(row, Encoders.row(TABLE));
      List<Row> scored = SparkScoring.score(table, export, loads).collectAsList();
      assertEquals(ROWS, scored.size());
      assertEquals(2, loads.value(), "models loaded by two executors");
      compare(scored, export);
    }
  }

  private static SparkSession session() {
    return SparkSession.builder()
        .master("local-cluster[2,1,1024]")
        .appName("scoring")
        .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
        .config("spark.executor.extraJavaOptions", "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.scheduler.minRegisteredResourcesRatio", "1")
        .config("spark.scheduler.maxRegisteredResourcesWaitingTime", "60s")
        .getOrCreate();
  }

  private static List<Integer> tokens(long id) {
    return new SplittableRandom(id).ints(Family.N, 0, Family.VOCABULARY).boxed().toList();
  }

  /** Every hundredth row again, in this process. */
  private static void compare(List<Row> scored, String export) {
    Set<Integer> labels = new HashSet<>();
    List<Long> ids = new ArrayList<>();
    try (ExportedLinformer local = ExportedLinformer.load(Path.of(export))) {
      for (Row each : scored) {
        long id = each.getLong(0);
        ids.add(id);
        labels.add(each.getInt(1));
        if (id % 100 == 0) {
          float[] logits = local.logits(tokens(id).stream().mapToInt(Integer::intValue).toArray());
          int label = each.getInt(1);
          for (float other : logits) {
            // Another batch may round otherwise.
            assertTrue(logits[label] >= other - 1e-5f, "row " + id);
          }
        }
      }
    }
    assertEquals(ROWS, ids.stream().distinct().count());
    assertTrue(labels.size() > 1, "all rows got one label");
  }
}
