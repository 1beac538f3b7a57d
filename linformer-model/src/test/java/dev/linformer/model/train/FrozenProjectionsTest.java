package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerConfigBuilder;
import dev.linformer.model.ModelSummary;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.Pooling;
import dev.linformer.model.ProjectionMethod;
import dev.linformer.model.data.ListOps;
import dev.linformer.model.internal.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.ndarray.buffer.DataBuffers;

/** Fixed projections, and learned ones that are frozen: saved, and never changed. */
class FrozenProjectionsTest {

  private static final String PROJECTION = ".*[.][EF][.](weight|bias)";

  @TempDir private Path folder;

  private static LinformerConfigBuilder encoder(ProjectionMethod method) {
    return LinformerConfig.builder(16, 8, 4)
        .heads(2)
        .feedForwardDim(11)
        .parameterSharing(ParameterSharing.HEADWISE)
        .projectionMethod(method);
  }

  private static LinformerClassifierConfig classifier(LinformerConfig encoder) {
    return LinformerClassifierConfig.builder(encoder, ListOps.VOCABULARY_SIZE, ListOps.CLASSES)
        .pooling(Pooling.FIRST)
        .build();
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"MEAN_POOL", "MAX_POOL"}) // they have no weights
  void keepTheirValues(ProjectionMethod method) throws IOException {
    boolean freeze = method.isTrained(); // others are fixed as it is
    LinformerClassifierConfig config =
        classifier(encoder(method).freezeProjections(freeze).build());
    Path before = folder.resolve("before.safetensors");
    Path after = folder.resolve("after.safetensors");
    Path checkpoints = folder.resolve("checkpoints");
    try (Trainer trainer =
        Trainer.start(config, Tiny.OBJECTIVE, Tiny.trainer(5, 5, 1), checkpoints)) {
      for (var weight : trainer.weights()) {
        assertEquals(
            !weight.parameter().name().matches(PROJECTION),
            weight.parameter().trainable(),
            weight.parameter().name());
      }
      trainer.saveWeights(before);
      assertTrue(trainer.train(Tiny.data(1), new TrainingListener() {}));
      trainer.saveWeights(after);
    }
    Map<String, float[]> first = read(before);
    Map<String, float[]> last = read(after);
    assertEquals(first.keySet(), last.keySet());
    assertTrue(first.keySet().stream().anyMatch(name -> name.matches(PROJECTION)), "saved");
    first.forEach(
        (name, values) -> {
          float[] now = Objects.requireNonNull(last.get(name));
          if (name.matches(PROJECTION)) {
            assertArrayEquals(values, now, name);
            assertTrue(values[0] != 0, name);
          } else {
            assertFalse(Arrays.equals(values, now), name);
          }
        });

    // The optimizer keeps nothing about them, and a checkpoint brings them back.
    Path checkpoint = checkpoints.resolve("step-00000005");
    for (String slot : read(checkpoint.resolve("optimizer.safetensors")).keySet()) {
      assertFalse(slot.contains(".E.") || slot.contains(".F."), slot);
    }
    Path resumed = folder.resolve("resumed.safetensors");
    try (Trainer trainer =
        Trainer.resume(config, Tiny.OBJECTIVE, Tiny.trainer(5, 5, 2), checkpoints)) {
      trainer.saveWeights(resumed);
    }
    read(resumed).forEach((name, values) -> assertArrayEquals(last.get(name), values, name));
  }

  @Test
  void theSummaryTellsThemApart() {
    LinformerConfig free = encoder(ProjectionMethod.LEARNABLE).build();
    LinformerConfig frozen = encoder(ProjectionMethod.LEARNABLE).freezeProjections(true).build();
    ModelSummary summary = ModelSummary.of(frozen);
    assertEquals(ModelSummary.of(free).parameters(), summary.parameters());
    assertEquals(2 * (4 * 16 + 4), summary.parameters() - summary.trainable());
    assertEquals(ModelSummary.of(free).parameters(), ModelSummary.of(free).trainable());
  }

  /** Fixed ones are drawn from N(0, 1/k), not from the reference's N(0, 1/k²). */
  @Test
  void fixedOnesHaveAVarianceOfOneOverK() throws IOException {
    LinformerConfig config =
        LinformerConfig.builder(997, 8, 53)
            .heads(2)
            .projectionMethod(ProjectionMethod.NO_PARAMS)
            .build();
    Path file = folder.resolve("weights.safetensors");
    try (Trainer trainer =
        Trainer.start(
            classifier(config), Tiny.OBJECTIVE, Tiny.trainer(1, 1, 1), folder.resolve("none"))) {
      trainer.saveWeights(file);
    }
    List<float[]> projections =
        read(file).entrySet().stream()
            .filter(entry -> entry.getKey().matches(PROJECTION))
            .map(Map.Entry::getValue)
            .toList();
    assertEquals(1, projections.size());
    double square = 0;
    for (float value : projections.get(0)) {
      square += (double) value * value / (997 * 53);
    }
    assertEquals(1 / 53.0, square, 4 * Math.sqrt(2.0 / (997 * 53)) / 53);
  }

  private static Map<String, float[]> read(Path path) throws IOException {
    var values = new TreeMap<String, float[]>();
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      for (String name : file.names()) {
        var floats = new float[Math.toIntExact(file.shape(name).size())];
        file.read(name, DataBuffers.of(floats, false, false));
        values.put(name, floats);
      }
    }
    return values;
  }
}
