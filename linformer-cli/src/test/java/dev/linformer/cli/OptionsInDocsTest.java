package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** Commands and options that the documentation shows are those of the command line. */
class OptionsInDocsTest {

  private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--[a-z][a-z-]*");
  private static final Pattern QUOTED = Pattern.compile("'[^']*'|\"[^\"]*\"");
  private static final Pattern CALL =
      Pattern.compile("(?:^|[\\s(])(?:\\./)?linformer ([a-z][a-z-]*)([^;|&#]*)");
  private static final Pattern SHORT_CALL = Pattern.compile("^([a-z][a-z-]*) (--.*)$");

  /** The options of each command but {@code --help} and {@code --version}. */
  static Map<String, Set<String>> commands() {
    Map<String, Set<String>> commands = new TreeMap<>();
    Main.commandLine()
        .getSubcommands()
        .forEach((name, command) -> commands.put(name, options(command)));
    return commands;
  }

  private static Set<String> options(CommandLine command) {
    return command.getCommandSpec().options().stream()
        .filter(option -> !option.hidden() && !option.usageHelp() && !option.versionHelp())
        .map(OptionSpec::longestName)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> optionsIn(String text) {
    return OPTION
        .matcher(text)
        .results()
        .map(MatchResult::group)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void theReadmeHasEveryCommandWithItsOptions() throws IOException {
    Map<String, Set<String>> documented = new TreeMap<>();
    for (List<String> row : Markdown.read("README.md").table("command", "options")) {
      documented.put(row.get(0).replace("`", ""), optionsIn(row.get(1)));
    }
    assertEquals(commands(), documented);
  }

  @Test
  void thePageOfExportsHasEveryOption() throws IOException {
    Set<String> documented = new TreeSet<>(Set.of("--model", "--out"));
    for (List<String> row : Markdown.read("docs/export.md").table("option", "default")) {
      documented.addAll(optionsIn(row.get(0)));
    }
    assertEquals(commands().get("export"), documented);
  }

  @Test
  void callsHaveCommandsAndOptionsThatExist() throws IOException {
    Map<String, Set<String>> commands = commands();
    List<String> wrong = new ArrayList<>();
    int calls = 0;
    for (Markdown page : Markdown.all()) {
      for (String line : Stream.concat(page.commands().stream(), page.spans().stream()).toList()) {
        for (String call : calls(line, commands.keySet())) {
          calls++;
          String command = call.substring(0, call.indexOf(' '));
          Set<String> known = commands.getOrDefault(command, Set.of());
          Set<String> unknown = optionsIn(QUOTED.matcher(call).replaceAll(""));
          unknown.removeAll(known);
          unknown.remove("--help");
          if (!commands.containsKey(command) || !unknown.isEmpty()) {
            wrong.add(page.name() + ": " + line);
          }
        }
      }
    }
    assertTrue(calls > 30, "calls are found");
    assertEquals(List.of(), wrong);
  }

  /** Calls of the launcher in a line; a line that begins with a command and an option is one. */
  private static List<String> calls(String line, Set<String> commands) {
    List<String> calls = new ArrayList<>();
    CALL.matcher(line).results().forEach(call -> calls.add(call.group(1) + " " + call.group(2)));
    SHORT_CALL
        .matcher(line)
        .results()
        .filter(call -> commands.contains(call.group(1)))
        .forEach(call -> calls.add(call.group(1) + " " + call.group(2)));
    return calls;
  }
}
