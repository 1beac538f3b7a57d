package dev.linformer.model.data;

import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Sequences with a class each, in memory: the data of a task of one's own that classifies.
 *
 * <pre>{@code
 * List<Example> examples = List.of(new Example(new int[] {3, 1, 2}, 0));
 * TaskData data = new ExampleData(examples, watched, unseen, 128, 1);
 * }</pre>
 */
public final class ExampleData implements TaskData {

  private final List<Example> train;
  private final List<Example> validation;
  private final List<Example> test;
  private final int inputSize;
  private final long seed;
  private @Nullable TokenBatches batches;
  private int batchSize;

  /**
   * Copies the lists.
   *
   * @param train the examples to learn from
   * @param validation the examples to watch a training on
   * @param test the examples to measure a model on
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
  public long examplesPerEpoch() {
    return train.size();
  }

  @Override
  public Iterable<Batch> validation(int size) {
    return TokenBatches.inOrder(validation, size, inputSize);
  }

  @Override
  public TestSet test(int size) {
    return new TestSet(TokenBatches.inOrder(test, size, inputSize), List.of(), 0);
  }

  @Override
  public TestSet fresh(OptionalLong ignored, int size) {
    return test(size);
  }
}
