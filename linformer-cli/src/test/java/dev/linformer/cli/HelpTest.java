package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.TensorFlow;
import picocli.CommandLine.Model.OptionSpec;

class HelpTest {

  static Set<String> commands() {
    return Main.commandLine().getSubcommands().keySet();
  }

  @Test
  void theseAreTheCommands() {
    assertEquals(
        Set.of(
            "init",
            "train",
            "eval",
            "predict",
            "export",
            "import",
            "export-weights",
            "plot",
            "visualize",
            "generate",
            "summary",
            "bench",
            "doctor",
            "help",
            "completion",
            "man"),
        commands());
  }

  @Test
  void helpNamesTheCommands() {
    String help = Cli.done("--help").out();
    for (String command : commands()) {
      assertTrue(help.contains("\n  " + command + " "), help);
    }
  }

  @ParameterizedTest
  @MethodSource("commands")
  void helpOfACommandNamesItsOptions(String command) {
    String help = Cli.done(command, "--help").out();
    assertTrue(help.startsWith("Usage: linformer " + command + " "), help);
    for (OptionSpec option :
        Objects.requireNonNull(Main.commandLine().getSubcommands().get(command))
            .getCommandSpec()
            .options()) {
      assertTrue(help.contains(option.longestName()), help);
      assertTrue(option.description().length > 0, option::toString);
    }
  }

  @ParameterizedTest
  @MethodSource("commands")
  void helpIsACommandToo(String command) {
    assertEquals(Cli.done(command, "--help").out(), Cli.done("help", command).out());
  }

  @Test
  void helpAloneListsTheCommands() {
    assertEquals(Cli.done("--help").out(), Cli.done("help").out());
  }

  /** What there is none of is refused, with what is meant where it is similar. */
  @Test
  void anUnknownCommandIsRefused() {
    for (Object[] call :
        new Object[][] {{"trian"}, {"help", "trian"}, {"trian", "--task", "copy"}}) {
      Cli cli = Cli.run(call);
      assertEquals(2, cli.code(), cli::toString);
      assertEquals("", cli.out());
      assertTrue(cli.err().startsWith("there is no command 'trian'\n"), cli::err);
      assertTrue(cli.err().matches("(?s).*Did you mean: .*\\btrain\\b.*"), cli::err);
    }
    Cli option = Cli.run("--versoin");
    assertEquals(2, option.code());
    assertTrue(option.err().startsWith("there is no option '--versoin'\n"), option::err);
    assertTrue(option.err().contains("--version"), option::err);
    Cli strange = Cli.run("xqzw");
    assertEquals(2, strange.code());
    assertTrue(strange.err().startsWith("there is no command 'xqzw'\n"), strange::err);
  }

  @Test
  void nothingAtAllIsAnsweredWithTheCommands() {
    Cli nothing = Cli.run();
    assertEquals(2, nothing.code());
    assertTrue(nothing.err().contains("\n  train "), nothing::err);
  }

  /** What is said is what a training does that is not told otherwise. */
  @Test
  void helpOfTrainTellsTheDefaultsOfEachTask() {
    String printed = Cli.done("train", "--help").out();
    String help = printed.replaceAll("-\\s+(?=\\w)", "-").replaceAll("\\s+", " ");
    TaskDefaults.all()
        .forEach(
            (task, config) -> {
              said(help, "Updates. Unless given: ", config.steps(), task);
              said(help, "Sequences a step. Unless given: ", config.batchSize(), task);
              said(help, "after warm-up. Unless given: ", config.learningRate(), task);
              said(help, "to keep the best weights: ", TaskDefaults.measured(config), task);
            });
    said(help, "Updates. Unless given: ", 6000, "any --config");
  }

  private static void said(String help, String begin, Object value, String task) {
    String pattern =
        ".*%s[^.]*(0\\.\\d+ for [^.]*)*\\b%s for [^;.]*\\b%s\\b.*"
            .formatted(Pattern.quote(begin), Pattern.quote(value.toString()), task);
    assertTrue(help.matches(pattern), () -> pattern + " in " + help);
  }

  /** The parent's version in this module's pom. */
  @Test
  void version() throws IOException {
    Matcher version =
        Pattern.compile("<version>(.+)</version>").matcher(Files.readString(Path.of("pom.xml")));
    assertTrue(version.find());
    assertEquals("linformer " + version.group(1), Cli.done("--version").out().strip());
  }

  @Test
  void doctorFindsTensorFlow() {
    String found = Cli.done("doctor").out();
    assertTrue(found.contains("tensorflow " + TensorFlow.version()), found);
    assertTrue(found.matches("(?s).*\\ncpu +computes\\n.*"), found);
    assertTrue(found.matches("(?s).*\\nnatives +tensorflow-core-native-.*\\.jar\\n.*"), found);
    assertTrue(found.contains(System.getProperty("java.version")), found);
  }
}
