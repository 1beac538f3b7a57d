package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.ModelDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.LongAccumulator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 100,000 rows on two executors, each a process of its own. */
class SparkIT {

  private static final int ROWS = 100_000;

  @Test
  void scoresAsOneProcessDoes(@TempDir Path folder) throws Exception {
    Files.createDirectories(Path.of("target", "spark-home", "jars"));
    ModelDirectory model =
        Models.save(
            Objects.requireNonNull(ModelZoo.all().get("classifier, LEARNABLE")),
            11,
            folder.resolve("model"));
    String export = ModelExporter.export(model, folder.resolve("export")).toString();
    try (SparkSession spark = session()) {
      LongAccumulator loads = spark.sparkContext().longAccumulator("loads");
      Dataset<Row> table =
          spark
              .range(0, ROWS, 1, 8)
              .selectExpr(
                  "id",
                  "transform(sequence(1, %s), x -> cast(pmod(hash(id, x), %s) as int)) as tokens"
                      .formatted(ModelZoo.N, ModelZoo.VOCABULARY));
      List<Row> scored = SparkScoring.score(table, export, loads).collectAsList();
      assertEquals(ROWS, scored.size());
      assertEquals(2, loads.value(), "models loaded by two executors");
      compare(scored, table.where("id % 100 = 0").collectAsList(), export);
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

  /** Every hundredth row again, in this process. */
  private static void compare(List<Row> scored, List<Row> some, String export) {
    Map<Long, Integer> labels = new HashMap<>();
    scored.forEach(row -> labels.put(row.getLong(0), row.getInt(1)));
    assertEquals(ROWS, labels.size());
    assertTrue(labels.values().stream().distinct().count() > 1, "all rows got one label");
    assertEquals(ROWS / 100, some.size());
    try (ExportedLinformer local = ExportedLinformer.load(Path.of(export))) {
      for (Row row : some) {
        int[] tokens = row.<Integer>getList(1).stream().mapToInt(Integer::intValue).toArray();
        float[] logits = local.logits(tokens);
        int label = labels.getOrDefault(row.getLong(0), -1);
        for (float other : logits) {
          // Another batch may round otherwise.
          assertTrue(logits[label] >= other - 1e-5f, () -> "row " + row);
        }
      }
    }
  }
}
