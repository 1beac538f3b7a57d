package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
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

  /** In the locale C, what a prompt says and a folder is called stays, and what is printed. */
  @Test
  void everyLocaleHasTheSameBytes(@TempDir Path folder) throws Exception {
    Path config =
        Fixtures.config(
            folder,
            """
            {"model_type": "lm", "num_tokens": 256, "input_size": 40, "channels": 4, "dim_k": 3,
             "dim_ff": 7, "nhead": 2, "causal": true}""");
    String script =
        """
        cd "$2"
        name=$(printf 'caf\\303\\251')
        unset LC_ALL LC_CTYPE; export LANG=C
        bash "$1" init --config "$3" --out "$name" > wrote || exit
        printf 'wrote caf\\303\\251\\n' | cmp - wrote || exit
        prompt=$(printf 'na\\303\\257ve \\316\\251')
        bash "$1" generate --model "$name" --prompt "$prompt" --temperature 0 > told || exit
        mv "$name" model
        """;
    List<String> command =
        List.of(
            "bash",
            "-c",
            script,
            "bash",
            LAUNCHER.toString(),
            folder.toString(),
            config.toString());
    try (Child child = Child.start(command)) {
      assertEquals(0, child.end(Child.PATIENCE), child::output);
    }
    String told = Files.readString(folder.resolve("told"), StandardCharsets.UTF_8);
    assertTrue(told.startsWith("na\u00efve \u03a9"), told);
    Object[] here = {
      "generate",
      "--model",
      folder.resolve("model"),
      "--prompt",
      "na\u00efve \u03a9",
      "--temperature",
      0
    };
    assertEquals(Cli.run(here).out(), told); // on standard error, where it stopped
  }

  @Test
  void standardOutputMayBeTheOutput(@TempDir Path folder) throws Exception {
    Path model = folder.resolve("model");
    Cli.done("init", "--config", Fixtures.config(folder, Fixtures.ENCODER), "--out", model);
    Path file = folder.resolve("file");
    Cli.done("export-weights", "--to", "linformer-pytorch", "--model", model, "--out", file);
    String script =
        "export TF_CPP_MIN_LOG_LEVEL=3; bash \"$1\" export-weights --to linformer-pytorch --model \"$2\" --out /dev/stdout > \"$3\"";
    Path redirected = folder.resolve("redirected");
    try (Child child =
        Child.start(
            List.of(
                "bash",
                "-c",
                script,
                "bash",
                LAUNCHER.toString(),
                model.toString(),
                redirected.toString()))) {
      assertEquals(0, child.end(Child.PATIENCE), child::output);
      assertTrue(child.output().endsWith("wrote /dev/stdout"), child::output);
    }
    assertEquals(-1, Files.mismatch(file, redirected));
  }

  @Test
  void resultsThatCannotBePrintedAreAFailure(@TempDir Path folder) throws Exception {
    assumeTrue(Files.exists(Path.of("/dev/full")));
    try (Child child =
        Child.start(
            List.of("bash", "-c", "bash \"$1\" --help > /dev/full", "bash", LAUNCHER.toString()))) {
      assertEquals(1, child.end(Child.PATIENCE), child::output);
      assertEquals("linformer: standard output can't be written to", child.output());
    }
  }

  /** The second run finds what the first one compiled. */
  @Test
  void keepsWhatXlaCompiles(@TempDir Path folder) throws Exception {
    Path cache = folder.resolve("a cache");
    Map<String, FileTime> first = compiled(folder.resolve("first"), cache);
    assertFalse(first.isEmpty());
    assertEquals(first, compiled(folder.resolve("second"), cache));
  }

  /** What a training leaves in the cache: files, and when they were written. */
  private static Map<String, FileTime> compiled(Path out, Path cache) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("env", "-u", "TF_XLA_FLAGS", "XDG_CACHE_HOME=" + cache, "bash"));
    command.addAll(
        List.of(
            ("%s train --task copy --xla true --threads 1 --steps 2 --batch 7 --out %s"
                    + " --set task.num_test=7 --set task.num_validation=7")
                .formatted(LAUNCHER, out)
                .split(" ")));
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
