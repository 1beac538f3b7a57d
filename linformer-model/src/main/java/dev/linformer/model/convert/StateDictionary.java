package dev.linformer.model.convert;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import dev.linformer.model.internal.weights.Finite;
import dev.linformer.model.internal.weights.TensorFile;
import dev.linformer.ops.Parameter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

/** The values of our weights in the file of another package's model. */
final class StateDictionary {

  private final Path path;
  private final TensorFile file;
  private final ForeignModel model;

  private StateDictionary(Path path, TensorFile file, ForeignModel model) {
    this.path = path;
    this.file = file;
    this.model = model;
  }

  /**
   * Reads the values of parameters, each with all its parts one after the other.
   *
   * @throws InvalidInputException if tensors are missing, left over or of another shape, all of
   *     which are named; if a weight's names have different values; or if a value is NaN or
   *     infinite
   */
  static List<float[]> read(Path path, ForeignModel model, List<Parameter> parameters)
      throws IOException {
    try (TensorFile file = TensorFile.open(path)) {
      StateDictionary dictionary = new StateDictionary(path, file, model);
      dictionary.check(parameters);
      List<float[]> values = new ArrayList<>();
      for (Parameter parameter : parameters) {
        float[] weight = dictionary.values(parameter);
        Finite.require(path, parameter.name(), DataBuffers.of(weight, true, false));
        values.add(weight);
      }
      return values;
    }
  }

  private void check(List<Parameter> parameters) {
    Set<String> problems = new LinkedHashSet<>();
    Set<String> leftOver = new LinkedHashSet<>(file.names());
    for (Parameter parameter : parameters) {
      for (ForeignTensor tensor : model.parts(parameter)) {
        List<String> present = present(tensor);
        if (present.isEmpty()) {
          String name = tensor.names().get(0);
          problems.add(
              "%s %s is missing%s".formatted(name, tensor.shape(), model.whyMissing(name)));
        }
        for (String name : present) {
          leftOver.remove(name);
          Shape shape = file.shape(name);
          if (!shape.equals(tensor.shape())) {
            problems.add("%s is %s, but %s is expected".formatted(name, shape, tensor.shape()));
          }
        }
      }
    }
    leftOver.stream()
        .filter(name -> !model.ignores(name))
        .forEach(name -> problems.add("%s is not part of the model".formatted(name)));
    if (!problems.isEmpty()) {
      throw new InvalidInputException(
          "%s doesn't fit the configuration: %s".formatted(path, PrintableText.list(problems)));
    }
  }

  private List<String> present(ForeignTensor tensor) {
    return tensor.names().stream().filter(file.names()::contains).toList();
  }

  private float[] values(Parameter parameter) throws IOException {
    float[] values = new float[Math.toIntExact(parameter.shape().size())];
    int done = 0;
    for (ForeignTensor tensor : model.parts(parameter)) {
      float[] part = values(tensor);
      System.arraycopy(part, 0, values, done, part.length);
      done += part.length;
    }
    return values;
  }

  private float[] values(ForeignTensor tensor) throws IOException {
    List<String> names = present(tensor);
    float[] first = values(names.get(0), tensor.shape());
    for (String other : names.subList(1, names.size())) {
      float[] values = values(other, tensor.shape());
      int at = Arrays.mismatch(first, values);
      if (at >= 0) {
        throw new InvalidInputException(
            "%s: %s and %s are one weight in this configuration, but value %s is %s in the one and %s in the other; has the model another parameter_sharing?"
                .formatted(path, names.get(0), other, at, first[at], values[at]));
      }
    }
    return tensor.transposed() ? transpose(first, tensor.shape()) : first;
  }

  private float[] values(String name, Shape shape) throws IOException {
    float[] values = new float[Math.toIntExact(shape.size())];
    file.read(name, DataBuffers.of(values, false, false));
    return values;
  }

  /** [r,c] → [c,r]. */
  private static float[] transpose(float[] values, Shape shape) {
    int rows = Math.toIntExact(shape.get(0));
    int columns = Math.toIntExact(shape.get(1));
    float[] transposed = new float[values.length];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        transposed[column * rows + row] = values[row * columns + column];
      }
    }
    return transposed;
  }
}
