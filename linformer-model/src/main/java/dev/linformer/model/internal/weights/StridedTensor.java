package dev.linformer.model.internal.weights;

import java.util.Arrays;
import java.util.List;
import org.tensorflow.ndarray.Shape;

/**
 * Where PyTorch keeps a tensor: a window of a storage, with a step for each axis.
 *
 * @param storage which one
 * @param offset of the first value, in values
 * @param shape the axes
 * @param strides what a step along each axis is in the storage, in values
 */
record StridedTensor(Storage storage, long offset, Shape shape, List<Long> strides) {

  /**
   * A flat array of values.
   *
   * @param key name of its record
   * @param type of its values
   * @param size number of its values
   */
  record Storage(String key, FloatType type, long size) {}

  /**
   * Checks that every value lies in the storage.
   *
   * @throws IllegalArgumentException if one does not
   */
  StridedTensor {
    strides = List.copyOf(strides);
    long[] sizes = shape.asArray();
    if (sizes.length != strides.size()
        || offset < 0
        || Arrays.stream(sizes).anyMatch(size -> size < 0)
        || strides.stream().anyMatch(stride -> stride < 0)) {
      throw new IllegalArgumentException("its shape, strides or offset are impossible");
    }
    try {
      long count = 1;
      long last = offset;
      for (int axis = 0; axis < sizes.length; axis++) {
        count = Math.multiplyExact(count, sizes[axis]);
        last =
            Math.addExact(
                last, Math.multiplyExact(Math.max(0, sizes[axis] - 1), strides.get(axis)));
      }
      if (count > 0 && last >= storage.size) {
        throw new IllegalArgumentException(
            "its values %s to %s lie outside of a storage of %s"
                .formatted(offset, last, storage.size));
      }
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("shape " + shape + " overflows", e);
    }
  }

  /** Whether the values lie in row-major order without gaps. */
  boolean contiguous() {
    long expected = 1;
    for (int axis = strides.size() - 1; axis >= 0; axis--) {
      long size = shape.get(axis);
      if (size != 1 && strides.get(axis) != expected) {
        return shape.size() == 0;
      }
      expected *= size;
    }
    return true;
  }

  /** How many values lie from the first to the last. */
  long span() {
    long span = 1;
    for (int axis = 0; axis < strides.size(); axis++) {
      span += (shape.get(axis) - 1) * strides.get(axis);
    }
    return span;
  }

  /** The values in row-major order, out of the {@link #span}. */
  float[] gather(float[] span) {
    float[] values = new float[Math.toIntExact(shape.size())];
    long[] sizes = shape.asArray();
    long[] index = new long[sizes.length];
    long from = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = span[Math.toIntExact(from)];
      for (int axis = sizes.length - 1; axis >= 0; axis--) {
        from += strides.get(axis);
        if (++index[axis] < sizes[axis]) {
          break;
        }
        from -= sizes[axis] * strides.get(axis);
        index[axis] = 0;
      }
    }
    return values;
  }
}
