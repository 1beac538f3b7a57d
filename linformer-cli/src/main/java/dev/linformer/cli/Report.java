package dev.linformer.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.data.TaskData.Baseline;
import dev.linformer.model.data.TaskData.HeldOut;
import dev.linformer.model.train.Evaluation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How a model did, beside rules that need no model, on the same examples. */
record Report(Evaluation model, HeldOut heldOut) {

  private static final int WIDTH = 38;

  String table() {
    List<String> lines = new ArrayList<>();
    String loss = format("   (loss %.4f)", model.loss());
    if (isText()) {
      lines.add(line("held-out tokens", Long.toString(model.targets())));
      lines.add(line("bits a byte, this model", bits(model.loss())) + loss);
      for (Baseline baseline : heldOut.baselines()) {
        lines.add(line("bits a byte, " + baseline.label(), bits(baseline.value())));
      }
      lines.add(line("accuracy, this model", percent(model.accuracy())));
    } else {
      lines.add(line("held-out examples", Long.toString(model.targets())));
      lines.add(line("accuracy, this model", percent(model.accuracy())) + loss);
      for (Baseline baseline : heldOut.baselines()) {
        lines.add(line("accuracy, " + baseline.label(), percent(baseline.value())));
      }
    }
    return String.join("\n", lines);
  }

  private boolean isText() {
    return heldOut.bytesPerTarget() > 0;
  }

  private double bitsPerByte(double nats) {
    return nats / Math.log(2) / heldOut.bytesPerTarget();
  }

  private String bits(double nats) {
    return format("%.3f", bitsPerByte(nats));
  }

  private static String percent(double share) {
    return format("%.1f%%", 100 * share);
  }

  private static String format(String pattern, double value) {
    return String.format(Locale.ROOT, pattern, value);
  }

  private static String line(String label, String value) {
    return label + " ".repeat(Math.max(1, WIDTH - label.length() - value.length())) + value;
  }

  ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("examples", model.targets())
            .put("accuracy", model.accuracy())
            .put("loss", model.loss());
    if (isText()) {
      json.put("bits_per_byte", bitsPerByte(model.loss()));
    }
    heldOut.baselines().forEach(baseline -> json.put(baseline.key(), baseline.value()));
    return json;
  }
}
