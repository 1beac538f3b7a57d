package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights that are no numbers are neither written nor used, and how a training may end besides. */
class SpoiltWeightsTest {

  private static final String CAUSAL =
      """
      {"model_type": "lm", "input_size": 24, "channels": 8, "dim_k": 4, "dim_ff": 16, "nhead": 2,
       "num_tokens": 256, "causal": true}""";

  @TempDir static Path folder = Path.of("");

  @BeforeAll
  static void spoil() throws IOException {
    Path causal = folder.resolve("causal");
    Cli.done("init", "--config", Fixtures.config(folder, CAUSAL), "--out", causal);
    Path encoder = folder.resolve("encoder");
    Cli.done("init", "--config", Fixtures.config(folder, Fixtures.ENCODER), "--out", encoder);
    Path trained = folder.resolve("trained");
    Fixtures.trained(trained, Fixtures.config(folder, Fixtures.CLASSIFIER));
    for (Path model : List.of(causal, encoder, trained)) {
      spoilLast(model.resolve("model.safetensors"));
    }
  }

  /** The last value of the last weight. */
  private static void spoilLast(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer nan = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
      channel.write(nan.putFloat(0, Float.NaN), channel.size() - 4);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "export --model {}/causal --out {}/exported",
        "generate --model {}/causal --prompt a",
        "predict --model {}/causal --input {}/x.npy --output {}/y.npy",
        "export-weights --to linformer-pytorch --model {}/encoder --out {}/weights.safetensors",
        "import --from linformer-pytorch --config {}/encoder/config.json --weights {}/encoder/model.safetensors --out {}/imported",
        "visualize --model {}/causal --text a --out {}/x.png",
        "eval --model {}/trained"
      })
  void commandsRefuseAModelWithSuchWeights(String line) throws IOException {
    Fixtures.npy(folder.resolve("x.npy"), "<i4", "(1, 24)", new byte[4 * 24]);
    Cli cli = Cli.run((Object[]) line.replace("{}", folder.toString()).split(" "));
    assertEquals(2, cli.code(), cli::toString);
    assertTrue(cli.err().contains("model.safetensors: the weight "), cli.err());
    assertTrue(cli.err().contains(" has the value NaN at index "), cli.err());
    for (String written :
        List.of("exported", "y.npy", "weights.safetensors", "imported", "x.png")) {
      assertFalse(Files.exists(folder.resolve(written)), written);
    }
  }

  private static Cli train(Path out, Object... settings) throws IOException {
    Path config = Fixtures.config(folder, Fixtures.CLASSIFIER);
    Object[] all = {
      "train",
      "--config",
      config,
      "--out",
      out,
      "--batch",
      8,
      "--threads",
      1,
      "--set",
      "task.num_train=200",
      "--set",
      "task.num_validation=20",
      "--set",
      "task.num_test=20"
    };
    Object[] arguments = Arrays.copyOf(all, all.length + settings.length);
    System.arraycopy(settings, 0, arguments, all.length, settings.length);
    return Cli.run(arguments);
  }

  @Test
  void aTrainingWhoseLastUpdateSpoiltThemLeavesNone() throws IOException {
    Path out = folder.resolve("spoilt");
    Cli cli =
        train(
            out,
            "--steps",
            1,
            "--learning-rate",
            "3e38",
            "--set",
            "training_args.warmup_steps=0",
            "--set",
            "training_args.weight_decay=3e38");
    assertEquals(1, cli.code(), cli::toString);
    assertTrue(cli.err().contains("is no number any more after step 1, and nothing"), cli.err());
    for (String written : List.of("model.safetensors", "checkpoints", "saved_model")) {
      assertFalse(Files.exists(out.resolve(written)), written);
    }
  }

  /** Weights that are numbers, and so large that the loss is none. */
  @Test
  void aTrainingWhoseModelComputesNoNumbersLeavesNoModel() throws IOException {
    Path out = folder.resolve("large");
    Cli cli =
        train(
            out, "--steps", 1, "--learning-rate", "1e38", "--set", "training_args.warmup_steps=0");
    assertEquals(1, cli.code(), cli::toString);
    assertTrue(cli.err().contains("too large for float32"), cli.err());
    assertFalse(Files.exists(out.resolve("model.safetensors")));
    assertFalse(Files.exists(out.resolve("saved_model")));
  }

  /** The learning rate is so small that nothing is learnt: no measurement is better. */
  @Test
  void aTrainingThatStopsEarlySaysSo() throws IOException {
    Cli cli =
        train(
            folder.resolve("early"),
            "--steps",
            40,
            "--learning-rate",
            "1e-30",
            "--set",
            "training_args.eval_steps=3",
            "--set",
            "training_args.early_stopping_patience=2");
    assertEquals(0, cli.code(), cli::toString);
    List<String> said =
        cli.out().lines().filter(line -> line.startsWith("stopped early ")).toList();
    assertEquals(1, said.size(), cli.out());
    String expected =
        "stopped early after step 9 of 40: the loss on the validation examples fell no more after step 3, where it was ";
    assertTrue(said.get(0).startsWith(expected), said.get(0));
  }
}
