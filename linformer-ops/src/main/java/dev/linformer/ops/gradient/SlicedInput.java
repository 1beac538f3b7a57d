package dev.linformer.ops.gradient;

import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TFloating;

/**
 * An input with the places where it is cut. All is worked out when the segment is built: a gradient
 * is added under the graph's lock, where no shape can be asked for.
 *
 * @param operand the input
 * @param differentiable whether it is floating
 * @param reach what of it a part sees; all, if there is one part
 * @param axis along which it is cut
 * @param shape of the input
 * @param parts of the segment
 * @param scale places on the axis for each unit
 */
record SlicedInput(
    Operand<?> operand,
    boolean differentiable,
    SegmentInput.Reach reach,
    int axis,
    Shape shape,
    ChunkPlan parts,
    long scale) {

  static SlicedInput of(SegmentInput input, ChunkPlan parts) {
    Operand<?> operand = input.operand();
    Shape shape = operand.shape();
    SegmentInput.Reach reach = parts.count() == 1 ? SegmentInput.Reach.WHOLE : input.reach();
    return new SlicedInput(
        operand,
        TFloating.class.isAssignableFrom(operand.type()),
        reach,
        input.axis(),
        shape,
        parts,
        switch (reach) {
          case WHOLE -> 1;
          case UNITS -> scale(shape, input, parts.units(), false);
          case ROW -> scale(shape, input, parts.count(), true);
        });
  }

  private static long scale(Shape shape, SegmentInput input, long units, boolean exactly) {
    long size = shape.get(input.axis());
    if (size < 0 || size % units != 0 || (exactly && size != units)) {
      throw new IllegalArgumentException(
          "Recompute: axis %s of an input must be %s%s, found %s in %s"
              .formatted(input.axis(), exactly ? "" : "a multiple of ", units, size, shape));
    }
    return size / units;
  }

  /** Whether parts see all of it. */
  boolean whole() {
    return reach == SegmentInput.Reach.WHOLE;
  }

  /** Where a part begins on the axis. */
  long from(int part) {
    return reach == SegmentInput.Reach.ROW ? part : parts.from(part) * scale;
  }

  /** How much of the axis a part sees. */
  long length(int part) {
    return reach == SegmentInput.Reach.ROW ? 1 : parts.length(part) * scale;
  }

  /** Another operand of the same shape, cut in the same way. */
  SlicedInput of(Operand<?> other) {
    return new SlicedInput(other, differentiable, reach, axis, shape, parts, scale);
  }

  /** The shape of what a part sees. */
  Shape shape(int part) {
    if (whole()) {
      return shape;
    }
    long[] sizes = shape.asArray();
    sizes[axis] = length(part);
    return Shape.of(sizes);
  }
}
