package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/** The examples of a task. Any thread may ask for them. */
public interface TaskData extends Closeable {

  /**
   * A batch to learn from: a function of its arguments alone.
   *
   * @param index counted from 0
   * @param size number of sequences
   */
  Batch train(long index, int size) throws IOException;

  /** What to watch a training on. */
  Iterable<Batch> validation(int size);

  /** What to measure a model on at the end. */
  HeldOut test(int size);

  /**
   * What to measure a model on that trained here: examples that training never saw.
   *
   * @param seed of examples that are made; tasks whose examples are read have their test part
   * @throws dev.linformer.io.InvalidInputException if a seed is given and none is used
   */
  HeldOut fresh(OptionalLong seed, int size);

  /** What was found in the data, to be sure that a resumed training has the same. */
  default ObjectNode facts() {
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
  record HeldOut(Iterable<Batch> batches, List<Baseline> baselines, double bytesPerTarget) {}

  /**
   * What a rule without a model reaches.
   *
   * @param key in JSON
   * @param label for people
   * @param value accuracy from 0 to 1; where text is predicted, mean cross-entropy in nats
   */
  record Baseline(String key, String label, double value) {}
}
