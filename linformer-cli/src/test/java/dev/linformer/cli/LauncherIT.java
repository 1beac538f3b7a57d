package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

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

  /** The second run finds what the first one compiled. */
  @Test
  void keepsWhatXlaCompiles(@TempDir Path folder) throws Exception {
    Path cache = folder.resolve("cache");
    Map<String, FileTime> first = compiled(folder.resolve("first"), cache);
    assertFalse(first.isEmpty());
    assertEquals(first, compiled(folder.resolve("second"), cache));
  }

  /** What a training leaves in the cache: files, and when they were written. */
  private static Map<String, FileTime> compiled(Path out, Path cache) throws Exception {
    List<String> command =
        List.of(
            ("env -u TF_XLA_FLAGS XDG_CACHE_HOME=%s bash %s train --task copy --xla true --threads 1"
                    + " --steps 2 --batch 7 --out %s --set task.num_test=7 --set task.num_validation=7")
                .formatted(cache, LAUNCHER, out)
                .split(" "));
    try (Child child = Child.start(command)) {
      assertEquals(0, child.end(Child.PATIENCE), child::output);
    }
    Map<String, FileTime> files = new TreeMap<>();
    try (var found = Files.walk(cache.resolve("linformer").resolve("xla"))) {
      for (Path file : found.filter(Files::isRegularFile).toList()) {
        files.put(file.toString(), Files.getLastModifiedTime(file));
      }
    }
    return files;
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
