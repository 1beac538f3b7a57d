package dev.linformer.ops.gradient;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TFloating;

/**
 * An input with the places where it is cut. All is worked out when the segment is built: a gradient
 * is added under the graph's lock, where no shape can be asked for.
 *
 * @param operand the input
 * @param differentiable whether it is floating
 * @param whole whether parts see all of it
 * @param axis along which it is cut
 * @param shape of the input
 * @param from by part, where it begins on the axis
 * @param length by part, how much of the axis it sees
 */
record Cut(
    Operand<?> operand,
    boolean differentiable,
    boolean whole,
    int axis,
    Shape shape,
    List<Integer> from,
    List<Integer> length) {

  static Cut of(Input input, Parts parts) {
    Operand<?> operand = input.operand();
    Shape shape = operand.shape();
    boolean whole = input.reach() == Input.Reach.WHOLE || parts.count() == 1;
    List<Integer> from = new ArrayList<>();
    List<Integer> length = new ArrayList<>();
    if (!whole) {
      boolean row = input.reach() == Input.Reach.ROW;
      long scale = scale(shape, input, row ? parts.count() : parts.units());
      for (int p = 0; p < parts.count(); p++) {
        from.add(Math.toIntExact(row ? p : parts.from(p) * scale));
        length.add(Math.toIntExact(row ? 1 : parts.length(p) * scale));
      }
    }
    return new Cut(
        operand,
        TFloating.class.isAssignableFrom(operand.type()),
        whole,
        input.axis(),
        shape,
        from,
        length);
  }

  private static long scale(Shape shape, Input input, long units) {
    long size = shape.get(input.axis());
    boolean row = input.reach() == Input.Reach.ROW;
    if (size < 0 || size % units != 0 || (row && size != units)) {
      throw new IllegalArgumentException(
          "Recompute: axis %d of an input must be %s%d, found %d in %s"
              .formatted(input.axis(), row ? "" : "a multiple of ", units, size, shape));
    }
    return size / units;
  }

  /** Another operand of the same shape, cut in the same way. */
  Cut of(Operand<?> other) {
    return new Cut(other, differentiable, whole, axis, shape, from, length);
  }

  /** The shape of what a part sees. */
  Shape shape(int part) {
    if (whole) {
      return shape;
    }
    long[] sizes = shape.asArray();
    sizes[axis] = length.get(part);
    return Shape.of(sizes);
  }
}
