package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.JsonKeys;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a training stands: the content of trainer_state.json, whose keys are those of transformers'
 * file of that name.
 *
 * @param step updates done
 * @param tokensSeen positions fed, padding included
 * @param history one entry every so many steps
 */
public record TrainingState(int step, long tokensSeen, List<Entry> history) {

  /** Before the first update. */
  public static final TrainingState START = new TrainingState(0, 0, List.of());

  /** Copies the history. */
  public TrainingState {
    history = List.copyOf(history);
  }

  /**
   * A line of the history.
   *
   * @param step counted from 1
   * @param loss of that step's batch
   * @param accuracy of that step's batch
   * @param learningRate of that step
   * @param gradientNorm of that step, before clipping
   */
  public record Entry(
      int step, double loss, double accuracy, double learningRate, double gradientNorm) {}

  /** The state after one more step, with an entry in the history if one is given. */
  TrainingState next(long tokens, List<Entry> entries) {
    List<Entry> longer = new ArrayList<>(history);
    longer.addAll(entries);
    return new TrainingState(step + 1, tokensSeen + tokens, longer);
  }

  /** Every key with its value. */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("global_step", step)
            .put("num_input_tokens_seen", tokensSeen);
    ArrayNode log = json.putArray("log_history");
    for (Entry entry : history) {
      log.addObject()
          .put("step", entry.step)
          .put("loss", entry.loss)
          .put("accuracy", entry.accuracy)
          .put("learning_rate", entry.learningRate)
          .put("grad_norm", entry.gradientNorm);
    }
    return json;
  }

  /** Takes the keys of {@link #toJson}; others stay. */
  public static TrainingState parse(JsonKeys keys) {
    List<Entry> history = new ArrayList<>();
    for (JsonKeys entry : keys.objects("log_history")) {
      history.add(
          new Entry(
              entry.integer("step"),
              entry.number("loss"),
              entry.number("accuracy"),
              entry.number("learning_rate"),
              entry.number("grad_norm")));
    }
    return new TrainingState(
        keys.integer("global_step"), keys.longInteger("num_input_tokens_seen"), history);
  }
}
