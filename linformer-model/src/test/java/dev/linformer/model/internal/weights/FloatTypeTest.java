package dev.linformer.model.internal.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.io.internal.FileBytes;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.tensorflow.ndarray.buffer.DataBuffers;

class FloatTypeTest {

  private static float[] read(FloatType type, int count, byte[] bytes) throws IOException {
    float[] values = new float[count];
    type.read(
        FileBytes.from(new ByteArrayInputStream(bytes)), DataBuffers.of(values, false, false));
    return values;
  }

  private static byte[] everyHalf() {
    byte[] bytes = new byte[2 << 16];
    for (int bits = 0; bits < 1 << 16; bits++) {
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putShort(2 * bits, (short) bits);
    }
    return bytes;
  }

  private static void assertEveryHalf(FloatType type, IntToDoubleFunction expected)
      throws IOException {
    float[] found = read(type, 1 << 16, everyHalf());
    for (int bits = 0; bits < found.length; bits++) {
      assertEquals(expected.applyAsDouble(bits), found[bits], 0, Integer.toHexString(bits));
    }
  }

  @Test
  void everyFloat16() throws IOException {
    assertEveryHalf(
        FloatType.F16,
        bits -> {
          int exponent = (bits >> 10) & 31;
          int fraction = bits & 1023;
          double sign = bits >> 15 == 0 ? 1 : -1;
          if (exponent == 31) {
            return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
          }
          return exponent == 0
              ? sign * fraction * 0x1p-24
              : sign * Math.scalb(1024.0 + fraction, exponent - 25);
        });
  }

  @Test
  void everyBfloat16() throws IOException {
    assertEveryHalf(FloatType.BF16, bits -> Float.intBitsToFloat(bits << 16));
  }

  @Test
  void doublesAreNarrowedWithinRange() throws IOException {
    byte[] bytes = new byte[16];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putDouble(0.1).putDouble(Double.NaN);
    assertArrayEquals(new float[] {0.1f, Float.NaN}, read(FloatType.F64, 2, bytes));
    byte[] wide = new byte[8];
    ByteBuffer.wrap(wide).order(ByteOrder.LITTLE_ENDIAN).putDouble(-1e39);
    var e = assertThrows(ArithmeticException.class, () -> read(FloatType.F64, 1, wide));
    assertEquals("holds -1.0E39, outside the range of float32", e.getMessage());
  }

  @Test
  void moreThanAChunk() throws IOException {
    int count = FileBytes.CHUNK / Float.BYTES + 3;
    byte[] bytes = new byte[4 * count];
    for (int i = 0; i < count; i++) {
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(4 * i, i);
    }
    float[] values = read(FloatType.F32, count, bytes);
    for (int i = 0; i < count; i++) {
      assertEquals(i, values[i]);
    }
    assertThrows(EOFException.class, () -> read(FloatType.F32, count + 1, bytes), "no value more");
  }
}
