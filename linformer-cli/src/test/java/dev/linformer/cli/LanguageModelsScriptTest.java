package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.export.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several runs at a time by benchmarks/language_models.sh, with a program that trains nothing. */
class LanguageModelsScriptTest {

  /** Waits until three runs have begun, so that it never ends if they aren't made together. */
  private static final String PROGRAM =
      """
      #!/usr/bin/env bash
      [ "$1" = train ] || exit 0
      folder=$(dirname "$0")
      while [ "$1" != --out ] && [ "$1" != --resume ]; do shift; done
      echo "$1 $(basename "$2")" >>"$folder/begun"
      for ((i = 0; i < 600 && $(wc -l <"$folder/begun") < 3; i++)); do sleep 0.1; done
      [ $i -lt 600 ] || exit 9
      mkdir -p "$2"
      echo '{"global_step":7,"evaluation":{"bits_per_byte":2.5,"accuracy":0.375}}' >"$2/trainer_state.json"
      echo '{"step":7,"seconds":3.0}' >"$2/log.jsonl"
      if [[ $2 == *-k128 ]] && [ "$(grep -c k128 "$folder/begun")" = 1 ]; then
        rm "$2/log.jsonl"
        echo '{"global_step":3}' >"$2/trainer_state.json"
        echo "linformer train: the device is gone"
        exit 3
      fi
      echo 12345 >"$2/model.safetensors"
      """;

  @TempDir Path folder;

  private List<String> run(int code) throws IOException {
    Path script = Path.of("..", "benchmarks", "language_models.sh").toAbsolutePath().normalize();
    String program = folder.resolve("program").toString();
    List<String> command = List.of(script.toString(), "7", folder.resolve("runs").toString());
    Map<String, String> environment =
        Map.of(
            "LINFORMER",
            program,
            "TEXT",
            program,
            "ONLY",
            "causal-lm-(full|k128|k64)$",
            "JOBS",
            "3");
    Path here = Path.of("").toAbsolutePath();
    return Commands.run(code, command, here, Child.PATIENCE, environment).lines().toList();
  }

  @Test
  void oneRunFailsAlone() throws Exception {
    Path program = Files.writeString(folder.resolve("program"), PROGRAM);
    assertTrue(program.toFile().setExecutable(true));
    List<String> lines = run(1);
    Path log = folder.resolve("runs").resolve("causal-lm-k128.log");
    String failure =
        "causal-lm-k128: FAILED with exit code 3; %s ends with: linformer train: the device is gone"
            .formatted(log);
    assertEquals(
        List.of(failure, "causal-lm-full: done", "causal-lm-k64: done"),
        Stream.concat(
                lines.stream().filter(failure::equals),
                lines.stream().filter(line -> line.endsWith(": done")).sorted())
            .toList());
    assertEquals(
        List.of(
            "| causal-lm-full | 7 | 2.500 | 37.5 % | 6 | 3 |",
            "| causal-lm-k64 | 7 | 2.500 | 37.5 % | 6 | 3 |"),
        lines.subList(5, lines.size()));

    lines = run(0);
    assertEquals("causal-lm-k128: done", lines.get(0));
    assertEquals("| causal-lm-k128 | 7 | 2.500 | 37.5 % | 6 | 3 |", lines.get(4));
    List<String> begun = Files.readAllLines(folder.resolve("begun"));
    assertEquals("--resume causal-lm-k128", begun.get(3));
    assertEquals(4, begun.size());
  }
}
