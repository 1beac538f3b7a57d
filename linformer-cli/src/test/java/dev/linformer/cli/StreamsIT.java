package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What each command writes to which stream, by the launcher in a process of its own: standard
 * output has the results alone, and standard error nothing of TensorFlow's while all is well.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a script for bash")
class StreamsIT {

  private static final String TRAINING =
      """
      preparing the data of the task copy
      \\d+ tokens: .+
      training in \\S+ from step 0 to 2; Ctrl-C stops it with a checkpoint
      step 1/2: .+
      step 2/2: .+
      """;

  @TempDir static Path folder = Path.of("");

  /**
   * A call, and what it prints.
   *
   * @param command its words
   * @param out expression for standard output
   * @param err expression for standard error
   */
  record Call(String command, String out, String err) {
    @Override
    public String toString() {
      return command;
    }
  }

  private static Call quiet(String command, String out) {
    return new Call(command, out, "");
  }

  static List<Call> calls() {
    String wrote = "wrote \\S+\n";
    return List.of(
        quiet("init --config encoder.json --out initialised", wrote),
        quiet("summary --config encoder.json --memory --plan", "(?s)layer .*"),
        quiet("predict --model encoder --input x.npy --output y.npy", ""),
        quiet(
            "export --model encoder --out exported --formats savedmodel,tfjs,onnx",
            "(?s)SavedModel: exported/1\n.*"),
        quiet("export-weights --to linformer-pytorch --model encoder --out w.safetensors", wrote),
        quiet(
            "import --from linformer-pytorch --config encoder.json --weights known.safetensors --out imported",
            wrote),
        quiet("visualize --model encoder --input x.npy --out heads.png", wrote),
        quiet("plot --log log.jsonl --out curves.png", wrote),
        quiet("generate --model language --prompt ab --max-tokens 2 --temperature 0", "(?s)ab.*\n"),
        new Call(
            "generate --model language --prompt ab --max-tokens 9 --temperature 0",
            "(?s)ab.*\n",
            "stopped after 5 of 9 tokens: [^\n]+\n"),
        new Call(
            "train --task copy --steps 2 --batch 7 --threads 1 --out trained"
                + " --set task.num_test=7 --set task.num_validation=7",
            "(?s)held-out examples +\\d+\naccuracy, this model .*\nmodel: +trained\nSavedModel: .*",
            TRAINING),
        new Call(
            "train --task copy --batch 7 --dry-run",
            "dry run: loss [^\n]+; nothing is written\n",
            "preparing the data of the task copy\n\\d+ tokens: .+\n"),
        new Call(
            "train --task copy --batch 7 --time-feeding 1",
            "a step, median of 1: [^\n]+\n",
            "preparing the data of the task copy\n\\d+ tokens: .+\n"),
        quiet("eval --model listops", "(?s)held-out examples +50\naccuracy, this model .*"),
        quiet("bench --suite cpu --only n=none --xla false", " +median ms +first ms +peak MiB\n"),
        quiet("doctor", "(?s)linformer .*\ncpu +computes\n.*"),
        quiet("help train", "(?s)Usage: linformer train .*"),
        quiet("completion", "(?s)#!/usr/bin/env bash\n.*"),
        quiet("man", "(?s)\\.TH \"LINFORMER\" .*"));
  }

  @BeforeAll
  static void make() throws IOException {
    assumeTrue(Files.isRegularFile(Path.of("target", "classpath")), "the launcher would build");
    Path encoder = Files.writeString(folder.resolve("encoder.json"), Fixtures.ENCODER);
    Cli.done("init", "--config", encoder, "--out", folder.resolve("encoder"));
    Cli.done(
        "export-weights",
        "--to",
        "linformer-pytorch",
        "--model",
        folder.resolve("encoder"),
        "--out",
        folder.resolve("known.safetensors"));
    Fixtures.npy(folder.resolve("x.npy"), "<f4", "(1, 6, 4)", new byte[4 * 6 * 4]);
    Files.writeString(folder.resolve("log.jsonl"), "{\"step\": 1, \"loss\": 2.5}\n");
    String language =
        """
        {"model_type": "lm", "num_tokens": 256, "input_size": 6, "channels": 4, "dim_k": 3,
         "dim_ff": 7, "nhead": 2, "causal": true}""";
    Path model = folder.resolve("language");
    Cli.done("init", "--config", Fixtures.config(folder, language), "--out", model);
    Fixtures.trained(folder.resolve("listops"), Fixtures.config(folder, Fixtures.CLASSIFIER));
  }

  /**
   * Runs the launcher in the folder.
   *
   * @param name of the files that its streams go to
   */
  private static int run(String name, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("bash"));
    command.add(Path.of("..", "linformer").toAbsolutePath().toString());
    command.addAll(Arrays.asList(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(folder.resolve(name + ".out").toFile())
            .redirectError(folder.resolve(name + ".err").toFile());
    builder.environment().remove("TF_CPP_MIN_LOG_LEVEL");
    return builder.start().waitFor();
  }

  private static String read(String name) throws IOException {
    return Files.readString(folder.resolve(name), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @MethodSource("calls")
  void resultsStandAlone(Call call) throws Exception {
    String name = Integer.toHexString(call.command().hashCode());
    int code = run(name, call.command().split(" "));
    String err = read(name + ".err");
    String out = read(name + ".out");
    assertEquals(0, code, err);
    assertTrue(err.matches(call.err()), err);
    assertTrue(out.matches(call.out()), out);
  }

  @Test
  void everyCommandIsAmongThem() {
    Set<String> called = new TreeSet<>();
    calls().forEach(call -> called.add(call.command().split(" ", 2)[0]));
    assertEquals(new TreeSet<>(HelpTest.commands()), called);
  }

  /** A work of a benchmark, as the programs that compare read it: one object, and no more. */
  @Test
  void aWorkIsOneLineOfJson() throws Exception {
    String work = BenchCommandTest.WORK.formatted(false, "C0", "float32");
    assertEquals(0, run("work", "bench", "--work", work), read("work.err"));
    assertEquals("", read("work.err"));
    assertEquals(1, read("work.out").lines().count());
    assertTrue(new ObjectMapper().readTree(read("work.out")).has("median_ms"));
  }

  @Test
  void whatIsWrongIsOnStandardErrorAlone() throws Exception {
    assertEquals(2, run("bad", "eval", "--model", "nowhere"));
    assertEquals("", read("bad.out"));
    assertEquals(1, read("bad.err").lines().count(), read("bad.err"));
  }

  /** What TensorFlow logs of errors is still told; whoever asks for more gets it. */
  @Test
  void theUsersLevelHolds() throws Exception {
    List<String> command =
        List.of(
            "env",
            "TF_CPP_MIN_LOG_LEVEL=0",
            "bash",
            Path.of("..", "linformer").toAbsolutePath().toString(),
            "doctor");
    try (Child child = Child.start(command)) {
      assertEquals(0, child.end(Child.PATIENCE), child::output);
      assertTrue(child.output().contains("MLIR V1 optimization pass is not enabled"));
    }
  }
}
