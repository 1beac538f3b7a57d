package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/**
 * The examples of a task. Any thread may ask for them. Sequences of token ids that are in memory,
 * each with a class, are {@link ExampleData}.
 */
public interface TaskData extends Closeable {

  /**
   * A batch to learn from: a function of its arguments alone, so that a training that is resumed
   * sees the same.
   *
   * @param index counted from 0
   * @param size number of sequences, b
   * @throws InvalidInputException if there are fewer examples than {@code size}
   * @throws IOException if the examples cannot be read
   */
  Batch train(long index, int size) throws IOException;

  /**
   * How many examples an epoch has: those to learn from, each of which is seen about once.
   *
   * @throws InvalidInputException if they have no end
   */
  default long examplesPerEpoch() {
    throw new InvalidInputException(
        "num_train_epochs: the examples of this task have no end; give max_steps instead");
  }

  /**
   * The examples to watch a training on, each once.
   *
   * @param size number of sequences in each batch but the last, which may be smaller
   */
  Iterable<Batch> validation(int size);

  /**
   * The examples to measure a model on at the end.
   *
   * @param size number of sequences in each batch but the last, which may be smaller
   */
  TestSet test(int size);

  /**
   * The examples to measure a model on that trained here: examples that training never saw. Those
   * of {@link #test} unless a task makes examples.
   *
   * @param seed of examples that are made; tasks whose examples are read have their test part
   * @param size number of sequences in each batch but the last, which may be smaller
   * @throws InvalidInputException if a seed is given and none is used
   */
  default TestSet fresh(OptionalLong seed, int size) {
    if (seed.isPresent()) {
      throw new InvalidInputException(
          "--seed: the examples that this task is measured on are not drawn; leave it out");
    }
    return test(size);
  }

  /** What was found in the data, to be sure that a resumed training has the same. */
  default ObjectNode dataFingerprint() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** What people should know of the data that was read, such as rows left out; a line each. */
  default List<String> remarks() {
    return List.of();
  }

  @Override
  default void close() throws IOException {}

  /**
   * Examples to measure on.
   *
   * @param batches each example once
   * @param baselines what rules that need no model reach on the same examples
   * @param bytesPerTarget bytes of text that a target stands for; 0 where no text is predicted
   */
  record TestSet(Iterable<Batch> batches, List<Baseline> baselines, double bytesPerTarget) {}

  /**
   * What a rule without a model reaches.
   *
   * @param key in JSON
   * @param label for people
   * @param value accuracy from 0 to 1; where text is predicted, mean cross-entropy in nats
   */
  record Baseline(String key, String label, double value) {}
}
