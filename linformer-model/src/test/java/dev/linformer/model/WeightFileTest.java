package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.model.internal.weights.SafetensorsWriter;
import dev.linformer.model.internal.weights.StoredWeights;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.runtime.Sessions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class WeightFileTest {

  @TempDir private Path folder;

  private static LinformerClassifierConfig config(ParameterSharing sharing) {
    LinformerConfig encoder =
        LinformerConfig.builder(13, 7, 5)
            .heads(3)
            .headDim(2)
            .feedForwardDim(11)
            .depth(2)
            .parameterSharing(sharing)
            .build();
    return LinformerClassifierConfig.builder(encoder, 17, 3).tokenDropout(0).build();
  }

  /** A model in a session. */
  private record Live(Graph graph, Session session, List<Variables.Weight<TFloat32>> weights)
      implements AutoCloseable {

    static Live random(LinformerClassifierConfig config, long seed) {
      Graph graph = new Graph();
      var variables = Variables.random(Ops.create(graph), TFloat32.class, seed);
      config.declare(variables);
      Session session = Sessions.open(graph, 1);
      session.initialize();
      return new Live(graph, session, variables.weights());
    }

    static Live toBeLoaded(LinformerClassifierConfig config) {
      Graph graph = new Graph();
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      config.declare(variables);
      return new Live(graph, Sessions.open(graph, 1), variables.weights());
    }

    Map<String, double[]> values() {
      return Values.fetchWeights(session, weights);
    }

    @Override
    public void close() {
      session.close();
      graph.close();
    }
  }

  private static void assertSameValues(
      Map<String, double[]> expected, Map<String, double[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, found.get(name), name));
  }

  @ParameterizedTest
  @EnumSource(ParameterSharing.class)
  void savedAndLoaded(ParameterSharing sharing) throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (Live saved = Live.random(config(sharing), 1);
        Live loaded = Live.toBeLoaded(config(sharing));
        Live overwritten = Live.random(config(sharing), 2)) {
      WeightFile.save(saved.session, saved.weights, file);
      WeightFile.load(loaded.session, loaded.weights, file);
      assertSameValues(saved.values(), loaded.values());
      WeightFile.load(overwritten.session, overwritten.weights, file);
      assertSameValues(saved.values(), overwritten.values());
      assertStateDictionary(saved, file);

      Path again = folder.resolve("again.safetensors");
      WeightFile.save(loaded.session, loaded.weights, again);
      assertEquals(-1, Files.mismatch(file, again));
    }
  }

  /** One tensor by its key, in the file's own shape. */
  @Test
  void readByKey() throws IOException {
    Path file = folder.resolve("w.safetensors");
    var parameter = new Parameter("w", Shape.of(2, 3), Initialization.ZEROS);
    WeightFile.write(file, List.of(parameter), List.of(DataBuffers.of(1f, 2, 3, 4, 5, 6)));
    assertArrayEquals(
        new float[][] {{1, 2, 3}, {4, 5, 6}}, StdArrays.array2dCopyOf(WeightFile.read(file, "w")));
    assertEquals(
        file + ": has no tensor 'v' among its 1", Values.refusal(() -> WeightFile.read(file, "v")));
  }

  /** Neither written nor read. */
  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void valuesThatAreNoNumbersAreRefused(float value) throws IOException {
    var parameter = new Parameter("w", Shape.of(2, 3), Initialization.ZEROS);
    Path file = folder.resolve("w.safetensors");
    float[] values = {1, 2, 3, 4, value, 6};
    String wanted =
        "%s: the weight w has the value %s at index 4, so the model computes no numbers; take weights from before the training diverged, such as an older checkpoint's"
            .formatted(file, value);
    assertEquals(
        wanted,
        Values.refusal(
            () -> WeightFile.write(file, List.of(parameter), List.of(DataBuffers.of(values)))));
    assertFalse(Files.exists(file));
    SafetensorsWriter.write(
        file,
        Map.of(),
        List.of(new SafetensorsWriter.Tensor("w", parameter.shape(), DataBuffers.of(values))));
    try (StoredWeights stored = StoredWeights.open(file, List.of(parameter))) {
      assertEquals(wanted, Values.refusal(() -> stored.read("w").close()));
    }
  }

  /** Every part under its first key, each other key in the metadata, and nothing else. */
  private static void assertStateDictionary(Live saved, Path path) throws IOException {
    Map<String, double[]> values = saved.values();
    Map<String, String> aliases = new HashMap<>(Map.of("format", "pt"));
    Set<String> stored = new HashSet<>();
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      for (var weight : saved.weights) {
        Parameter parameter = weight.parameter();
        double[] whole = Objects.requireNonNull(values.get(parameter.name()));
        int size = Math.toIntExact(parameter.sliceShape().size());
        for (int part = 0; part < parameter.slices().size(); part++) {
          List<String> keys = parameter.slices().get(part);
          String first = keys.get(0);
          stored.add(first);
          keys.stream().skip(1).forEach(alias -> aliases.put(alias, first));
          assertEquals(parameter.sliceShape(), file.shape(first));
          var floats = new float[size];
          file.read(first, DataBuffers.of(floats, false, false));
          var doubles = new double[size];
          Arrays.setAll(doubles, i -> floats[i]);
          assertArrayEquals(
              Arrays.copyOfRange(whole, part * size, (part + 1) * size), doubles, first);
        }
      }
      assertEquals(stored, file.names());
      assertEquals(aliases, file.metadata());
    }
  }

  @Test
  void headsAndAliasesHaveTheReferencesNames() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (Live saved = Live.random(config(ParameterSharing.LAYERWISE), 1)) {
      WeightFile.save(saved.session, saved.weights, file);
    }
    try (SafetensorsFile stored = SafetensorsFile.open(file)) {
      assertEquals(Shape.of(2, 7), stored.shape("linformer.seq.2.fn.to_v.2.weight"));
      assertEquals(Shape.of(5, 13), stored.shape("linformer.seq.0.fn.heads.0.E.weight"));
      assertEquals(
          "linformer.seq.0.fn.heads.0.E.bias",
          stored.metadata().get("linformer.seq.2.fn.heads.2.F.bias"));
      // 2 layers of 3 heads with E and F, weight and bias, less the two that are stored.
      assertEquals(2 * 3 * 2 * 2 - 2 + 1, stored.metadata().size());
    }
  }

  @Test
  void allThatDoesNotFitIsNamedAndNothingIsChanged() throws IOException {
    Path file = folder.resolve("other.safetensors");
    LinformerClassifierConfig config = config(ParameterSharing.KV);
    List<SafetensorsWriter.Tensor> tensors;
    try (Live live = Live.random(config, 1)) {
      tensors =
          live.weights.stream()
              .flatMap(weight -> weight.parameter().slices().stream().map(s -> zeros(weight, s)))
              .filter(tensor -> !tensor.name().equals("linformer.seq.2.norm.bias"))
              .filter(tensor -> !tensor.name().equals("linformer.seq.0.fn.to_k.1.weight"))
              .map(t -> t.name().equals("to_logits.weight") ? zeros(t.name(), Shape.of(7, 3)) : t)
              .toList();
    }
    var more = new ArrayList<>(tensors);
    more.add(zeros("to_logits.scale", Shape.of(3)));
    SafetensorsWriter.write(file, Map.of(), more);
    try (Live live = Live.random(config, 2)) {
      Map<String, double[]> before = live.values();
      String message = Values.refusal(() -> WeightFile.load(live.session, live.weights, file));
      for (String part :
          List.of(
              file + " doesn't fit the configuration: ",
              "linformer.seq.2.norm.bias [7] is missing",
              "linformer.seq.0.fn.to_k.1.weight [2, 7] is missing",
              "to_logits.weight is [7, 3], but [3, 7] is expected",
              "to_logits.scale is not part of the model")) {
        assertTrue(message.contains(part), message);
      }
      assertEquals(4, message.split("; ", -1).length, message);
      assertSameValues(before, live.values());
    }
  }

  private static SafetensorsWriter.Tensor zeros(
      Variables.Weight<TFloat32> weight, List<String> keys) {
    return zeros(keys.get(0), weight.parameter().sliceShape());
  }

  private static SafetensorsWriter.Tensor zeros(String name, Shape shape) {
    return new SafetensorsWriter.Tensor(name, shape, DataBuffers.ofFloats(shape.size()));
  }

  @Test
  void aTruncatedFileIsRefusedAndNothingIsChanged() throws IOException {
    Path file = folder.resolve("model.safetensors");
    try (Live live = Live.random(config(ParameterSharing.NONE), 1)) {
      WeightFile.save(live.session, live.weights, file);
    }
    byte[] whole = Files.readAllBytes(file);
    try (Live live = Live.random(config(ParameterSharing.NONE), 2)) {
      Map<String, double[]> before = live.values();
      for (int length : new int[] {0, 7, 100, whole.length / 2, whole.length - 1}) {
        Files.write(file, Arrays.copyOf(whole, length));
        String message = Values.refusal(() -> WeightFile.load(live.session, live.weights, file));
        assertTrue(message.startsWith(file + ": "), message);
      }
      assertSameValues(before, live.values());
    }
  }
}
