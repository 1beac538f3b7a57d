package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Batches to train on, each a function of the seed and the step alone, so that a run resumes from
 * the number of its step.
 *
 * <p>An epoch is a permutation of the examples cut into batches of one size; what is left over at
 * its end sits that epoch out.
 */
final class TokenBatches {
  /** The order of an epoch, kept until another one is asked for. */
  private static final class Epoch {
    private final long number;
    private final int[] order;

    private Epoch(long number, int[] order) {
      this.number = number;
      this.order = order;
    }
  }

  private final List<Example> examples;
  private final int batchSize;
  private final int inputSize;
  private final long seed;
  private volatile Epoch epoch;

  /**
   * Prepares the batches of a list.
   *
   * @param batchSize examples a batch, b
   * @param inputSize tokens of an example when padded, n
   * @throws InvalidInputException if an example is longer than {@code inputSize}, or there are
   *     fewer than {@code batchSize}
   */
  TokenBatches(List<Example> examples, int batchSize, int inputSize, long seed) {
    checkSizes(examples, batchSize, inputSize);
    if (batchSize > examples.size()) {
      throw new InvalidInputException(
          String.format(
              "batch size %s is above the %s examples there are: lower it",
              batchSize, examples.size()));
    }
    this.examples = List.copyOf(examples);
    this.batchSize = batchSize;
    this.inputSize = inputSize;
    this.seed = seed;
    this.epoch = new Epoch(0, permutation(0));
  }

  /** Number of steps in an epoch. */
  int batchesPerEpoch() {
    return examples.size() / batchSize;
  }

  /**
   * The batch of a step.
   *
   * @param step counted from 0 over all epochs
   */
  Batch batch(long step) {
    if (step < 0) {
      throw new IllegalArgumentException("steps count from 0, found " + step);
    }
    Epoch current = epoch;
    long number = step / batchesPerEpoch();
    if (current.number != number) {
      current = new Epoch(number, permutation(number));
      epoch = current;
    }
    int from = (int) (step % batchesPerEpoch()) * batchSize;
    int[] indices = Arrays.copyOfRange(current.order, from, from + batchSize);
    return gather(examples, indices, inputSize);
  }

  /**
   * A list's batches in its order, to measure on: each example once, the last batch smaller if the
   * size does not divide their number.
   *
   * @param batchSize examples a batch, b
   * @param inputSize tokens of an example when padded, n
   * @throws InvalidInputException if an example is longer than {@code inputSize}
   */
  static Iterable<Batch> inOrder(List<Example> examples, int batchSize, int inputSize) {
    checkSizes(examples, batchSize, inputSize);
    List<Example> copy = List.copyOf(examples);
    IntUnaryOperator end = from -> from + Math.min(batchSize, copy.size() - from);
    return () ->
        IntStream.iterate(0, from -> from < copy.size(), end)
            .mapToObj(from -> IntStream.range(from, end.applyAsInt(from)).toArray())
            .map(indices -> gather(copy, indices, inputSize))
            .iterator();
  }

  private static Batch gather(List<Example> examples, int[] indices, int inputSize) {
    int[] tokens = new int[Math.multiplyExact(indices.length, inputSize)];
    int[] labels = new int[indices.length];
    int[] lengths = new int[indices.length];
    for (int row = 0; row < indices.length; row++) {
      Example example = examples.get(indices[row]);
      for (int i = 0; i < example.length(); i++) {
        tokens[row * inputSize + i] = example.token(i);
      }
      labels[row] = example.label();
      lengths[row] = example.length();
    }
    return new Batch(tokens, labels, lengths);
  }

  /** Fisher-Yates, from a generator that the seed and the epoch's number set. */
  private int[] permutation(long number) {
    SplittableRandom random = new SplittableRandom(new SplittableRandom(seed).nextLong() + number);
    int[] order = IntStream.range(0, examples.size()).toArray();
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }

  private static void checkSizes(List<Example> examples, int batchSize, int inputSize) {
    if (batchSize < 1) {
      throw new InvalidInputException("batch size " + batchSize + ": 1 or more is needed");
    }
    for (int i = 0; i < examples.size(); i++) {
      if (examples.get(i).length() > inputSize) {
        throw new InvalidInputException(
            String.format(
                "example %s has %s tokens, and the input size is %s: raise it, or generate shorter"
                    + " examples",
                i, examples.get(i).length(), inputSize));
      }
    }
  }
}
