package dev.linformer.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi.Text;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The manual page of a program and its commands, in roff with the macros of man(7). */
final class ManPage {

  private static final int FIRST_PRINTABLE = 0x20;
  private static final int LAST_PRINTABLE = 0x7e;

  private final List<String> lines = new ArrayList<>();

  private ManPage() {}

  /**
   * The text of the page.
   *
   * @param program with all its commands
   */
  static String of(CommandSpec program) {
    ManPage page = new ManPage();
    page.write(program);
    return String.join("\n", page.lines) + "\n";
  }

  private void write(CommandSpec program) {
    String name = program.name();
    macro("TH", name.toUpperCase(Locale.ROOT), "1", "", program.version()[0]);
    macro("SH", "NAME");
    text(name + " - " + described(program.commandLine().getHelp()));
    macro("SH", "SYNOPSIS");
    text(name + " COMMAND [OPTION]...");
    macro("SH", "COMMANDS");
    program.subcommands().values().forEach(this::command);
    macro("SH", "EXIT STATUS");
    entry("0", "done");
    entry("1", "failed");
    entry("2", "input that you can mend");
    macro("SH", "ENVIRONMENT");
    entry("JAVA_OPTS", "options of Java");
    entry("JAVA_HOME", "the JDK, of version 17 or later, that is used");
    entry("MAVEN_ARGS", "options of the build that the launcher runs");
    entry(
        "TF_CPP_MIN_LOG_LEVEL", "what TensorFlow logs: 0 all, 1 warnings, 2, the default, errors");
  }

  private void command(CommandLine command) {
    CommandSpec spec = command.getCommandSpec();
    Help help = command.getHelp();
    macro("SS", spec.qualifiedName());
    text(described(help));
    for (OptionSpec option : spec.options()) {
      if (!option.hidden() && !option.usageHelp() && !option.versionHelp()) {
        option(help, option);
      }
    }
    macro("PP");
    macro("EX");
    for (String line : spec.usageMessage().footer()) {
      text(line);
    }
    macro("EE");
  }

  private static String described(Help help) {
    return help.description().lines().map(String::strip).collect(Collectors.joining(" "));
  }

  /** As in {@code --help}: the name with its parameter, and under it what it is. */
  private void option(Help help, OptionSpec option) {
    Text[][] rows =
        help.createDefaultOptionRenderer()
            .render(option, help.createDefaultParamLabelRenderer(), help.colorScheme());
    int last = rows[0].length - 1;
    List<String> description = new ArrayList<>();
    for (Text[] row : rows) {
      description.add(row[last].plainString());
    }
    entry(
        rows[0][last - 1].plainString(),
        description.stream().filter(line -> !line.isBlank()).collect(Collectors.joining(" ")));
  }

  private void entry(String term, String meaning) {
    macro("TP");
    lines.add("\\fB" + escaped(term) + "\\fR");
    text(meaning);
  }

  private void macro(String name, String... arguments) {
    StringBuilder line = new StringBuilder("." + name);
    for (String argument : arguments) {
      line.append(" \"").append(escaped(argument)).append('"');
    }
    lines.add(line.toString());
  }

  /** A line that is no macro, however it begins. */
  private void text(String line) {
    lines.add("\\&" + escaped(line));
  }

  /** A hyphen is a minus, which can be copied from the page; what isn't ASCII is a number. */
  private static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .forEach(
            each -> {
              switch (each) {
                case '\\' -> escaped.append("\\e");
                case '-' -> escaped.append("\\-");
                case '"' -> escaped.append("\\(dq");
                case '\'' -> escaped.append("\\(aq");
                case '`' -> escaped.append("\\(ga");
                case '^' -> escaped.append("\\(ha");
                case '~' -> escaped.append("\\(ti");
                default -> {
                  boolean ascii = each >= FIRST_PRINTABLE && each <= LAST_PRINTABLE;
                  if (ascii) {
                    escaped.appendCodePoint(each);
                  } else {
                    escaped.append(String.format(Locale.ROOT, "\\[u%04X]", each));
                  }
                }
              }
            });
    return escaped.toString();
  }
}
