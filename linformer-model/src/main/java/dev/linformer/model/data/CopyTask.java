package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.DataSizes;
import dev.linformer.model.ModelConfig;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Copying, a quick check that a model carries what it reads from one place to another: m random
 * symbols, a separator, and as many blanks, at each of which the symbol m + 1 positions before is
 * to be told. For causal models and others.
 *
 * <p>Token 0 is the blank, 1 the separator, the symbols are 2 and up.
 *
 * @param inputSize n; m is (n − 1)/2, its half cut off
 * @param symbols how many there are
 * @param validation number of sequences to watch on
 * @param test number of sequences to measure on
 * @param seed of all of them
 */
public record CopyTask(int inputSize, int symbols, int validation, int test, long seed)
    implements Task {

  /** The task's word on the command line. */
  public static final String NAME = "copy";

  private static final int SEPARATOR = 1;
  private static final int FIRST_SYMBOL = 2;

  /** Makes every check. */
  public CopyTask {
    if (inputSize < 3) {
      throw new InvalidInputException(
          "input_size = %s is too small for the task %s: at least 3 is expected"
              .formatted(inputSize, NAME));
    }
    LanguageTask.atLeast("symbols", symbols, 2);
    LanguageTask.examples("symbols", symbols);
    LanguageTask.examples("num_validation", validation);
    LanguageTask.examples("num_test", test);
  }

  static CopyTask take(JsonObjectReader keys, int inputSize) {
    return new CopyTask(
        inputSize,
        keys.integer("symbols", 8),
        keys.integer("num_validation", 256),
        keys.integer("num_test", 1024),
        keys.longInteger("seed", 1));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Objective objective() {
    return Objective.classPerPosition(false);
  }

  @Override
  public void check(ModelConfig model, String source) {
    LanguageTask.checkModel(model, source, NAME, tokens());
  }

  @Override
  public DataSizes sizes() {
    return new DataSizes(tokens(), 0);
  }

  private int tokens() {
    return FIRST_SYMBOL + symbols;
  }

  @Override
  public TaskData open(ModelConfig model) {
    return new Data(this);
  }

  @Override
  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put(Task.NAME, NAME)
        .put("symbols", symbols)
        .put("num_validation", validation)
        .put("num_test", test)
        .put("seed", seed);
  }

  /** Sequences are numbered from 0 in each part, and the parts have seeds of their own. */
  private record Data(CopyTask task) implements TaskData {

    @Override
    public Batch train(long index, int size) {
      return batch(part(0), index * size, size);
    }

    @Override
    public long examplesPerEpoch() {
      throw new InvalidInputException(
          "num_train_epochs: the task %s makes examples without end; give max_steps instead"
              .formatted(NAME));
    }

    @Override
    public Iterable<Batch> validation(int size) {
      return inOrder(part(1), task.validation, size);
    }

    @Override
    public TestSet test(int size) {
      return heldOut(part(2), size);
    }

    @Override
    public TestSet fresh(OptionalLong seed, int size) {
      return heldOut(seed.isEmpty() ? part(3) : seed.getAsLong(), size);
    }

    @Override
    public List<String> remarks() {
      return List.of(
          "%s tokens: %s symbols, a separator and a blank".formatted(task.tokens(), task.symbols));
    }

    private long part(int number) {
      SplittableRandom random = new SplittableRandom(task.seed);
      return random.longs(number + 1).skip(number).findFirst().orElseThrow();
    }

    private TestSet heldOut(long seed, int size) {
      var chance = new Baseline("chance_accuracy", "a guess", 1.0 / task.symbols);
      return new TestSet(inOrder(seed, task.test, size), List.of(chance), 0);
    }

    private Iterable<Batch> inOrder(long seed, int count, int size) {
      return () ->
          IntStream.iterate(0, from -> from < count, from -> from + size)
              .mapToObj(from -> batch(seed, from, Math.min(size, count - from)))
              .iterator();
    }

    private Batch batch(long seed, long first, int size) {
      int n = task.inputSize;
      int m = (n - 1) / 2;
      int[] tokens = new int[Math.multiplyExact(size, n)];
      int[] targets = new int[tokens.length];
      Arrays.fill(targets, Batch.UNSCORED);
      for (int row = 0; row < size; row++) {
        SplittableRandom random = RowRandom.random(seed, first + row);
        int start = row * n;
        for (int i = 0; i < m; i++) {
          tokens[start + i] = FIRST_SYMBOL + random.nextInt(task.symbols);
          targets[start + m + 1 + i] = tokens[start + i];
        }
        tokens[start + m] = SEPARATOR;
      }
      int[] lengths = new int[size];
      Arrays.fill(lengths, n);
      return new Batch(tokens, targets, lengths);
    }
  }
}
