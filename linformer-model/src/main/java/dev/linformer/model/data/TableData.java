package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Batches of a table's rows. An epoch is a permutation of the rows to learn from. */
final class TableData implements TaskData {

  private final ClassifyTask task;
  private final Table table;
  private final int n;
  private final Labels labels;
  private final int modelClasses;

  /** By the labels in the order in which they are met. */
  private final int[] classes;

  private final int[] train;
  private final int[] validation;
  private final int[] test;
  private long epoch = -1;
  private int[] order = new int[0];

  TableData(ClassifyTask task, Table table, int classes, int n) {
    this.task = task;
    this.table = table;
    this.n = n;
    labels = new Labels(task.data(), table.labels());
    modelClasses = classes;
    this.classes = labels.numbered(classes);
    int[] all = permutation(IntStream.range(0, table.rows()).toArray(), 0);
    int tenth = all.length / 10;
    if (tenth == 0) {
      throw new InvalidInputException(
          "--data %s: %s rows, but at least 10 are expected".formatted(task.data(), all.length));
    }
    test = Arrays.copyOf(all, tenth);
    validation = Arrays.copyOfRange(all, tenth, 2 * tenth);
    train = Arrays.copyOfRange(all, 2 * tenth, all.length);
  }

  private int[] permutation(int[] rows, long number) {
    SplittableRandom random = RowRandom.random(task.seed(), number);
    int[] shuffled = rows.clone();
    for (int i = shuffled.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = shuffled[i];
      shuffled[i] = shuffled[j];
      shuffled[j] = swapped;
    }
    return shuffled;
  }

  @Override
  public Batch train(long index, int size) throws IOException {
    int batches = train.length / size;
    if (batches == 0) {
      throw new InvalidInputException(
          "batch size %s is above the %s examples there are: lower it"
              .formatted(size, train.length));
    }
    int from = (int) (index % batches) * size;
    return batch(Arrays.copyOfRange(order(index / batches), from, from + size));
  }

  private synchronized int[] order(long number) {
    if (epoch != number) {
      order = permutation(train, 1 + number);
      epoch = number;
    }
    return order;
  }

  @Override
  public long examplesPerEpoch() {
    return train.length;
  }

  @Override
  public Iterable<Batch> validation(int size) {
    return inOrder(validation, size);
  }

  @Override
  public TestSet test(int size) {
    int[] counts = new int[classes.length];
    Arrays.stream(train).forEach(row -> counts[table.label(row)]++);
    int best =
        IntStream.range(0, counts.length)
            .reduce((a, b) -> counts[b] > counts[a] ? b : a)
            .orElseThrow();
    long right = Arrays.stream(test).filter(row -> table.label(row) == best).count();
    var majority =
        new Baseline("majority_class_accuracy", "majority class", (double) right / test.length);
    return new TestSet(inOrder(test, size), List.of(majority), 0);
  }

  @Override
  public TestSet fresh(OptionalLong seed, int size) {
    if (seed.isPresent()) {
      throw new InvalidInputException(
          "--seed: the task %s is measured on rows of its table, which have none; leave it out"
              .formatted(ClassifyTask.NAME));
    }
    return test(size);
  }

  @Override
  public ObjectNode dataFingerprint() {
    ObjectNode fingerprint =
        JsonNodeFactory.instance
            .objectNode()
            .put("rows", table.rows())
            .put("crc32c", String.format(Locale.ROOT, "%08x", table.crc32c()))
            .put("num_train", train.length)
            .put("num_validation", validation.length)
            .put("num_test", test.length);
    if (task.missing() == MissingValues.DROP) {
      fingerprint.put("dropped", table.dropped());
    }
    ArrayNode names = fingerprint.putArray("labels");
    labels.names(modelClasses).forEach(names::add);
    return fingerprint;
  }

  @Override
  public List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    if (table.dropped() > 0) {
      remarks.add(
          "left out %s of %s rows, whose text or label is missing"
              .formatted(table.dropped(), table.dropped() + table.rows()));
    }
    String more =
        modelClasses == labels.needed() ? "" : "; the model has num_classes = " + modelClasses;
    remarks.add("%s classes in %s%s".formatted(labels.needed(), task.data(), more));
    remarks.add(
        "%s tokens of the tokenizer %s"
            .formatted(task.tokenizer().size(), task.tokenizer().word()));
    return remarks;
  }

  private Iterable<Batch> inOrder(int[] rows, int size) {
    return () ->
        IntStream.iterate(0, from -> from < rows.length, from -> from + size)
            .mapToObj(from -> Arrays.copyOfRange(rows, from, Math.min(rows.length, from + size)))
            .map(this::unchecked)
            .iterator();
  }

  private Batch unchecked(int[] rows) {
    try {
      return batch(rows);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Batch batch(int[] rows) throws IOException {
    int[] tokens = new int[Math.multiplyExact(rows.length, n)];
    int[] targets = new int[rows.length];
    int[] lengths = new int[rows.length];
    for (int i = 0; i < rows.length; i++) {
      lengths[i] = table.read(rows[i], tokens, i * n);
      targets[i] = classes[table.label(rows[i])];
    }
    return new Batch(tokens, targets, lengths);
  }

  @Override
  public void close() throws IOException {
    table.close();
  }
}
