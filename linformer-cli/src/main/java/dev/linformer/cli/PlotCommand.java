package dev.linformer.cli;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonLines;
import dev.linformer.io.internal.RegularFile;
import dev.linformer.visual.Curves;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer plot}: curves of trainings as a picture. */
@Command(
    name = "plot",
    description = "Draws a value of one or more trainings' log.jsonl over the steps, as PNG.",
    mixinStandardHelpOptions = true)
final class PlotCommand implements Callable<Integer> {

  @Option(
      names = "--log",
      required = true,
      arity = "1..*",
      paramLabel = "FILE",
      description = "Logs of trainings; each curve has the name of the log's folder.")
  private List<Path> logs = List.of();

  @Option(names = "--out", required = true, description = "The picture, a .png file.")
  private Path out = Path.of("");

  @Option(
      names = "--key",
      description = "What is drawn: ${DEFAULT-VALUE} unless given, or eval_loss, accuracy, ….")
  private String key = "loss";

  @Option(
      names = "--mean",
      description = "Values in a row that a point is the mean of; ${DEFAULT-VALUE} unless given.")
  private int mean = 1;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    if (mean < 1) {
      throw new InvalidInputException("--mean %d, but at least 1 is expected".formatted(mean));
    }
    PictureFile.require(out, logs.toArray(Path[]::new));
    Curves chart = new Curves("step", key);
    for (Path log : logs) {
      draw(chart, log);
    }
    PictureFile.write(chart.draw(), out);
    OutputNotice.say(spec, out);
    return 0;
  }

  private void draw(Curves chart, Path log) throws IOException {
    List<Double> steps = new ArrayList<>();
    List<Double> values = new ArrayList<>();
    read(log, steps, values);
    Path folder = log.toAbsolutePath().normalize().getParent();
    String name =
        folder == null || folder.getFileName() == null ? "" : folder.getFileName().toString();
    while (chart.names().contains(name)) {
      name += "'";
    }
    for (int from = 0; from < steps.size(); from += mean) {
      int to = Math.min(steps.size(), from + mean);
      chart.add(name, steps.get(to - 1), average(values.subList(from, to)));
    }
  }

  private void read(Path log, List<Double> steps, List<Double> values) throws IOException {
    RegularFile.require("--log", log);
    JsonLines.read(
        "--log " + log,
        log,
        (text, json) -> {
          if (json.path("step").isNumber() && json.path(key).isNumber()) {
            steps.add(json.path("step").doubleValue());
            values.add(json.path(key).doubleValue());
          }
          return true;
        });
    if (steps.isEmpty()) {
      throw new InvalidInputException("--log %s: no line with step and %s".formatted(log, key));
    }
  }

  private static double average(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
