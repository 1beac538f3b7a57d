package dev.linformer.ops;

import dev.linformer.ops.internal.PlainDigits;
import java.util.List;
import org.tensorflow.ndarray.Shape;

/**
 * What a layer says of a weight it needs.
 *
 * <p>A weight of all heads is one tensor here and one tensor a head in state dictionaries: {@code
 * slices} says how the values are cut along the first axis in equal parts, in order, and under
 * which keys a part is known. Several keys for a part mean that it is shared; its first key is the
 * one it is stored under.
 *
 * @param name flat dotted name of the variable, unique in a model; without slashes, which
 *     TensorFlow Java's own slot optimizers cannot bear
 * @param shape full shape, every axis known
 * @param initialization how it starts
 * @param slices keys of each equal part; one part with one key for an ordinary weight
 * @param sliceShape shape of a part in a state dictionary
 * @param trainable whether training changes it
 */
public record Parameter(
    String name,
    Shape shape,
    Initialization initialization,
    List<List<String>> slices,
    Shape sliceShape,
    boolean trainable) {

  /**
   * Copies {@code slices} and checks that the parts make up the whole. Every layer begins with its
   * parameters, so {@link PlainDigits} are made sure of here.
   */
  public Parameter {
    PlainDigits.ensure();
    slices = slices.stream().map(List::copyOf).toList();
    if (slices.size() * sliceShape.size() != shape.size()) {
      throw new IllegalArgumentException(
          "%s: %s parts of %s don't make up %s".formatted(name, slices.size(), sliceShape, shape));
    }
  }

  /** A trained weight whose only key is its name. */
  public Parameter(String name, Shape shape, Initialization initialization) {
    this(name, shape, initialization, List.of(List.of(name)), shape, true);
  }

  /** A trained weight cut along its first axis: [h·d,c] is h parts of [d,c]. */
  public static Parameter sliced(
      String name, Shape shape, Initialization initialization, List<String> keys) {
    long[] sizes = shape.asArray();
    if (sizes[0] % keys.size() != 0) {
      throw new IllegalArgumentException(
          "%s: axis 0 of %s cannot be cut in %s equal parts".formatted(name, shape, keys.size()));
    }
    sizes[0] /= keys.size();
    return split(name, shape, initialization, keys, Shape.of(sizes));
  }

  /** A trained weight with a part for each place of its first axis: [h,k,n] is h parts of [k,n]. */
  public static Parameter stacked(
      String name, Shape shape, Initialization initialization, List<String> keys) {
    return split(name, shape, initialization, keys, shape.tail());
  }

  /** A trained weight that is one whole under several keys. */
  public static Parameter shared(
      String name, Shape shape, Initialization initialization, List<String> keys) {
    return new Parameter(name, shape, initialization, List.of(keys), shape, true);
  }

  private static Parameter split(
      String name, Shape shape, Initialization initialization, List<String> keys, Shape part) {
    var slices = keys.stream().map(List::of).toList();
    return new Parameter(name, shape, initialization, slices, part, true);
  }
}
