package dev.linformer.cli;

import dev.linformer.model.data.Task;
import dev.linformer.model.train.TrainerConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * How each task is trained unless the user says otherwise: what the default configurations have,
 * and in the help of {@code train}.
 */
final class TaskDefaults implements IModelTransformer {

  /** The settings of each task's default configuration, by the task's name. */
  static Map<String, TrainerConfig> all() {
    Map<String, TrainerConfig> all = new LinkedHashMap<>();
    for (String task : Task.NAMES) {
      try {
        all.put(task, TrainSettings.defaults(task));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return all;
  }

  /** The settings of a configuration file that has none. */
  static TrainerConfig ofFile() {
    return TrainerConfig.builder(TrainSettings.STEPS).build();
  }

  /** How often a training is measured on the validation examples. */
  static String measured(TrainerConfig config) {
    return config.evaluateEvery() == 0
        ? "never"
        : "every %s steps".formatted(config.evaluateEvery());
  }

  /** Adds the defaults to what the options are said to do. */
  @Override
  public CommandSpec transform(CommandSpec train) {
    Map<String, TrainerConfig> all = all();
    add(train, "--steps", all, TrainerConfig::steps);
    add(train, "--batch", all, TrainerConfig::batchSize);
    add(train, "--learning-rate", all, TrainerConfig::learningRate);
    String[] said = train.usageMessage().description();
    String[] more = Arrays.copyOf(said, said.length + 1);
    more[said.length] =
        "How often it measures on validation examples, to keep the best weights: %s; --set training_args.eval_steps=N says otherwise."
            .formatted(unlessGiven(all, TaskDefaults::measured));
    train.usageMessage().description(more);
    return train;
  }

  private static void add(
      CommandSpec train,
      String name,
      Map<String, TrainerConfig> all,
      Function<TrainerConfig, Object> value) {
    OptionSpec option = train.findOption(name);
    String description =
        "%s Unless given: %s.".formatted(option.description()[0], unlessGiven(all, value));
    train.remove(option);
    train.addOption(option.toBuilder().description(description).build());
  }

  /** Each value with the tasks that have it, and that of a file. */
  private static String unlessGiven(
      Map<String, TrainerConfig> all, Function<TrainerConfig, Object> value) {
    Map<Object, List<String>> tasks = new LinkedHashMap<>();
    all.forEach(
        (task, config) ->
            tasks.computeIfAbsent(value.apply(config), any -> new ArrayList<>()).add(task));
    tasks.computeIfAbsent(value.apply(ofFile()), any -> new ArrayList<>()).add("any --config");
    return tasks.entrySet().stream()
        .map(each -> "%s for %s".formatted(each.getKey(), String.join(", ", each.getValue())))
        .collect(Collectors.joining("; "));
  }
}
