package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.ParseResult;

/** The examples in each command's help are commands that run. */
class ExamplesInHelpTest {

  private static final int WIDTH = 80; // that of picocli's help

  /** Examples that train or measure for long, need a model of another program, or are a shell's. */
  private static final Set<String> ONLY_PARSED = Set.of("train", "import", "bench", "completion");

  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|\\S+");

  @TempDir private Path folder = Path.of("");

  static Set<String> commands() {
    return HelpTest.commands();
  }

  /** The examples of a command, each in one line. */
  private static List<String> examples(String command) {
    String[] footer =
        Objects.requireNonNull(Main.commandLine().getSubcommands().get(command))
            .getCommandSpec()
            .usageMessage()
            .footer();
    List<String> lines = String.join("\n", footer).replace("\\\n", "").lines().toList();
    assertFalse(lines.isEmpty(), command);
    return lines.stream().map(line -> line.strip().replaceAll(" +", " ")).toList();
  }

  /** The arguments of the first call in a line. */
  private static String[] arguments(String line) {
    Matcher call = Pattern.compile("linformer ([^<>|;)]*)").matcher(line);
    assertTrue(call.find(), line);
    return WORD.matcher(call.group(1))
        .results()
        .map(word -> word.group(1) == null ? word.group() : word.group(1))
        .toArray(String[]::new);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void eachCommandHasSomeThatParse(String command) {
    for (String example : examples(command)) {
      String[] arguments = arguments(example);
      assertEquals(command, arguments[0]);
      ParseResult parsed = Main.commandLine().parseArgs(arguments);
      assertEquals(List.of(), parsed.unmatched());
    }
    String help = Cli.done(command, "--help").out();
    int from = help.indexOf("\nExamples:\n  ");
    assertTrue(from > 0, help);
    for (String line : help.substring(from).lines().toList()) {
      assertTrue(line.length() <= WIDTH, line);
    }
  }

  /** In an order in which each finds what it reads. */
  @Test
  void thoseThatTakeNoTimeRun() throws IOException {
    Files.createDirectories(folder.resolve("runs"));
    Files.writeString(folder.resolve("model.json"), Fixtures.ENCODER);
    Path classifier = Fixtures.config(folder, Fixtures.CLASSIFIER);
    Cli.done("init", "--config", classifier, "--out", folder.resolve("runs/listops"));
    Fixtures.trained(folder.resolve("runs/copy"), classifier);
    String language =
        """
        {"model_type": "lm", "num_tokens": 256, "input_size": 300, "channels": 4, "dim_k": 3,
         "dim_ff": 7, "nhead": 2, "causal": true}""";
    Path books = folder.resolve("runs/books");
    Cli.done("init", "--config", Fixtures.config(folder, language), "--out", books);
    Fixtures.npy(folder.resolve("x.npy"), "<f4", "(1, 6, 4)", new byte[4 * 6 * 4]);
    Files.writeString(
        Files.createDirectories(folder.resolve("runs/one")).resolve("log.jsonl"),
        "{\"step\": 1, \"eval_loss\": 2.5}\n{\"step\": 2, \"eval_loss\": 2.25}\n");
    List<String> order = new ArrayList<>(List.of("init"));
    commands().stream().filter(each -> !each.equals("init")).forEach(order::add);
    assertTrue(order.removeAll(ONLY_PARSED));
    for (String command : order) {
      for (String example : examples(command)) {
        run(example);
      }
    }
    for (String made : List.of("y.npy", "exported/1", "model.safetensors", "curves.png")) {
      assertTrue(Files.exists(folder.resolve(made)), made);
    }
  }

  private void run(String example) {
    String[] arguments = arguments(example);
    ParseResult command = Main.commandLine().parseArgs(arguments).subcommand();
    List<Object> here = new ArrayList<>();
    for (String argument : arguments) {
      here.add(isFile(command, argument) ? found(argument) : argument);
    }
    InputStream in = new ByteArrayInputStream("Once".getBytes(StandardCharsets.UTF_8));
    Cli.done(in, here.toArray());
  }

  /** Whether an argument is the value of an option for files. */
  private static boolean isFile(ParseResult command, String argument) {
    return command.matchedArgs().stream()
        .filter(arg -> List.of(arg.auxiliaryTypes()).contains(Path.class))
        .anyMatch(arg -> arg.originalStringValues().contains(argument));
  }

  /** As the shell finds it in the test's folder. */
  private Path found(String name) {
    return folder.resolve(name.replace("*", "one"));
  }
}
