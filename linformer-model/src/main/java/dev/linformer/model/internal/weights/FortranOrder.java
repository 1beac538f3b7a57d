package dev.linformer.model.internal.weights;

import java.util.Arrays;

/** Where values that lie with the first axis innermost belong in row-major order. */
final class FortranOrder {
  private final long[] sizes;
  private final int[] strides;
  private final long[] index;
  private int position;

  /**
   * Begins with the first value.
   *
   * @param shape of an array that fits into memory
   */
  FortranOrder(long[] shape) {
    sizes = Arrays.stream(shape).filter(size -> size != 1).toArray();
    strides = new int[sizes.length];
    index = new long[sizes.length];
    int stride = 1;
    for (int axis = sizes.length - 1; axis >= 0; axis--) {
      strides[axis] = stride;
      stride *= (int) sizes[axis];
    }
  }

  /** Where the next value belongs. */
  int next() {
    int found = position;
    for (int axis = 0; axis < sizes.length; axis++) {
      position += strides[axis];
      if (++index[axis] < sizes[axis]) {
        break;
      }
      position -= (int) sizes[axis] * strides[axis];
      index[axis] = 0;
    }
    return found;
  }
}
