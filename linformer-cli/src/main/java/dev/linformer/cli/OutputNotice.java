package dev.linformer.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/**
 * What a command says of the file or folder that it has written. Where that is no file but a pipe,
 * a device or standard output, it goes to standard error, so that it isn't mixed with the content.
 */
final class OutputNotice {

  private OutputNotice() {}

  static void say(CommandSpec spec, Path out) {
    CommandLine command = spec.commandLine();
    boolean named = Files.isDirectory(out) || (Files.isRegularFile(out) && !out.startsWith("/dev"));
    PrintWriter console = named ? command.getOut() : command.getErr();
    console.println(ErrorMessage.line("wrote " + out));
  }
}
