package dev.linformer.model.convert;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.model.internal.weights.SafetensorsWriter;
import dev.linformer.model.internal.weights.SafetensorsWriter.Tensor;
import dev.linformer.model.internal.weights.TensorFile;
import dev.linformer.model.internal.weights.Zips;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

/**
 * A golden file's tensors in memory.
 *
 * @param config what the package was called with
 * @param values by name
 * @param shapes by name
 */
record GoldenWeights(ObjectNode config, Map<String, float[]> values, Map<String, Shape> shapes) {

  static final Path FOLDER = Path.of("src/test/resources/golden");
  private static final String WEIGHT = "weight:";

  static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList();
    }
  }

  static GoldenWeights read(Path path) throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      String json = Objects.requireNonNull(file.metadata().get("config"));
      GoldenWeights golden =
          new GoldenWeights(
              (ObjectNode) new ObjectMapper().readTree(json), new TreeMap<>(), new TreeMap<>());
      for (String name : file.names()) {
        golden.values.put(name, read(file, name));
        golden.shapes.put(name, file.shape(name));
      }
      return golden;
    }
  }

  static float[] read(TensorFile file, String name) throws IOException {
    float[] values = new float[Math.toIntExact(file.shape(name).size())];
    file.read(name, DataBuffers.of(values, false, false));
    return values;
  }

  float[] value(String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  Shape shape(String name) {
    return Objects.requireNonNull(shapes.get(name), name);
  }

  double[] wide(String name) {
    float[] narrow = value(name);
    double[] wide = new double[narrow.length];
    Arrays.setAll(wide, i -> narrow[i]);
    return wide;
  }

  /** The state dictionary. */
  Map<String, Tensor> weights() {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    values.forEach(
        (name, value) -> {
          if (name.startsWith(WEIGHT)) {
            String key = name.substring(WEIGHT.length());
            weights.put(key, new Tensor(key, shape(name), DataBuffers.of(value, true, false)));
          }
        });
    return weights;
  }

  /** The model's configuration as a file. */
  Path writeConfig(Path folder) throws IOException {
    return Files.writeString(folder.resolve("golden.json"), config.toString());
  }

  static Path writeSafetensors(Path folder, Map<String, Tensor> weights) throws IOException {
    Path file = folder.resolve("golden.safetensors");
    SafetensorsWriter.write(file, Map.of(), List.copyOf(weights.values()));
    return file;
  }

  static Path writeNpz(Path folder, Map<String, Tensor> weights) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    for (Tensor tensor : weights.values()) {
      float[] values = new float[Math.toIntExact(tensor.shape().size())];
      tensor.values().read(values);
      entries.put(tensor.name() + ".npy", Zips.npy(folder, tensor.shape(), values));
    }
    return Zips.write(folder.resolve("golden.npz"), entries, true);
  }
}
