package dev.linformer.cli;

import dev.linformer.model.train.TrainingMessages;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;

/** Lines for people: information on standard output, warnings on standard error. */
record ConsoleMessages(CommandSpec spec) implements TrainingMessages {

  /** Says one or more lines. */
  @Override
  public void info(String text) {
    print(spec.commandLine().getOut(), text);
  }

  @Override
  public void warn(String line) {
    PrintWriter console = spec.commandLine().getErr();
    console.println(ErrorMessage.line(line));
    console.flush();
  }

  private static void print(PrintWriter console, String text) {
    text.lines().map(ErrorMessage::line).forEach(console::println);
    console.flush();
  }
}
