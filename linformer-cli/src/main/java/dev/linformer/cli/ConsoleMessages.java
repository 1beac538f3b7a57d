package dev.linformer.cli;

import dev.linformer.model.train.TrainingMessages;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;

/** What people read while a command runs: on standard error, so that the results stand alone. */
record ConsoleMessages(CommandSpec spec) implements TrainingMessages {

  @Override
  public void info(String line) {
    print(line);
  }

  @Override
  public void warn(String line) {
    print(line);
  }

  private void print(String line) {
    PrintWriter console = spec.commandLine().getErr();
    console.println(ErrorMessage.line(line));
    console.flush();
  }
}
