package dev.linformer.ops.gradient;

import org.tensorflow.Operand;

/**
 * An input of a segment. A segment that is computed in parts gives each part all of the input, or a
 * slice of it.
 *
 * @param operand of any type; gradients are taken with respect to floating ones
 * @param reach which slice a part receives
 * @param axis along which the input is sliced
 */
public record SegmentInput(Operand<?> operand, Reach reach, int axis) {

  /** Which slice of an input a part receives. */
  public enum Reach {
    /** The whole input. */
    WHOLE,
    /** The places on the axis of the part's own positions or heads. */
    UNITS,
    /** The one place on the axis that has the part's number. */
    ROW
  }

  /** An input that every part receives whole. */
  public static SegmentInput whole(Operand<?> operand) {
    return new SegmentInput(operand, Reach.WHOLE, 0);
  }

  /** An input split along {@code axis} together with the segment: each part receives its slice. */
  public static SegmentInput along(Operand<?> operand, int axis) {
    return new SegmentInput(operand, Reach.UNITS, axis);
  }

  /** An input with one place on the axis for each part. */
  public static SegmentInput row(Operand<?> operand, int axis) {
    return new SegmentInput(operand, Reach.ROW, axis);
  }
}
