package dev.linformer.model.convert;

import static dev.linformer.model.Values.refusal;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.ModelDirectory;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.model.internal.weights.SafetensorsWriter.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

class WeightImportTest {

  private static final Path PT = Path.of("src/test/resources/pt");
  private static final String PT_CONFIG =
      """
      {"input_size": 7, "channels": 6, "dim_k": 3, "dim_ff": 5, "nhead": 2, "depth": 2,
       "parameter_sharing": "headwise"}""";

  @TempDir private Path folder = Path.of("");

  private Path json(String text) throws IOException {
    return Files.writeString(folder.resolve("c.json"), text);
  }

  private void run(Path config, Path weights) throws IOException {
    WeightImport.run(
        ForeignModel.read("linformer-pytorch", config), weights, folder.resolve("model"));
  }

  private void run(GoldenWeights golden, Map<String, Tensor> weights) throws IOException {
    run(golden.writeConfig(folder), GoldenWeights.writeSafetensors(folder, weights));
  }

  private static GoldenWeights golden(String name) throws IOException {
    return RoundTripTest.golden(GoldenWeights.FOLDER.resolve(name + ".safetensors"));
  }

  private static Tensor zeros(String name, long... shape) {
    Shape axes = Shape.of(shape);
    return new Tensor(name, axes, DataBuffers.ofFloats(axes.size()));
  }

  @Test
  void aFileOfTorchSave() throws IOException {
    run(json(PT_CONFIG), PT.resolve("linformer.pt"));
    Path back = folder.resolve("back.safetensors");
    WeightExport.run("linformer-pytorch", ModelDirectory.open(folder.resolve("model")), back);
    try (SafetensorsFile expected = SafetensorsFile.open(PT.resolve("expected.safetensors"));
        SafetensorsFile found = SafetensorsFile.open(back)) {
      assertEquals(expected.names().size(), found.names().size());
      for (String name : expected.names()) {
        assertArrayEquals(
            GoldenWeights.read(expected, name), GoldenWeights.read(found, name), name);
      }
    }
  }

  @Test
  void aSharedWeightMayStandUnderAnyOfItsNames() throws IOException {
    GoldenWeights golden = golden("layerwise");
    Map<String, Tensor> weights = golden.weights();
    String kept = "seq.2.fn.heads.1.F.";
    assertEquals(18 * 2, weights.keySet().stream().filter(key -> key.contains("heads")).count());
    weights.keySet().removeIf(key -> key.contains(".heads.") && !key.startsWith(kept));
    run(golden, weights);
    try (SafetensorsFile file =
        SafetensorsFile.open(ModelDirectory.open(folder.resolve("model")).weightsFile())) {
      assertArrayEquals(
          golden.value("weight:" + kept + "weight"),
          GoldenWeights.read(file, "seq.0.fn.heads.0.E.weight"));
    }
  }

  @Test
  void namesOfASharedWeightMustAgree() throws IOException {
    GoldenWeights golden = golden("kv");
    Map<String, Tensor> weights = golden.weights();
    float[] other = golden.value("weight:seq.2.fn.heads.1.F.bias").clone();
    other[3] = 9;
    weights.put(
        "seq.2.fn.heads.1.F.bias",
        new Tensor("seq.2.fn.heads.1.F.bias", Shape.of(5), DataBuffers.of(other)));
    String message = refusal(() -> run(golden, weights));
    assertTrue(
        message.contains(
            "seq.2.fn.heads.0.E.bias and seq.2.fn.heads.1.F.bias are one weight in this"
                + " configuration, but value 3 is "),
        message);
    assertTrue(message.contains(" in the one and 9.0 in the other"), message);
    assertFalse(Files.exists(folder.resolve("model")), "nothing is written");
  }

  @Test
  void everyTensorThatDoesNotFitIsNamed() throws IOException {
    GoldenWeights golden = golden("none");
    Map<String, Tensor> weights = golden.weights();
    weights.remove("seq.1.fn.w_1.bias");
    weights.remove("seq.2.fn.heads.1.F.weight");
    weights.put("seq.0.norm.bias", zeros("seq.0.norm.bias", 3));
    weights.put("extra", zeros("extra", 1));
    weights.put("pos_emb.inv_freq", zeros("pos_emb.inv_freq", 1));
    String message = refusal(() -> run(golden, weights));
    assertTrue(
        message.endsWith(
            "golden.safetensors doesn't fit the configuration: seq.2.fn.heads.1.F.weight [5, 13] is"
                + " missing; seq.0.norm.bias is [3], but [17] is expected; seq.1.fn.w_1.bias [11]"
                + " is missing; extra is not part of the model; pos_emb.inv_freq is not part of"
                + " the model"),
        message);
    assertFalse(Files.exists(folder.resolve("model")), "nothing is written");
  }

  @Test
  void whatTheReferenceSavesInVainIsPassedOver() throws IOException {
    GoldenWeights golden = golden("lm-full-attention");
    Map<String, Tensor> weights = golden.weights();
    assertTrue(weights.containsKey("pos_emb.inv_freq"));
    assertTrue(weights.containsKey("linformer.seq.0.fn.heads.0.E.weight"));
    run(golden, weights);
  }

  @Test
  void theFixedMatricesOfNoParamsMustBeAdded() throws IOException {
    GoldenWeights golden = golden("no-params-layerwise");
    Map<String, Tensor> weights = golden.weights();
    weights.keySet().removeIf(name -> name.contains(".heads."));
    String message = refusal(() -> run(golden, weights));
    assertTrue(
        message.contains(
            "seq.0.fn.heads.0.E.weight [5, 13] is missing (linformer-pytorch doesn't save the fixed"
                + " matrices of no_params: add each head's, E.T and F.T, under these names)"),
        message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "causal": true                          | write "leaking_triangle": true in its place
          "causal": true, "method": "convolution" | write "leaking_triangle": true in its place
          "causal": true, "full_attention": true, "decoder_mode": true | write "leaking_triangle": true in its place
          "pre_norm": true                        | linformer-pytorch 0.19.3 has no counterpart of pre_norm = true
          "one_kv_head": true, "glu": true        | no counterpart of one_kv_head = true, glu = true
          "dim_k": 4, "method": "mean_pool"       | no counterpart of method = mean_pool
          "dim_k": 4, "method": "max_pool"        | no counterpart of method = max_pool
          "model_type": "classifier", "num_tokens": 5, "num_classes": 3 | no counterpart of model_type = classifier
          "model_type": "lm", "num_tokens": 5, "learned_pos_emb": true | no counterpart of learned_pos_emb = true
          "model_type": "lm", "num_tokens": 5, "use_pos_emb": false | no counterpart of use_pos_emb = false
          "dim": 3                                | unknown key "dim"
          """)
  void refusesWhatTheReferenceLacks(String keys, String message) throws IOException {
    String k = keys.contains("dim_k") ? "" : "\"dim_k\": 3, ";
    Path config = json("{\"input_size\": 8, \"channels\": 8, " + k + keys + "}");
    String found = refusal(() -> ForeignModel.read("linformer-pytorch", config));
    assertTrue(found.startsWith(config + ": ") && found.contains(message), found);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "dec_dim_k": 4                                | write "dec_leaking_triangle": true
          "dec_leaking_triangle": true, "enc_leaking_triangle": true | no counterpart of enc_leaking_triangle = true
          "dec_leaking_triangle": true, "enc_causal": true | no counterpart of enc_causal = true
          "dec_leaking_triangle": true, "enc_pre_norm": true, "dec_glu": true | no counterpart of enc_pre_norm = true, dec_glu = true
          "dec_leaking_triangle": true, "dec_learned_pos_emb": true | no counterpart of dec_learned_pos_emb = true
          """)
  void refusesEncoderDecodersThatTheReferenceLacks(String keys, String message) throws IOException {
    Path config =
        json(
            "{\"model_type\": \"encdec\", \"enc_num_tokens\": 5, \"dec_num_tokens\": 5,"
                + " \"enc_input_size\": 8, \"dec_input_size\": 8, \"enc_channels\": 8,"
                + " \"dec_channels\": 8, \"enc_dim_k\": 4, "
                + (keys.contains("dec_dim_k") ? "" : "\"dec_dim_k\": 4, ")
                + keys
                + "}");
    String found = refusal(() -> ForeignModel.read("linformer-pytorch", config));
    assertTrue(found.startsWith(config + ": ") && found.contains(message), found);
  }

  @Test
  void fullAttentionIsCausalInBoth() throws IOException {
    Path config =
        json(
            "{\"input_size\": 8, \"channels\": 8, \"dim_k\": 3, \"causal\": true,"
                + " \"full_attention\": true}");
    assertTrue(ForeignModel.read("linformer-pytorch", config).config().stacks().get(0).causal());
  }

  @Test
  void otherPackagesAndFilesAreRefused() throws IOException {
    Path config = json(PT_CONFIG);
    assertEquals(
        "--from = performer, but linformer-pytorch or linformer is expected",
        refusal(() -> ForeignModel.read("performer", config)));
    assertEquals(
        folder.resolve("w.npz") + ": no such file",
        refusal(() -> run(config, folder.resolve("w.npz"))));
    assertTrue(
        refusal(() -> run(config, folder.resolve("w.h5")))
            .endsWith(
                "w.h5: a name that ends with .safetensors, .npz, .pt, .pth or .bin is expected"));
    assertTrue(
        refusal(() -> run(config, PT.resolve("malicious.pt"))).contains("calls posix.system"));
    assertFalse(Files.exists(folder.resolve("model")), "nothing is written");
  }
}
