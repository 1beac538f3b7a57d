package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Where a training stands: the content of trainer_state.json, whose keys are those of transformers'
 * file of that name.
 *
 * @param step updates done
 * @param tokensSeen positions fed, padding included
 * @param history one entry every so many steps
 * @param evaluations on the validation examples, in their order
 */
public record TrainingState(
    int step, long tokensSeen, List<HistoryEntry> history, List<Measured> evaluations) {

  /** Before the first update. */
  public static final TrainingState START = new TrainingState(0, 0, List.of(), List.of());

  /** Copies the lists. */
  public TrainingState {
    history = List.copyOf(history);
    evaluations = List.copyOf(evaluations);
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
  public record HistoryEntry(
      int step, double loss, double accuracy, double learningRate, double gradientNorm) {}

  /**
   * A measurement on the validation examples.
   *
   * @param step after which it was made
   */
  public record Measured(int step, double loss, double accuracy) {}

  /** The measurement with the lowest loss, the first of them. */
  public Optional<Measured> best() {
    return evaluations.stream().min(Comparator.comparingDouble(Measured::loss));
  }

  /** All measurements, by their losses; the earlier of two that are alike first. */
  List<Measured> bestFirst() {
    return evaluations.stream().sorted(Comparator.comparingDouble(Measured::loss)).toList();
  }

  /** How many measurements there are after the best. */
  int sinceBest() {
    return best().map(best -> evaluations.size() - 1 - evaluations.indexOf(best)).orElse(0);
  }

  /** Whether all updates are made, or the loss on the validation examples falls no more. */
  boolean isFinished(TrainerConfig config) {
    return step >= config.steps() || stoppedEarly(config);
  }

  /** Whether that loss fell no more for as many measurements as the training's patience. */
  boolean stoppedEarly(TrainerConfig config) {
    return step < config.steps() && config.patience() > 0 && sinceBest() >= config.patience();
  }

  /** The state after one more step. */
  TrainingState next(long tokens) {
    return new TrainingState(step + 1, tokensSeen + tokens, history, evaluations);
  }

  TrainingState with(HistoryEntry entry) {
    List<HistoryEntry> longer = new ArrayList<>(history);
    longer.add(entry);
    return new TrainingState(step, tokensSeen, longer, evaluations);
  }

  TrainingState with(Measured measured) {
    List<Measured> longer = new ArrayList<>(evaluations);
    longer.add(measured);
    return new TrainingState(step, tokensSeen, history, longer);
  }

  /** Every key with its value. */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("global_step", step)
            .put("num_input_tokens_seen", tokensSeen);
    best().ifPresent(best -> json.put("best_global_step", best.step));
    ArrayNode log = json.putArray("log_history");
    for (HistoryEntry entry : history) {
      log.addObject()
          .put("step", entry.step)
          .put("loss", entry.loss)
          .put("accuracy", entry.accuracy)
          .put("learning_rate", entry.learningRate)
          .put("grad_norm", entry.gradientNorm);
    }
    ArrayNode measured = json.putArray("eval_history");
    for (Measured each : evaluations) {
      measured
          .addObject()
          .put("step", each.step)
          .put("eval_loss", each.loss)
          .put("eval_accuracy", each.accuracy);
    }
    return json;
  }

  /** Takes the keys of {@link #toJson}; others stay. */
  public static TrainingState parse(JsonObjectReader keys) {
    List<HistoryEntry> history = new ArrayList<>();
    for (JsonObjectReader entry : keys.objects("log_history")) {
      history.add(
          new HistoryEntry(
              entry.integer("step"),
              entry.number("loss"),
              entry.number("accuracy"),
              entry.number("learning_rate"),
              entry.number("grad_norm")));
    }
    List<Measured> evaluations = new ArrayList<>();
    if (keys.has("eval_history")) {
      for (JsonObjectReader each : keys.objects("eval_history")) {
        evaluations.add(
            new Measured(
                each.integer("step"), each.number("eval_loss"), each.number("eval_accuracy")));
      }
    }
    return new TrainingState(
        keys.integer("global_step"),
        keys.longInteger("num_input_tokens_seen"),
        history,
        evaluations);
  }
}
