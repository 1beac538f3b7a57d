package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Result;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;

/** What a signature gave: arrays by name, in row-major order. */
public final class SignatureOutputs {

  private final LoadedSignature function;
  private final Map<String, Shape> shapes = new LinkedHashMap<>();
  private final Map<String, float[]> values = new LinkedHashMap<>();

  SignatureOutputs(LoadedSignature function, Result result) {
    this.function = function;
    List<Manifest.ManifestTensor> outputs = function.outputs();
    for (int i = 0; i < outputs.size(); i++) {
      TFloat32 tensor = (TFloat32) result.get(i);
      float[] copy = new float[Math.toIntExact(tensor.size())];
      tensor.asRawTensor().data().asFloats().read(copy);
      shapes.put(outputs.get(i).name(), tensor.shape());
      values.put(outputs.get(i).name(), copy);
    }
  }

  /** The names of the outputs. */
  public Set<String> names() {
    return values.keySet();
  }

  /**
   * The values of an output in row-major order, as many as its {@link #shape} has; the array
   * itself, not a copy.
   *
   * @param name of {@link #names}
   * @throws InvalidInputException if there is none of that name
   */
  public float[] values(String name) {
    return require(values.get(name), name);
  }

  /**
   * The shape of an output, all of it known, such as [b,classes] of logits.
   *
   * @param name of {@link #names}
   * @throws InvalidInputException if there is none of that name
   */
  public Shape shape(String name) {
    return require(shapes.get(name), name);
  }

  /** The function that gave it. */
  LoadedSignature function() {
    return function;
  }

  /** Whether it is that one, and not an equal one, whose weights may be others. */
  @SuppressWarnings("ReferenceEquality")
  boolean isOf(LoadedSignature other) {
    return function == other;
  }

  /** The values of the only output. */
  float[] only() {
    return values.values().iterator().next();
  }

  private <V> V require(@Nullable V found, String name) {
    if (found == null) {
      throw new InvalidInputException(
          "no output %s, but %s".formatted(name, String.join(", ", values.keySet())));
    }
    return found;
  }
}
