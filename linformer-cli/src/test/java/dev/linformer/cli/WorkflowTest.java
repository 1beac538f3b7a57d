package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.export.ExportedLinformer;
import dev.linformer.export.SignatureName;
import dev.linformer.export.SignatureOutputs;
import dev.linformer.model.internal.weights.NpyFile;
import dev.linformer.model.internal.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.ndarray.Shape;

/** From a configuration to numbers, along every command but train and eval. */
class WorkflowTest {

  private static final int SEQUENCE = 6 * 4;

  @Test
  void anEncoderComputesTheSameEverywhere(@TempDir Path folder) throws IOException {
    Path model = init(folder, Fixtures.ENCODER);
    Path input = folder.resolve("x.npy");
    float[] x = vectors(3);
    NpyFile.write(input, Shape.of(3, 6, 4), x);
    Path output = folder.resolve("y.npy");
    Cli.done("predict", "--model", model, "--input", input, "--output", output);
    NpyFile y = NpyFile.read(output);
    assertEquals(Shape.of(3, 6, 4), y.shape());
    try (ExportedLinformer exported = ExportedLinformer.load(export(model, folder))) {
      assertArrayEquals(exported.encode(x), y.floats());
    }
  }

  @Test
  void aClassifierComputesTheSameEverywhere(@TempDir Path folder) throws IOException {
    Path model = init(folder, Fixtures.CLASSIFIER);
    int[] tokens = new Random(1).ints(2 * 24, 0, 16).toArray();
    Path input = Fixtures.ints(folder.resolve("tokens.npy"), "(2, 24)", tokens);
    Path output = folder.resolve("logits.npy");
    Cli.done("predict", "--model", model, "--input", input, "--output", output);
    NpyFile logits = NpyFile.read(output);
    assertEquals(Shape.of(2, 10), logits.shape());
    try (ExportedLinformer exported = ExportedLinformer.load(export(model, folder))) {
      assertArrayEquals(exported.logits(tokens), logits.floats());
    }
  }

  /** Seventy rows are computed in three parts. */
  @Test
  void manyRowsAreComputedInTheirOrder(@TempDir Path folder) throws IOException {
    int rows = 70;
    Path model = init(folder, Fixtures.ENCODER);
    Path input = folder.resolve("x.npy");
    float[] x = vectors(rows);
    NpyFile.write(input, Shape.of(rows, 6, 4), x);
    Path output = folder.resolve("y.npy");
    Cli.done("predict", "--model", model, "--input", input, "--output", output);
    NpyFile y = NpyFile.read(output);
    assertEquals(Shape.of(rows, 6, 4), y.shape());
    try (ExportedLinformer exported = ExportedLinformer.load(export(model, folder))) {
      for (int row = 0; row < rows; row++) {
        int from = row * SEQUENCE;
        float[] alone = exported.encode(Arrays.copyOfRange(x, from, from + SEQUENCE));
        float[] among = Arrays.copyOfRange(y.floats(), from, from + SEQUENCE);
        assertArrayEquals(alone, among, 1e-5f, "row " + row);
      }
    }
  }

  @Test
  void predictReplacesItsOutput(@TempDir Path folder) throws IOException {
    Path model = init(folder, Fixtures.ENCODER);
    Path input = folder.resolve("x.npy");
    NpyFile.write(input, Shape.of(1, 6, 4), vectors(1));
    Path output = Files.writeString(folder.resolve("y.npy"), "older");
    Cli.done("predict", "--model", model, "--input", input, "--output", output);
    assertEquals(SEQUENCE, NpyFile.read(output).floats().length);
  }

  @Test
  void aSeedGivesTheSameBytes(@TempDir Path folder) throws IOException {
    Path config = Fixtures.config(folder, Fixtures.ENCODER);
    Path first = folder.resolve("first");
    Path second = folder.resolve("second");
    Path other = folder.resolve("other");
    Cli.done("init", "--config", config, "--out", first, "--seed", 5);
    Cli.done("init", "--config", config, "--out", second, "--seed", 5);
    Cli.done("init", "--config", config, "--out", other, "--seed", 6);
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      assertEquals(-1, Files.mismatch(first.resolve(file), second.resolve(file)), file);
    }
    assertFalse(
        Files.mismatch(first.resolve("model.safetensors"), other.resolve("model.safetensors"))
            == -1);
  }

  @Test
  void initTellsWhatItWrote(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("a/b");
    Cli cli = Cli.done("init", "--config", Fixtures.config(folder, Fixtures.ENCODER), "--out", out);
    assertEquals("wrote " + out, cli.out().strip());
    JsonNode config = new ObjectMapper().readTree(out.resolve("config.json").toFile());
    assertEquals("linformer", config.get("model_type").textValue());
    assertEquals(6, config.get("input_size").intValue());
    assertEquals("layerwise", config.get("parameter_sharing").textValue());
  }

  @Test
  void summaryCountsWhatTheFileHolds(@TempDir Path folder) throws IOException {
    for (String config : new String[] {Fixtures.ENCODER, Fixtures.CLASSIFIER}) {
      Path file = Fixtures.config(folder, config);
      JsonNode summary =
          new ObjectMapper().readTree(Cli.done("summary", "--config", file, "--json").out());
      Path model = folder.resolve("model" + config.length());
      Cli.done("init", "--config", file, "--out", model);
      long values = 0;
      try (SafetensorsFile weights = SafetensorsFile.open(model.resolve("model.safetensors"))) {
        for (String name : weights.names()) {
          values += weights.shape(name).size();
        }
      }
      assertEquals(values, summary.get("parameters").longValue());
      assertEquals(4 * values, summary.get("bytes").longValue());
      long layers = 0;
      for (JsonNode layer : summary.get("layers")) {
        layers += layer.get("parameters").longValue();
      }
      assertEquals(values, layers);
      String table = Cli.done("summary", "--config", file).out();
      String total = String.format(Locale.ROOT, "parameters %,d, trainable ", values);
      assertTrue(table.contains(total), table);
    }
  }

  @Test
  void exportTellsHowToLoad(@TempDir Path folder) throws IOException {
    Path saved = folder.resolve("saved_model");
    Path model = init(folder, Fixtures.ENCODER);
    for (int again = 1; again <= 2; again++) {
      String told = Cli.done("export", "--model", model, "--out", saved).out();
      Path version = saved.resolve(String.valueOf(again));
      assertTrue(told.contains("tf.saved_model.load(\"" + version + "\")"), told);
      assertTrue(told.contains("ExportedLinformer.load(Path.of(\"" + version + "\"))"), told);
    }
  }

  @Test
  void exportsEveryFormatThatIsAskedFor(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("export");
    String told =
        Cli.done(
                "export",
                "--model",
                init(folder, Fixtures.CLASSIFIER),
                "--out",
                out,
                "--formats",
                "savedmodel,frozen,tflite-ready,tfjs,onnx",
                "--signatures",
                "serving_default,attention",
                "--attention-layers",
                "0",
                "--lengths",
                "any")
            .out();
    for (String file :
        new String[] {
          "saved_model.pb",
          "frozen/model.pb",
          "tflite-ready/saved_model.pb",
          "tfjs/serving_default/model.json",
          "tfjs/attention/model.json",
          "onnx/serving_default.onnx",
          "onnx/attention.onnx"
        }) {
      Path written = out.resolve("1").resolve(file);
      assertTrue(Files.isRegularFile(written), file);
      String part = file.substring(0, Math.max(0, file.indexOf('/')));
      assertTrue(told.contains(out.resolve("1").resolve(part).toString()), told);
    }
    try (ExportedLinformer exported = ExportedLinformer.load(out)) {
      int[] tokens = {3, 1, 2};
      boolean[] mask = {true, true, false};
      SignatureOutputs answer =
          exported
              .request(SignatureName.ATTENTION)
              .with("tokens", tokens, 1, 3)
              .with("mask", mask, 1, 3)
              .run();
      assertEquals(Shape.of(1, 2, 3, 4), answer.shape("attention_0"));
    }
  }

  private static Path init(Path folder, String config) throws IOException {
    Path model = folder.resolve("model");
    Cli.done("init", "--config", Fixtures.config(folder, config), "--out", model, "--seed", 3);
    return model;
  }

  private static Path export(Path model, Path folder) {
    Path saved = folder.resolve("saved_model");
    Cli.done("export", "--model", model, "--out", saved);
    return saved;
  }

  private static float[] vectors(int rows) {
    Random random = new Random(rows);
    float[] x = new float[rows * SEQUENCE];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }
}
