package dev.linformer.ops.internal;

import java.util.Arrays;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/** Checks on shapes, made when the graph is built, and reshapes that keep what is known. */
public final class Shapes {

  private Shapes() {}

  /**
   * @throws IllegalArgumentException if {@code x} has not exactly {@code rank} axes
   */
  public static void requireRank(String what, Operand<?> x, int rank) {
    Shape shape = x.shape();
    if (shape.numDimensions() != rank) {
      throw new IllegalArgumentException(
          "%s: %s axes expected, found %s in %s"
              .formatted(what, rank, shape.numDimensions(), shape));
    }
  }

  /**
   * @param axis counted from 0
   * @param meaning the term for {@code expected}, such as "channels"
   * @throws IllegalArgumentException if the axis has another size, or one unknown
   */
  public static void requireAxis(
      String what, Operand<?> x, int axis, long expected, String meaning) {
    Shape shape = x.shape();
    if (shape.get(axis) != expected) {
      throw new IllegalArgumentException(
          "%s: axis %s must be %s (%s), found %s in %s"
              .formatted(
                  what,
                  axis,
                  expected,
                  meaning,
                  shape.get(axis) == Shape.UNKNOWN_SIZE ? "unknown" : shape.get(axis),
                  shape));
    }
  }

  /**
   * @param most the largest size that will do
   * @throws IllegalArgumentException if the axis is larger, or of unknown size
   */
  public static void requireAtMost(String what, Operand<?> x, int axis, long most, String meaning) {
    long size = x.shape().get(axis);
    if (size == Shape.UNKNOWN_SIZE || size > most) {
      throw new IllegalArgumentException(
          "%s: axis %s must be at most %s (%s), found %s in %s"
              .formatted(
                  what,
                  axis,
                  most,
                  meaning,
                  size == Shape.UNKNOWN_SIZE ? "unknown" : size,
                  x.shape()));
    }
  }

  /**
   * @throws IllegalArgumentException if more than one axis is of unknown size
   */
  public static void requireOneUnknown(String what, Operand<?> x) {
    Shape shape = x.shape();
    long unknown =
        Arrays.stream(shape.asArray()).filter(size -> size == Shape.UNKNOWN_SIZE).count();
    if (unknown > 1) {
      throw new IllegalArgumentException(
          "%s: at most one axis of unknown size expected, found %s in %s"
              .formatted(what, unknown, shape));
    }
  }

  /**
   * Reshapes; at most one size may be {@link Shape#UNKNOWN_SIZE}, which TensorFlow then works out.
   */
  public static <T extends TType> Operand<T> reshape(Ops tf, Operand<T> x, long... sizes) {
    boolean small = Arrays.stream(sizes).allMatch(size -> size <= Integer.MAX_VALUE);
    // int32 is what every runtime knows, and what takes no attribute in a stored graph.
    return small
        ? tf.reshape(x, tf.constant(Arrays.stream(sizes).mapToInt(Math::toIntExact).toArray()))
        : tf.reshape(x, tf.constant(sizes));
  }

  /** A part of one axis; all others whole. Its gradient needs begin and size to be int32. */
  public static <T extends TType> Operand<T> slice(
      Ops tf, Operand<T> x, int axis, long from, long length) {
    int[] begin = new int[x.shape().numDimensions()];
    int[] size = new int[begin.length];
    Arrays.fill(size, -1); // all that is left
    begin[axis] = Math.toIntExact(from);
    size[axis] = Math.toIntExact(length);
    return tf.slice(x, tf.constant(begin), tf.constant(size));
  }

  /**
   * Zeros behind the end of an axis, up to a length. Its gradient needs the paddings to be int32.
   *
   * @throws IllegalArgumentException if the axis is longer, or of unknown size
   */
  public static <T extends TFloating> Operand<T> padTo(
      Ops tf, String what, Operand<T> x, int axis, long length) {
    requireAtMost(what, x, axis, length, "sequence length");
    long missing = length - x.shape().get(axis);
    if (missing == 0) {
      return x;
    }
    int[][] paddings = new int[x.shape().numDimensions()][2];
    paddings[axis][1] = Math.toIntExact(missing);
    return tf.pad(x, tf.constant(paddings), Scalars.of(tf, 0, x.type()));
  }
}
