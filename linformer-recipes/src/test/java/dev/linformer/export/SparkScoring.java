package dev.linformer.export;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.LongAccumulator;

/**
 * Scores the rows of a table with an exported classifier: every executor loads the model once, and
 * its tasks, which are threads, share it. The export lies where every executor can read it.
 */
public final class SparkScoring {

  private static final StructType SCORED =
      new StructType().add("id", DataTypes.LongType).add("label", DataTypes.IntegerType);
  private static final int ROWS = 256;

  /** One for a process. */
  private static final Map<String, ExportedLinformer> MODELS = new ConcurrentHashMap<>();

  private SparkScoring() {}

  /**
   * @param rows id: long, tokens: array of n ints
   * @param loads counts the times that a model was loaded
   * @return id: long, label: int
   */
  public static Dataset<Row> score(Dataset<Row> rows, String export, LongAccumulator loads) {
    MapPartitionsFunction<Row, Row> perPartition =
        partition -> {
          ExportedLinformer model =
              MODELS.computeIfAbsent(
                  export,
                  path -> {
                    loads.add(1);
                    return ExportedLinformer.load(Path.of(path));
                  });
          return new Scored(model, partition);
        };
    return rows.mapPartitions(perPartition, Encoders.row(SCORED));
  }

  /** The rows of a partition, scored some at a time. */
  private static final class Scored implements Iterator<Row> {

    private final ExportedLinformer model;
    private final Iterator<Row> rows;
    private Iterator<Row> ready = List.<Row>of().iterator();

    Scored(ExportedLinformer model, Iterator<Row> rows) {
      this.model = model;
      this.rows = rows;
    }

    @Override
    public boolean hasNext() {
      return ready.hasNext() || rows.hasNext();
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      if (!ready.hasNext()) {
        ready = score().iterator();
      }
      return ready.next();
    }

    private List<Row> score() {
      List<Row> batch = new ArrayList<>();
      while (batch.size() < ROWS && rows.hasNext()) {
        batch.add(rows.next());
      }
      int[] tokens =
          batch.stream()
              .flatMap(row -> row.<Integer>getList(1).stream())
              .mapToInt(Integer::intValue)
              .toArray();
      float[] logits = model.logits(tokens); // [b,classes]
      int classes = logits.length / batch.size();
      List<Row> scored = new ArrayList<>();
      for (int i = 0; i < batch.size(); i++) {
        scored.add(
            RowFactory.create(batch.get(i).getLong(0), largest(logits, i * classes, classes)));
      }
      return scored;
    }

    private static int largest(float[] logits, int from, int count) {
      int best = 0;
      for (int i = 1; i < count; i++) {
        if (logits[from + i] > logits[from + best]) {
          best = i;
        }
      }
      return best;
    }
  }
}
