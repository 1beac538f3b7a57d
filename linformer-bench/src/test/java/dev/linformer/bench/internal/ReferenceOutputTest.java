package dev.linformer.bench.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.bench.BenchmarkCase;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.Linformer;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.model.internal.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Against what linformer-pytorch computed. */
class ReferenceOutputTest {

  private static final Path GOLDEN =
      Path.of(
          "..", "linformer-model", "src", "test", "resources", "golden", "layerwise.safetensors");

  @TempDir Path folder;

  private static LinformerConfig config() throws IOException {
    try (SafetensorsFile golden = SafetensorsFile.open(GOLDEN)) {
      var json =
          new ObjectMapper().readTree(Objects.requireNonNull(golden.metadata().get("config")));
      return ModelConfig.parse(new JsonObjectReader("golden", (ObjectNode) json)).stacks().get(0);
    }
  }

  private static BenchmarkCase work(boolean training) throws IOException {
    return new BenchmarkCase("golden", config(), 2, training, false, true, 0, 1, 1, 1);
  }

  private static SafetensorsWriter.Tensor tensor(SafetensorsFile file, String from, String to)
      throws IOException {
    return new SafetensorsWriter.Tensor(to, file.shape(from), DataBuffers.of(read(file, from)));
  }

  private static float[] read(SafetensorsFile file, String name) throws IOException {
    var values = new float[Math.toIntExact(file.shape(name).size())];
    file.read(name, DataBuffers.of(values, false, false));
    return values;
  }

  /** First names alone, as a weights file has them. */
  private static List<String> names() throws IOException {
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      Linformer.declare(variables, config());
      return variables.weights().stream()
          .flatMap(weight -> weight.parameter().slices().stream())
          .map(keys -> keys.get(0))
          .toList();
    }
  }

  private void question() throws IOException {
    try (SafetensorsFile golden = SafetensorsFile.open(GOLDEN)) {
      var weights = new ArrayList<SafetensorsWriter.Tensor>();
      for (String name : names()) {
        weights.add(tensor(golden, "weight:" + name, name));
      }
      SafetensorsWriter.write(folder.resolve("weights.safetensors"), Map.of(), weights);
      SafetensorsWriter.write(
          folder.resolve("inputs.safetensors"),
          Map.of(),
          List.of(tensor(golden, "input", "input"), tensor(golden, "cotangent", "cotangent")));
    }
  }

  private static void close(SafetensorsFile golden, SafetensorsFile answer, String name)
      throws IOException {
    float[] expected = read(golden, name);
    float[] found = read(answer, name);
    double largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], 2e-5 * largest, name);
    }
  }

  @Test
  void outputAndGradientsFromGivenWeights() throws IOException {
    question();
    String plan = ReferenceOutput.write(work(true), folder).get("plan").asText();
    assertTrue(plan.contains("W_O"), plan);
    try (SafetensorsFile golden = SafetensorsFile.open(GOLDEN);
        SafetensorsFile answer = SafetensorsFile.open(folder.resolve("answer.safetensors"))) {
      Set<String> expected = names().stream().map(n -> "gradient:" + n).collect(Collectors.toSet());
      expected.add("output");
      assertEquals(expected, answer.names());
      for (String name : expected) {
        close(golden, answer, name);
      }
    }
  }

  @Test
  void outputAloneOfInference() throws IOException {
    question();
    ReferenceOutput.write(work(false), folder);
    try (SafetensorsFile golden = SafetensorsFile.open(GOLDEN);
        SafetensorsFile answer = SafetensorsFile.open(folder.resolve("answer.safetensors"))) {
      assertEquals(Set.of("output"), answer.names());
      close(golden, answer, "output");
    }
  }

  @Test
  void refusesInputsThatDoNotFit() throws IOException {
    question();
    refused("input [2, 13, 17] is missing", Shape.of(3), "other");
    refused("input is [3], but [2, 13, 17] is expected", Shape.of(3), "input");
  }

  private void refused(String expected, Shape shape, String name) throws IOException {
    var wrong = new SafetensorsWriter.Tensor(name, shape, DataBuffers.of(new float[] {1, 2, 3}));
    SafetensorsWriter.write(folder.resolve("inputs.safetensors"), Map.of(), List.of(wrong));
    var refused =
        assertThrows(InvalidInputException.class, () -> ReferenceOutput.write(work(true), folder));
    String message = Objects.requireNonNull(refused.getMessage());
    assertTrue(message.endsWith("inputs.safetensors: " + expected), message);
  }
}
