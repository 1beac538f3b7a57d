package dev.linformer.ops;

import java.util.List;
import org.tensorflow.ndarray.Shape;

/**
 * What a layer says of a weight it needs.
 *
 * <p>A weight of all heads is one tensor here and one tensor a head in state dictionaries: {@code
 * slices} says how the first axis is cut in equal parts, in order, and under which keys a part is
 * known. Several keys for a part mean that the part is shared, under its first key.
 *
 * @param name flat dotted name of the variable, unique in a model; without slashes, which
 *     TensorFlow Java's own slot optimizers cannot bear
 * @param shape full shape, every axis known
 * @param initialization how it starts
 * @param slices keys of each equal part of axis 0; one part with one key for an ordinary weight
 * @param trainable whether training changes it
 */
public record Parameter(
    String name,
    Shape shape,
    Initialization initialization,
    List<List<String>> slices,
    boolean trainable) {

  /** Copies {@code slices} and checks that they cut the first axis evenly. */
  public Parameter {
    slices = slices.stream().map(List::copyOf).toList();
    if (slices.isEmpty() || (slices.size() > 1 && shape.get(0) % slices.size() != 0)) {
      throw new IllegalArgumentException(
          name + ": axis 0 of " + shape + " cannot be cut in " + slices.size() + " equal parts");
    }
  }

  /** A trained weight whose key is its name. */
  public Parameter(String name, Shape shape, Initialization initialization) {
    this(name, shape, initialization, List.of(List.of(name)), true);
  }

  /** A trained weight whose first axis is cut in {@code slices.size()} parts, one key each. */
  public static Parameter sliced(
      String name, Shape shape, Initialization initialization, List<String> keys) {
    return new Parameter(name, shape, initialization, keys.stream().map(List::of).toList(), true);
  }

  /** The shape of one part in a state dictionary. */
  public Shape sliceShape() {
    if (slices.size() == 1) {
      return shape;
    }
    long[] dimensions = shape.asArray();
    dimensions[0] /= slices.size();
    return Shape.of(dimensions);
  }
}
