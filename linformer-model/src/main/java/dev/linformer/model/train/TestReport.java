package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.data.TaskData.Baseline;
import dev.linformer.model.data.TaskData.TestSet;
import java.util.List;

/**
 * How a model did, beside rules that need no model, on the same examples.
 *
 * @param model the model's loss and accuracy
 * @param baselines what the rules reach
 * @param bytesPerTarget bytes of text that a target stands for; 0 where no text is predicted
 */
public record TestReport(Evaluation model, List<Baseline> baselines, double bytesPerTarget) {

  /** Copies the list. */
  public TestReport {
    baselines = List.copyOf(baselines);
  }

  static TestReport of(Evaluation model, TestSet examples) {
    return new TestReport(model, examples.baselines(), examples.bytesPerTarget());
  }

  /** Whether text is predicted: then baselines are mean cross-entropies in nats. */
  public boolean isText() {
    return bytesPerTarget > 0;
  }

  /**
   * A loss in bits for each byte of text.
   *
   * @param nats mean cross-entropy of a target
   */
  public double bitsPerByte(double nats) {
    return nats / Math.log(2) / bytesPerTarget;
  }

  /** The object {@code evaluation} of trainer_state.json. */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("examples", model.targets())
            .put("accuracy", model.accuracy())
            .put("loss", model.loss());
    if (isText()) {
      json.put("bits_per_byte", bitsPerByte(model.loss()));
    }
    baselines.forEach(baseline -> json.put(baseline.key(), baseline.value()));
    return json;
  }
}
