package dev.linformer.model.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.model.ModelDirectory;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.model.internal.weights.SafetensorsWriter.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What linformer-pytorch saves, imported and exported, is what it saved, to the last bit. */
class RoundTripTest {

  @TempDir private Path folder = Path.of("");

  static List<Path> files() throws IOException {
    return GoldenWeights.files(GoldenWeights.FOLDER);
  }

  @ParameterizedTest
  @MethodSource("files")
  void safetensors(Path file) throws IOException {
    GoldenWeights golden = golden(file);
    compare(golden, GoldenWeights.writeSafetensors(folder, golden.weights()));
  }

  @ParameterizedTest
  @MethodSource("files")
  void npz(Path file) throws IOException {
    GoldenWeights golden = golden(file);
    compare(golden, GoldenWeights.writeNpz(folder, golden.weights()));
  }

  /** With the names that our own configurations have for the reference's mask. */
  static GoldenWeights golden(Path file) throws IOException {
    GoldenWeights golden = GoldenWeights.read(file);
    var config = golden.config();
    boolean fullAttention = config.path("full_attention").asBoolean();
    if (config.path("model_type").asText().equals("encdec")) {
      config.put("dec_leaking_triangle", true);
    } else if (config.path("causal").asBoolean()
        && (!fullAttention || config.path("decoder_mode").asBoolean())) {
      config.put("causal", false).put("leaking_triangle", true);
    }
    return golden;
  }

  private void compare(GoldenWeights golden, Path weights) throws IOException {
    Path model = folder.resolve("model");
    WeightImport.run(
        ForeignModel.read("linformer-pytorch", golden.writeConfig(folder)), weights, model);
    Path back = folder.resolve("back.safetensors");
    List<String> notes = WeightExport.run("linformer-pytorch", ModelDirectory.open(model), back);

    boolean fixed = golden.config().path("method").asText().equals("no_params");
    boolean unused = golden.config().path("full_attention").asBoolean();
    assertEquals(fixed || unused ? 1 : 0, notes.size());
    Map<String, Tensor> expected = golden.weights();
    if (fixed) { // no part of the reference's state dictionary, though of the golden file
      expected.keySet().removeIf(RoundTripTest::isProjection);
    }
    try (SafetensorsFile found = SafetensorsFile.open(back)) {
      assertEquals(expected.keySet(), new HashSet<>(found.names()));
      for (String name : expected.keySet()) {
        float[] values = golden.value("weight:" + name);
        assertEquals(golden.shape("weight:" + name), found.shape(name), name);
        assertArrayEquals(
            unused && isProjection(name) ? new float[values.length] : values,
            GoldenWeights.read(found, name),
            name);
      }
    }
  }

  private static boolean isProjection(String name) {
    return name.matches(".*[.]heads[.].*");
  }
}
