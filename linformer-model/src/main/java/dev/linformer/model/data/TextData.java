package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Windows of a text. Those to learn from begin anywhere in the training part; held-out ones are
 * spread over their part evenly and don't overlap.
 */
final class TextData implements TaskData {

  private static final double HIDDEN = 0.15;
  private static final double MASKED = 0.8;
  private static final double RANDOM = 0.9;

  /** Held-out windows are masked alike whatever the seed of the training. */
  private static final long HELD_OUT_SEED = 40_000_003;

  private static final int SAMPLES = 1000;

  private final LanguageTask task;
  private final TokenStore store;
  private final TextFiles.Survey survey;
  private final int n;
  private final long trainEnd;
  private final long validationEnd;

  TextData(LanguageTask task, TokenStore store, TextFiles.Survey survey, int n) {
    this.task = task;
    this.store = store;
    this.survey = survey;
    this.n = n;
    long size = store.size();
    trainEnd = size - size / 10;
    validationEnd = trainEnd + (size - trainEnd) / 2;
    if (validationEnd - trainEnd < length()) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "--data %s: %,d tokens are too few: a twentieth is to watch on, and has to hold a sequence of input_size = %s; at least %,d are expected, or a smaller input_size",
              String.join(" ", task.data()),
              size,
              n,
              20L * (length() + 1)));
    }
  }

  /** Tokens of a window: a causal model's last target stands behind its input. */
  private int length() {
    return task.kind() == LanguageTask.Kind.CAUSAL ? n + 1 : n;
  }

  @Override
  public Batch train(long index, int size) throws IOException {
    long[] starts = new long[size];
    SplittableRandom[] randoms = new SplittableRandom[size];
    for (int row = 0; row < size; row++) {
      randoms[row] = RowRandom.random(task.seed(), index * size + row);
      starts[row] = randoms[row].nextLong(trainEnd - length() + 1);
    }
    return batch(starts, randoms);
  }

  /** As many windows as the training part has room for side by side. */
  @Override
  public long examplesPerEpoch() {
    return trainEnd / n;
  }

  @Override
  public Iterable<Batch> validation(int size) {
    return inOrder(trainEnd, validationEnd, task.validation(), size);
  }

  @Override
  public TestSet test(int size) {
    Iterable<Batch> batches = inOrder(validationEnd, store.size(), task.test(), size);
    double unigram = unigram(batches);
    return new TestSet(
        batches,
        List.of(new Baseline("unigram_loss", "frequency of tokens alone", unigram)),
        (double) survey.bytes() / store.size());
  }

  @Override
  public TestSet fresh(OptionalLong seed, int size) {
    if (seed.isPresent()) {
      throw new InvalidInputException(
          "--seed: the task %s is measured on the end of its text, which has no seed; leave it out"
              .formatted(task.name()));
    }
    return test(size);
  }

  @Override
  public ObjectNode dataFingerprint() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("files", survey.files().size())
        .put("bytes", survey.bytes())
        .put("crc32c", String.format(Locale.ROOT, "%08x", survey.crc32c()))
        .put("tokens", store.size());
  }

  @Override
  public List<String> remarks() {
    boolean masked = task.kind() == LanguageTask.Kind.MASKED;
    return List.of(
        "%s tokens of the tokenizer %s%s"
            .formatted(
                task.tokenizer().size(),
                task.tokenizer().word(),
                masked ? " and one that hides others" : ""));
  }

  private Iterable<Batch> inOrder(long from, long to, int most, int size) {
    int count = (int) Math.min(most, (to - from) / length());
    long stride = (to - from - length()) / Math.max(1, count - 1);
    return () ->
        IntStream.iterate(0, first -> first < count, first -> first + size)
            .mapToObj(
                first -> {
                  int rows = Math.min(size, count - first);
                  long[] starts = new long[rows];
                  SplittableRandom[] randoms = new SplittableRandom[rows];
                  for (int row = 0; row < rows; row++) {
                    starts[row] = from + (first + row) * stride;
                    randoms[row] = RowRandom.random(HELD_OUT_SEED, first + row);
                  }
                  return unchecked(starts, randoms);
                })
            .iterator();
  }

  private Batch unchecked(long[] starts, SplittableRandom[] randoms) {
    try {
      return batch(starts, randoms);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Batch batch(long[] starts, SplittableRandom[] randoms) throws IOException {
    int rows = starts.length;
    int[] tokens = new int[Math.multiplyExact(rows, n)];
    int[] targets = new int[tokens.length];
    int[] window = new int[length()];
    for (int row = 0; row < rows; row++) {
      store.read(starts[row], window, 0, window.length);
      System.arraycopy(window, 0, tokens, row * n, n);
      if (task.kind() == LanguageTask.Kind.CAUSAL) {
        System.arraycopy(window, 1, targets, row * n, n);
      } else {
        hide(tokens, targets, row * n, randoms[row]);
      }
    }
    int[] lengths = new int[rows];
    Arrays.fill(lengths, n);
    return new Batch(tokens, targets, lengths);
  }

  private void hide(int[] tokens, int[] targets, int start, SplittableRandom random) {
    for (int i = start; i < start + n; i++) {
      targets[i] = Batch.UNSCORED;
      if (random.nextDouble() < HIDDEN) {
        targets[i] = tokens[i];
        double how = random.nextDouble();
        if (how < MASKED) {
          tokens[i] = task.mask();
        } else if (how < RANDOM) {
          tokens[i] = random.nextInt(task.tokenizer().size());
        }
      }
    }
  }

  /** Cross-entropy of the targets under the frequencies of a thousand windows to learn from. */
  private double unigram(Iterable<Batch> batches) {
    long[] counts = new long[task.tokenizer().size()];
    Arrays.fill(counts, 1);
    long all = counts.length;
    for (Batch batch : inOrder(0, trainEnd, SAMPLES, 1)) {
      for (int target : batch.targets()) {
        if (target != Batch.UNSCORED) {
          counts[target]++;
          all++;
        }
      }
    }
    double loss = 0;
    long scored = 0;
    for (Batch batch : batches) {
      for (int target : batch.targets()) {
        if (target != Batch.UNSCORED) {
          loss -= Math.log((double) counts[target] / all);
          scored++;
        }
      }
    }
    return loss / scored;
  }

  @Override
  public void close() throws IOException {
    store.close();
  }
}
