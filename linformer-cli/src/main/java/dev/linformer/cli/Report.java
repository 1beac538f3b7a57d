package dev.linformer.cli;

import dev.linformer.model.data.TaskData.Baseline;
import dev.linformer.model.train.Evaluation;
import dev.linformer.model.train.TestReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How a model did, beside rules that need no model, as a table of two columns. */
final class Report {

  private static final int WIDTH = 38;

  private Report() {}

  static String table(TestReport report) {
    Evaluation model = report.model();
    List<String> lines = new ArrayList<>();
    String loss = format("   (loss %.4f)", model.loss());
    if (report.isText()) {
      lines.add(line("held-out tokens", Long.toString(model.targets())));
      lines.add(line("bits a byte, this model", bits(report, model.loss())) + loss);
      for (Baseline baseline : report.baselines()) {
        lines.add(line("bits a byte, " + baseline.label(), bits(report, baseline.value())));
      }
      lines.add(line("accuracy, this model", percent(model.accuracy())));
    } else {
      lines.add(line("held-out examples", Long.toString(model.targets())));
      lines.add(line("accuracy, this model", percent(model.accuracy())) + loss);
      for (Baseline baseline : report.baselines()) {
        lines.add(line("accuracy, " + baseline.label(), percent(baseline.value())));
      }
    }
    return String.join("\n", lines);
  }

  private static String bits(TestReport report, double nats) {
    return format("%.3f", report.bitsPerByte(nats));
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
}
