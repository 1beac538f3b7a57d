package dev.linformer.cli;

import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;

/** What a command was asked for, on standard output: a text of one or more lines. */
record Results(CommandSpec spec) {

  void print(String text) {
    PrintWriter out = spec.commandLine().getOut();
    text.lines().map(ErrorMessage::line).forEach(out::println);
    out.flush();
  }
}
