package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The script in the project's folder, on what the build has just packaged. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "it is a script for bash")
class LauncherIT {

  private static final Path LAUNCHER = Path.of("..", "linformer").toAbsolutePath();

  @BeforeEach
  void isPackaged() {
    assumeTrue(Files.isRegularFile(Path.of("target", "classpath")), "the launcher would build");
  }

  @Test
  void helps() throws Exception {
    String printed = run(0, "--help");
    assertTrue(printed.startsWith("Usage: linformer [-hV] COMMAND"), printed);
  }

  @Test
  void loadsTensorFlow() throws Exception {
    String printed = run(0, "doctor");
    assertTrue(printed.matches("(?s).*\\ncpu +computes\\n.*"), printed);
  }

  @Test
  void passesExitCodeAndArgumentsOn() throws Exception {
    String printed = run(2, "summary", "--config", "no such file");
    assertTrue(printed.contains("linformer summary: no such file: no such file"), printed);
  }

  private static String run(int code, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("bash", LAUNCHER.toString()));
    command.addAll(List.of(arguments));
    try (Child child = Child.start(command)) {
      assertEquals(code, child.end(Child.PATIENCE), child::output);
      return child.output() + "\n";
    }
  }
}
