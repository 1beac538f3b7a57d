package dev.linformer.notebooks;

import dev.linformer.export.Commands;
import dev.linformer.export.Python;
import dev.linformer.export.Venv;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Notebooks in the JJava kernel, started the way that README.md tells a user. */
final class Kernel {

  private static final Venv VENV =
      new Venv(
          "notebooks",
          List.of("jjava==1.0a8", "nbclient==0.11.0", "nbconvert==7.17.2", "pillow==13.0.0"));

  private Kernel() {}

  /** Installs what is needed, if it isn't there. */
  static void install() throws IOException {
    VENV.python();
    Python.interpreter();
  }

  /**
   * Runs notebooks; fails with what was printed unless all cells do well.
   *
   * @param jvm options of the kernel's virtual machine
   * @param limit of all together
   * @param arguments of run.py
   * @return what it printed
   */
  static String run(String jvm, Duration limit, List<String> arguments) throws IOException {
    List<String> command =
        new ArrayList<>(List.of("bash", path("start"), VENV.python().toString(), path("run.py")));
    command.addAll(arguments);
    String java = Path.of(System.getProperty("java.home"), "bin").toString();
    return Commands.run(
        command,
        limit,
        Map.of(
            "PATH",
            java + File.pathSeparator + System.getenv("PATH"),
            "JJAVA_JVM_OPTS",
            jvm,
            "LINFORMER_PYTHON",
            Python.interpreter().toString()));
  }

  private static String path(String file) {
    return Path.of(file).toAbsolutePath().toString();
  }
}
