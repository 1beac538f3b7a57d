package dev.linformer.ops.gradient;

import org.tensorflow.Operand;

/**
 * An input of a segment, and what of it a part sees.
 *
 * @param operand any type; gradients are taken with respect to floating ones
 * @param reach what of it a part sees
 * @param axis along which it is cut
 */
public record SegmentInput(Operand<?> operand, Reach reach, int axis) {

  /** What of an input a part sees. */
  public enum Reach {
    /** All of it. */
    WHOLE,
    /** Its units' share of the axis. */
    UNITS,
    /** The place on the axis that has the part's number. */
    ROW
  }

  /** An input that every part sees whole. */
  public static SegmentInput whole(Operand<?> operand) {
    return new SegmentInput(operand, Reach.WHOLE, 0);
  }

  /** An input that is cut as the segment is: a part sees as much of the axis as it has units. */
  public static SegmentInput along(Operand<?> operand, int axis) {
    return new SegmentInput(operand, Reach.UNITS, axis);
  }

  /** An input with one place on the axis for each part. */
  public static SegmentInput row(Operand<?> operand, int axis) {
    return new SegmentInput(operand, Reach.ROW, axis);
  }
}
