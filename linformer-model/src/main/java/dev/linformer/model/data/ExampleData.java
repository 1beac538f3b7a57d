package dev.linformer.model.data;

import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Sequences with a class each, in memory. */
public final class ExampleData implements TaskData {

  private final List<Example> train;
  private final List<Example> validation;
  private final List<Example> test;
  private final int inputSize;
  private final long seed;
  private @Nullable TokenBatches batches;
  private int batchSize;

  /**
   * @param inputSize tokens of an example when padded, n
   * @param seed of the order
   */
  public ExampleData(
      List<Example> train, List<Example> validation, List<Example> test, int inputSize, long seed) {
    this.train = List.copyOf(train);
    this.validation = List.copyOf(validation);
    this.test = List.copyOf(test);
    this.inputSize = inputSize;
    this.seed = seed;
  }

  /**
   * @throws dev.linformer.io.InvalidInputException if there are fewer examples than {@code size}
   */
  @Override
  public synchronized Batch train(long index, int size) {
    TokenBatches current = batches;
    if (current == null || batchSize != size) {
      current = new TokenBatches(train, size, inputSize, seed);
      batches = current;
      batchSize = size;
    }
    return current.batch(index);
  }

  @Override
  public Iterable<Batch> validation(int size) {
    return TokenBatches.inOrder(validation, size, inputSize);
  }

  @Override
  public HeldOut test(int size) {
    return new HeldOut(TokenBatches.inOrder(test, size, inputSize), List.of(), 0);
  }

  @Override
  public HeldOut fresh(OptionalLong ignored, int size) {
    return test(size);
  }
}
