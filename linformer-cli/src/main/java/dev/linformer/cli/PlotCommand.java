package dev.linformer.cli;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonLines;
import dev.linformer.io.internal.RegularFile;
import dev.linformer.visual.Curves;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer plot}: curves of trainings as a picture. */
@Command(
    name = "plot",
    description = "Draws a value of one or more trainings' log.jsonl over the steps, as PNG.",
    footer = "  linformer plot --log runs/*/log.jsonl --key eval_loss --out curves.png",
    mixinStandardHelpOptions = true)
final class PlotCommand implements Callable<Integer> {

  private static final String STEP = "step";

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
      names = "--title",
      description = "The line above; what is drawn, and of which training or task, unless given.")
  private @Nullable String title;

  @Option(
      names = "--mean",
      description = "Values in a row that a point is the mean of; ${DEFAULT-VALUE} unless given.")
  private int mean = 1;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    if (mean < 1) {
      throw new InvalidInputException("--mean %s, but at least 1 is expected".formatted(mean));
    }
    PictureFile.require(out, logs.toArray(Path[]::new));
    LoggedValue value = LoggedValue.of(key, logs);
    Curves chart = new Curves(STEP, value.axis(mean));
    Set<String> keys = new TreeSet<>();
    List<Path> without = new ArrayList<>();
    for (Path log : logs) {
      if (!draw(chart, log, keys)) {
        without.add(log);
      }
    }
    requireSome(without, keys);
    List<Path> drawn = logs.stream().filter(log -> !without.contains(log)).toList();
    chart.title(title == null ? value.title(chart.names(), drawn) : title);
    PictureFile.write(chart.draw(), out);
    OutputNotice.say(spec, out);
    return 0;
  }

  /** Other logs' curves are drawn without those that lack the key, a younger training's maybe. */
  private void requireSome(List<Path> without, Set<String> keys) {
    if (without.size() == logs.size()) {
      throw new InvalidInputException(
          "--log %s: no line with step and %s; %s"
              .formatted(
                  logs.stream().map(Path::toString).collect(Collectors.joining(" ")),
                  key,
                  keys.isEmpty()
                      ? "a training's log.jsonl is expected"
                      : "--key can be " + String.join(", ", keys)));
    }
    for (Path log : without) {
      String line = "--log %s: no line with step and %s; left out".formatted(log, key);
      spec.commandLine().getErr().println(ErrorMessage.line(line));
    }
  }

  /** Adds the curve of a log, and the keys that it has; whether it has the one that is drawn. */
  private boolean draw(Curves chart, Path log, Set<String> keys) throws IOException {
    List<Double> steps = new ArrayList<>();
    List<Double> values = new ArrayList<>();
    read(log, steps, values, keys);
    if (steps.isEmpty()) {
      return false;
    }
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
    return true;
  }

  private void read(Path log, List<Double> steps, List<Double> values, Set<String> keys)
      throws IOException {
    RegularFile.require("--log", log);
    JsonLines.read(
        "--log " + log,
        log,
        (text, json) -> {
          if (json.path(STEP).isNumber()) {
            json.properties().stream()
                .filter(each -> each.getValue().isNumber() && !each.getKey().equals(STEP))
                .forEach(each -> keys.add(each.getKey()));
            if (json.path(key).isNumber()) {
              steps.add(json.path(STEP).doubleValue());
              values.add(json.path(key).doubleValue());
            }
          }
          return true;
        });
  }

  private static double average(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
