package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.Pooling;
import dev.linformer.model.internal.weights.NpyFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.ndarray.Shape;

/** TensorFlow for Python loads an export, finds what was promised, and computes the same. */
class PythonParityTest {

  private static final int[] BATCHES = {1, 3};
  private static final String VECTORS = "None,%s,%s".formatted(Models.LENGTH, Models.CHANNELS);

  @ParameterizedTest
  @EnumSource(ParameterSharing.class)
  void encoder(ParameterSharing sharing, @TempDir Path folder) throws IOException {
    ModelConfig config = Models.encoder(sharing);
    List<float[]> live = new ArrayList<>();
    try (InferenceGraph inference = InferenceGraph.load(export(config, folder))) {
      for (int batch : BATCHES) {
        float[] x = Models.vectors(batch, batch);
        NpyFile.write(input(folder, batch), Shape.of(batch, Models.LENGTH, Models.CHANNELS), x);
        live.add(Models.run(inference, x));
      }
    }
    call(folder, "inputs", "float32", VECTORS, "outputs", VECTORS);
    compare(folder, live, Shape.of(Models.LENGTH, Models.CHANNELS));
  }

  @ParameterizedTest
  @EnumSource(Pooling.class)
  void classifier(Pooling pooling, @TempDir Path folder) throws IOException {
    ModelConfig config = Models.classifier(pooling);
    List<float[]> live = new ArrayList<>();
    try (InferenceGraph inference = InferenceGraph.load(export(config, folder))) {
      for (int batch : BATCHES) {
        int[] tokens = Models.tokens(batch, batch);
        float[] asFloats = new float[tokens.length];
        IntStream.range(0, tokens.length).forEach(i -> asFloats[i] = tokens[i]);
        NpyFile.write(input(folder, batch), Shape.of(batch, Models.LENGTH), asFloats);
        live.add(Models.run(inference, tokens));
      }
    }
    call(folder, "tokens", "int32", "None," + Models.LENGTH, "logits", "None," + Models.CLASSES);
    compare(folder, live, Shape.of(Models.CLASSES));
  }

  /** The script is no yes-man. */
  @Test
  void scriptRefusesAnotherSignature(@TempDir Path folder) throws IOException {
    export(Models.encoder(ParameterSharing.LAYERWISE), folder);
    AssertionError failure =
        assertThrows(
            AssertionError.class,
            () ->
                call(folder, "inputs", "float32", "2" + VECTORS.substring(4), "outputs", VECTORS));
    String message = String.valueOf(failure.getMessage());
    assertTrue(
        message.contains("input's shape: found [None, 11, 13], expected [2, 11, 13]"), message);
  }

  private static ModelDirectory export(ModelConfig config, Path folder) throws IOException {
    ModelDirectory model = Models.save(config, 42, folder.resolve("model"));
    ModelExporter.export(model, folder.resolve("export"));
    return model;
  }

  private static Path input(Path folder, int batch) {
    return folder.resolve("x%s.npy".formatted(batch));
  }

  private static Path output(Path folder, int batch) {
    return folder.resolve("y%s.npy".formatted(batch));
  }

  private static void call(Path folder, String... signature) throws IOException {
    List<String> arguments = new ArrayList<>(List.of(folder.resolve("export/1").toString()));
    arguments.addAll(List.of(signature));
    for (int batch : BATCHES) {
      arguments.add(input(folder, batch).toString());
      arguments.add(output(folder, batch).toString());
    }
    Python.run("call_saved_model.py", arguments);
  }

  private static void compare(Path folder, List<float[]> live, Shape each) throws IOException {
    for (int i = 0; i < BATCHES.length; i++) {
      NpyFile python = NpyFile.read(output(folder, BATCHES[i]));
      assertEquals(each.prepend(BATCHES[i]), python.shape());
      Close.assertClose("batch " + BATCHES[i], live.get(i), python.floats());
    }
  }
}
