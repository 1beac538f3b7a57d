package dev.linformer.model.convert;

import static dev.linformer.model.Values.refusal;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.io.internal.Named;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ProjectionMethod;
import dev.linformer.model.WeightFile;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.ops.Activation;
import dev.linformer.ops.ArabicDigits;
import dev.linformer.ops.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

class WeightExportTest {

  @TempDir private Path folder = Path.of("");

  /** A model whose weights are all 0. */
  private ModelDirectory model(String keys) throws IOException {
    Path json = Files.writeString(folder.resolve("c.json"), "{" + keys + "}");
    ModelConfig config = ModelConfig.parse(JsonObjectReader.read(json));
    ModelDirectory directory = ModelDirectory.create(folder.resolve("model"));
    List<Parameter> parameters = Declared.by(config);
    List<FloatDataBuffer> zeros =
        parameters.stream().map(each -> DataBuffers.ofFloats(each.shape().size())).toList();
    WeightFile.write(directory.weightsFile(), parameters, zeros);
    directory.writeConfig(config);
    return directory;
  }

  private List<String> export(ModelDirectory model) throws IOException {
    return WeightExport.run("linformer-pytorch", model, folder.resolve("w.safetensors"));
  }

  private static String keys(String more) {
    return "\"input_size\": 8, \"channels\": 8, \"dim_k\": 4, \"nhead\": 2" + more;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          , "causal": true              | causal = true
          , "pre_norm": true            | pre_norm = true
          , "one_kv_head": true         | one_kv_head = true
          , "glu": true                 | glu = true
          , "method": "mean_pool"       | method = mean_pool
          , "method": "max_pool"        | method = max_pool
          , "model_type": "lm", "num_tokens": 5, "learned_pos_emb": true | learned_pos_emb = true
          , "model_type": "classifier", "num_tokens": 5, "num_classes": 3 | model_type = classifier
          """)
  void refusesByNameWhatTheReferenceLacks(String more, String option) throws IOException {
    ModelDirectory model = model(keys(more));
    assertEquals(
        model.configFile() + ": linformer-pytorch 0.19.3 has no counterpart of " + option,
        refusal(() -> export(model)));
    assertFalse(Files.exists(folder.resolve("w.safetensors")), "nothing is written");
  }

  /** What is new is either known to linformer-pytorch or refused by name. */
  @Test
  void everyMethodAndActivation() throws IOException {
    List<String> known =
        List.of(
            "method = learnable",
            "method = convolution",
            "method = no_params",
            "activation = gelu",
            "activation = relu");
    for (ProjectionMethod method : ProjectionMethod.values()) {
      requireKnown(known, "method", Named.key(method));
    }
    for (Activation activation : Activation.values()) {
      requireKnown(known, "activation", Named.key(activation));
    }
  }

  private void requireKnown(List<String> known, String key, String value) throws IOException {
    String option = key + " = " + value;
    Path json =
        Files.writeString(
            folder.resolve("config.json"),
            "{%s}".formatted(keys(", \"%s\": \"%s\"".formatted(key, value))));
    if (known.contains(option)) {
      assertEquals(
          ModelConfig.read(json), ForeignModel.read("linformer-pytorch", json).config(), option);
    } else {
      assertEquals(
          json + ": linformer-pytorch 0.19.3 has no counterpart of " + option,
          refusal(() -> ForeignModel.read("linformer-pytorch", json)));
    }
  }

  @Test
  void whatTheFileLacksIsSaid() throws IOException {
    List<String> notes = export(model(keys(", \"method\": \"no_params\"")));
    assertEquals(1, notes.size());
    assertTrue(notes.get(0).startsWith("the fixed matrices of method no_params are left out"));
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("w.safetensors"))) {
      assertTrue(file.names().stream().noneMatch(name -> name.contains("heads")));
    }
  }

  @Test
  void unusedConvolutionsOfFullAttention() throws IOException {
    String more = ", \"method\": \"convolution\", \"full_attention\": true, \"depth\": 2";
    List<String> notes =
        export(model(keys(more + ", \"parameter_sharing\": \"kv\", \"k_reduce_by_layer\": 2")));
    assertEquals(1, notes.size());
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("w.safetensors"))) {
      assertEquals(Shape.of(4, 4, 2), file.shape("seq.0.fn.heads.1.F.weight"));
      assertEquals(Shape.of(4, 4, 4), file.shape("seq.2.fn.heads.0.E.weight"));
      assertEquals(Shape.of(4), file.shape("seq.2.fn.heads.0.E.bias"));
    }
  }

  /** 2 · 1,500,000,000 does not wrap around: k is 1 from the second layer on. */
  @Test
  void aSteepReductionOfUnusedConvolutions() throws IOException {
    String more = ", \"method\": \"convolution\", \"full_attention\": true, \"depth\": 3";
    export(
        model(keys(more + ", \"parameter_sharing\": \"kv\", \"k_reduce_by_layer\": 1500000000")));
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("w.safetensors"))) {
      assertEquals(Shape.of(4, 4, 8), file.shape("seq.2.fn.heads.0.E.weight"));
      assertEquals(Shape.of(4, 4, 8), file.shape("seq.4.fn.heads.0.E.weight"));
    }
  }

  /** Names of tensors are no text for people. */
  @Test
  void namesAreTheSameInEveryLocale() throws Exception {
    assertTrue(
        ArabicDigits.call(
            () -> {
              unusedConvolutionsOfFullAttention();
              return true;
            }));
  }

  @Test
  void frequenciesOfTheSinusoid() throws IOException {
    export(model(keys(", \"model_type\": \"lm\", \"num_tokens\": 5, \"dim_ff\": 3")));
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("w.safetensors"))) {
      assertArrayEquals(
          new float[] {1, 0.056234132f, 0.0031622776f, 1.7782794e-4f},
          GoldenWeights.read(file, "pos_emb.inv_freq"),
          4e-9f); // a rounding
    }
  }

  @Test
  void refusesPlacesToWriteTo() throws IOException {
    ModelDirectory model = model(keys(""));
    assertEquals(
        "--to = keras, but linformer-pytorch is expected",
        refusal(() -> WeightExport.run("keras", model, folder.resolve("w"))));
    assertEquals(
        "--out %s is a folder; name a file".formatted(folder),
        refusal(() -> WeightExport.run("linformer-pytorch", model, folder)));
    Path missing = folder.resolve("none/w.safetensors");
    assertEquals(
        "--out %s: no folder %s".formatted(missing, folder.resolve("none")),
        refusal(() -> WeightExport.run("linformer-pytorch", model, missing)));
  }
}
