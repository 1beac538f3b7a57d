package dev.linformer.model.internal.weights;

import dev.linformer.io.internal.FileBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;
import org.tensorflow.ndarray.buffer.ShortDataBuffer;
import org.tensorflow.ndarray.buffer.layout.DataLayouts;
import org.tensorflow.ndarray.buffer.layout.FloatDataLayout;

/** How a file stores a float: names and bytes. */
enum FloatType {
  F16(2),
  BF16(2),
  F32(4),
  F64(8);

  private final int bytes;

  FloatType(int bytes) {
    this.bytes = bytes;
  }

  /** The type that safetensors calls by this name. */
  static Optional<FloatType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  /** Bytes of a value. */
  int bytes() {
    return bytes;
  }

  /** Fills a buffer with the source's next values, little-endian ones. */
  void read(FileBytes.ByteSource source, FloatDataBuffer into) throws IOException {
    read(source, ByteOrder.LITTLE_ENDIAN, into);
  }

  /**
   * Fills a buffer with the source's next values.
   *
   * @throws ArithmeticException if a value is outside float32's range; its message is the rest of a
   *     sentence that begins with the tensor
   */
  void read(FileBytes.ByteSource source, ByteOrder order, FloatDataBuffer into) throws IOException {
    int most = (int) Math.min(into.size(), FileBytes.CHUNK / bytes);
    ByteBuffer chunk = FileBytes.littleEndian(most * bytes).order(order);
    float[] values = new float[most];
    for (long done = 0; done < into.size(); ) {
      int count = (int) Math.min(most, into.size() - done);
      source.fill(chunk.clear().limit(count * bytes));
      convert(chunk, values, count);
      into.offset(done).write(values, 0, count);
      done += count;
    }
  }

  private void convert(ByteBuffer chunk, float[] values, int count) {
    switch (this) {
      case F16 -> widen(DataLayouts.FLOAT16, chunk, values, count);
      case BF16 -> widen(DataLayouts.BFLOAT16, chunk, values, count);
      case F32 -> chunk.asFloatBuffer().get(values, 0, count);
      case F64 -> {
        for (int i = 0; i < count; i++) {
          values[i] = narrow(chunk.getDouble());
        }
      }
    }
  }

  private static void widen(
      FloatDataLayout<ShortDataBuffer> layout, ByteBuffer chunk, float[] values, int count) {
    short[] halves = new short[count];
    chunk.asShortBuffer().get(halves);
    layout.applyTo(DataBuffers.of(halves, true, false)).read(values, 0, count);
  }

  private static float narrow(double value) {
    float narrowed = (float) value;
    if (Float.isInfinite(narrowed) && !Double.isInfinite(value)) {
      throw new ArithmeticException("holds " + value + ", outside the range of float32");
    }
    return narrowed;
  }
}
