package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import dev.linformer.ops.Parameter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;
import org.tensorflow.types.TFloat32;

/** A model's weights in a safetensors file, all of them there, each read when it is asked for. */
public final class StoredWeights implements AutoCloseable {

  private final Path file;
  private final SafetensorsFile stored;
  private final Map<String, Parameter> parameters = new LinkedHashMap<>();

  private StoredWeights(Path file, SafetensorsFile stored, List<Parameter> parameters) {
    this.file = file;
    this.stored = stored;
    parameters.forEach(parameter -> this.parameters.put(parameter.name(), parameter));
  }

  /**
   * Opens a file that holds these weights and no other.
   *
   * @throws InvalidInputException if a tensor is missing, left over or of another shape; all are
   *     named
   */
  public static StoredWeights open(Path file, List<Parameter> parameters) throws IOException {
    SafetensorsFile stored = SafetensorsFile.open(file);
    try {
      check(stored, parameters, file);
    } catch (RuntimeException e) {
      stored.close();
      throw e;
    }
    return new StoredWeights(file, stored, parameters);
  }

  /** Whether there is a weight of that name. */
  public boolean has(String name) {
    return parameters.containsKey(name);
  }

  /**
   * A weight's value, to be closed by the caller.
   *
   * @throws IllegalArgumentException if there is none of that name
   * @throws InvalidInputException if a value is NaN or infinite
   */
  public TFloat32 read(String name) throws IOException {
    Parameter parameter = parameters.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException("no weight " + name);
    }
    TFloat32 value = TFloat32.tensorOf(parameter.shape());
    try {
      FloatDataBuffer whole = value.asRawTensor().data().asFloats();
      long size = parameter.sliceShape().size();
      for (int part = 0; part < parameter.slices().size(); part++) {
        stored.read(parameter.slices().get(part).get(0), whole.slice(part * size, size));
      }
      Finite.require(file, name, whole);
      return value;
    } catch (IOException | RuntimeException e) {
      value.close();
      throw e;
    }
  }

  private static void check(SafetensorsFile stored, List<Parameter> parameters, Path file) {
    List<String> problems = new ArrayList<>();
    Set<String> leftOver = new LinkedHashSet<>(stored.names());
    for (Parameter parameter : parameters) {
      Shape wanted = parameter.sliceShape();
      for (List<String> keys : parameter.slices()) {
        String key = keys.get(0);
        if (!leftOver.remove(key)) {
          problems.add("%s %s is missing".formatted(key, wanted));
        } else if (!stored.shape(key).equals(wanted)) {
          problems.add("%s is %s, but %s is expected".formatted(key, stored.shape(key), wanted));
        }
      }
    }
    leftOver.forEach(name -> problems.add("%s is not part of the model".formatted(name)));
    if (!problems.isEmpty()) {
      throw new InvalidInputException(
          "%s doesn't fit the configuration: %s".formatted(file, PrintableText.list(problems)));
    }
  }

  @Override
  public void close() throws IOException {
    stored.close();
  }
}
