package dev.linformer.model.internal.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.FileBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.Shape;

class NpyFileTest {
  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static Path write(Path dir, int version, String header, ByteBuffer data)
      throws IOException {
    byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
    byte[] file = new byte[(version == 1 ? 10 : 12) + text.length + data.capacity()];
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    if (version == 1) {
      bytes.putShort((short) text.length);
    } else {
      bytes.putInt(text.length);
    }
    bytes.put(text).put(data.rewind());
    return Files.write(dir.resolve("x.npy"), file);
  }

  private static String header(String dtype, String shape) {
    return "{'descr': '" + dtype + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  }

  @Test
  void readsFloats(@TempDir Path dir) throws IOException {
    ByteBuffer data = littleEndian(24);
    for (int i = 0; i < 6; i++) {
      data.putFloat(i - 2.5f);
    }
    NpyFile array = NpyFile.read(write(dir, 1, header("<f4", "(2, 3)"), data));
    assertEquals(Shape.of(2, 3), array.shape());
    assertFalse(array.isInteger());
    assertArrayEquals(new float[] {-2.5f, -1.5f, -0.5f, 0.5f, 1.5f, 2.5f}, array.floats());
    assertRefused("holds floats", array::ints);
  }

  @Test
  void narrowsDoubles(@TempDir Path dir) throws IOException {
    ByteBuffer data = littleEndian(24).putDouble(0.1).putDouble(-3).putDouble(1.0 / 0);
    NpyFile array = NpyFile.read(write(dir, 2, header("<f8", "(3,)"), data));
    assertArrayEquals(new float[] {0.1f, -3, Float.POSITIVE_INFINITY}, array.floats());

    Path wide = write(dir, 1, header("<f8", "()"), littleEndian(8).putDouble(1e39));
    assertRefused("holds 1.0E39, outside the range of float32", () -> NpyFile.read(wide));
  }

  @Test
  void readsIntegers(@TempDir Path dir) throws IOException {
    ByteBuffer data = littleEndian(8).putInt(7).putInt(Integer.MIN_VALUE);
    NpyFile array = NpyFile.read(write(dir, 1, header("<i4", "(2, 1)"), data));
    assertEquals(Shape.of(2, 1), array.shape());
    assertTrue(array.isInteger());
    assertArrayEquals(new int[] {7, Integer.MIN_VALUE}, array.ints());
    assertRefused("astype('float32')", array::floats);
  }

  @Test
  void narrowsLongs(@TempDir Path dir) throws IOException {
    ByteBuffer data = littleEndian(16).putLong(-5).putLong(Integer.MAX_VALUE);
    NpyFile array = NpyFile.read(write(dir, 1, header("<i8", "(2,)"), data));
    assertArrayEquals(new int[] {-5, Integer.MAX_VALUE}, array.ints());

    Path wide = write(dir, 1, header("<i8", "(1,)"), littleEndian(8).putLong(1L << 31));
    assertRefused("has 2147483648 as element 0, outside", () -> NpyFile.read(wide));
  }

  /** What NumPy makes of 1, 2 and 200, or of -3 where there is a sign, and so on. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          |u1 ; 01 02 c8
          |i1 ; 01 02 fd
          <u2 ; 0100 0200 ffff
          >u2 ; 0001 0002 ffff
          <i2 ; 0100 0200 fdff
          >i2 ; 0001 0002 fffd
          <u4 ; 01000000 02000000 ffffff7f
          >i4 ; 00000001 00000002 fffffffd
          >i8 ; 0000000000000001 0000000000000002 fffffffffffffffd
          <u8 ; 0100000000000000 0200000000000000 ffffff7f00000000
          |b1 ; 01 00 01
          <f2 ; 003c 0040 00c2
          >f2 ; 3c00 4000 c200
          >f4 ; 3f800000 40000000 c0400000
          >f8 ; 3ff0000000000000 4000000000000000 c008000000000000
          """)
  void everyType(String dtype, String values, @TempDir Path dir) throws IOException {
    ByteBuffer data = ByteBuffer.wrap(HexFormat.of().parseHex(values.replace(" ", "")));
    NpyFile array = NpyFile.read(write(dir, 3, header(dtype, "(3,)"), data));
    double[] expected = {1, 2, -3};
    switch (dtype.substring(1)) {
      case "u1" -> expected[2] = 200;
      case "u2" -> expected[2] = 65535;
      case "u4", "u8" -> expected[2] = Integer.MAX_VALUE;
      case "b1" -> expected = new double[] {1, 0, 1};
      default -> {}
    }
    for (int i = 0; i < 3; i++) {
      assertEquals(expected[i], array.isInteger() ? array.ints()[i] : array.floats()[i], dtype);
    }
    assertEquals(dtype.endsWith("b1"), array.isBoolean());
  }

  @Test
  void whatNeedsMoreBitsIsRefused(@TempDir Path dir) throws IOException {
    Path four = write(dir, 1, header("<u4", "(1,)"), littleEndian(4).putInt(-1));
    assertRefused("has 4294967295 as element 0, outside", () -> NpyFile.read(four));
    Path eight = write(dir, 1, header("<u8", "(1,)"), littleEndian(8).putLong(-1));
    assertRefused("has 18446744073709551615 as element 0, outside", () -> NpyFile.read(eight));
  }

  /** numpy.save(path, numpy.arange(6).reshape(1, 2, 3).T), and of integers. */
  @Test
  void fortranOrder(@TempDir Path dir) throws IOException {
    String fortran = header("<f4", "(3, 2, 1)").replace("False", "True");
    ByteBuffer data = littleEndian(24);
    for (int i = 0; i < 6; i++) {
      data.putFloat(i);
    }
    NpyFile floats = NpyFile.read(write(dir, 1, fortran, data));
    assertEquals(Shape.of(3, 2, 1), floats.shape());
    assertArrayEquals(new float[] {0, 3, 1, 4, 2, 5}, floats.floats());

    ByteBuffer bytes = ByteBuffer.wrap(new byte[] {0, 1, 2, 3, 4, 5});
    NpyFile ints = NpyFile.read(write(dir, 1, fortran.replace("<f4", "|u1"), bytes));
    assertArrayEquals(new int[] {0, 3, 1, 4, 2, 5}, ints.ints());
    NpyFile none = NpyFile.read(write(dir, 1, fortran.replace("(3, 2", "(3, 0"), littleEndian(0)));
    assertEquals(0, none.floats().length);
  }

  @Test
  void aHeaderInAnotherSpelling(@TempDir Path dir) throws IOException {
    String header = " {\"shape\":(2L,1,),'x':(),\n'fortran_order':False , 'descr':\"<f4\"}  \n";
    assertEquals(Shape.of(2, 1), NpyFile.read(write(dir, 1, header, littleEndian(8))).shape());
  }

  /** The reader before this one tried every way to share out the blanks. */
  @Test
  void aLongHeaderTakesOnePass(@TempDir Path dir) throws IOException {
    String start = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    Path blanks = write(dir, 1, start + " ".repeat(9_900) + "x)}", littleEndian(4));
    assertRefused("something else than whole numbers", () -> NpyFile.read(blanks));
    Path axes = write(dir, 1, start + "1, ".repeat(3_000) + ")}", littleEndian(4));
    assertRefused("has 3000 axes, and at most 64 are read", () -> NpyFile.read(axes));
    Path records = write(dir, 1, "{'descr': " + "[".repeat(9_900) + "}", littleEndian(4));
    assertRefused("has a damaged header, with no end", () -> NpyFile.read(records));
    Path huge = write(dir, 2, start + " ".repeat(60_000) + ")}", littleEndian(4));
    assertRefused("it names a header of 60053 bytes", () -> NpyFile.read(huge));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, FileBytes.CHUNK / Float.BYTES + 1})
  void readsBackWhatWasWritten(int size, @TempDir Path dir) throws IOException {
    float[] values = new float[size];
    Random random = new Random(5);
    for (int i = 0; i < size; i++) {
      values[i] = Float.intBitsToFloat(random.nextInt());
    }
    Path path = dir.resolve("x.npy");
    NpyFile.write(path, Shape.of(1, size), values);
    NpyFile array = NpyFile.read(path);
    assertEquals(Shape.of(1, size), array.shape());
    assertArrayEquals(values, array.floats());
    try (Stream<Path> files = Files.list(dir)) {
      assertEquals(1, files.count());
    }
  }

  @Test
  void writesTheBytesOfTheFormat(@TempDir Path dir) throws IOException {
    Path path = dir.resolve("x.npy");
    NpyFile.write(path, Shape.of(1), new float[] {1});
    byte[] bytes = Files.readAllBytes(path);
    assertEquals(128 + 4, bytes.length);
    String start = new String(bytes, 0, 128, StandardCharsets.ISO_8859_1);
    String expected =
        "\u0093NUMPY\u0001\u0000v\u0000" // 118 more
            + "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
    assertEquals(expected + " ".repeat(127 - expected.length()) + "\n", start);
    assertArrayEquals(new byte[] {0, 0, (byte) 0x80, 0x3f}, Arrays.copyOfRange(bytes, 128, 132));

    NpyFile.write(path, Shape.scalar(), new float[] {2});
    assertEquals(Shape.scalar(), NpyFile.read(path).shape());
    assertRefused("2 values for shape [3]", () -> NpyFile.write(path, Shape.of(3), new float[2]));
    assertEquals(Shape.scalar(), NpyFile.read(path).shape());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          '<f16'           ; False ; (1,)     ; x.astype('float32')
          '<c8'            ; False ; (1,)     ; x.astype('float32')
          '<U1'            ; False ; (1,)     ; neither floats nor integers
          '<f4'            ; 0     ; (1,)     ; a value that is no text, flag or tuple
          '<f4', 'descr': '<f8' ; False ; (1,) ; a key twice
          '<f4'            ; False ; (1 2)    ; no ) where one is expected
          '<f4'            ; False ; (1,), 'x ; no text in quotes
          '<f4'            ; False ; (1234567890123456789,) ; something else than whole numbers
          '|O'             ; False ; (1,)     ; neither floats nor integers
          [('a', '<f4')]   ; False ; (1,)     ; neither floats nor integers
          '<f4'            ; False ; 1        ; a value that is no text, flag or tuple
          '<f4'            ; False ; (-1,)    ; something else than whole numbers
          '<f4'            ; False ; 'x'      ; without a shape
          '<f4'            ; False ; (99999, 99999) ; has shape [99999, 99999], above
          '<f4'            ; False ; (2,)     ; is truncated: shape [2] of <f4 takes 8 bytes, and 4
          '<f4'            ; False ; (0,)     ; is too long: shape [0] of <f4 takes 0 bytes, and 4
          """,
      quoteCharacter = '`')
  void refusesOtherArrays(
      String dtype, String fortran, String shape, String message, @TempDir Path dir)
      throws IOException {
    String header =
        String.format("{'descr': %s, 'fortran_order': %s, 'shape': %s, }", dtype, fortran, shape);
    Path path = write(dir, 1, header, littleEndian(4));
    assertRefused(message, () -> NpyFile.read(path));
    assertRefused(path.toString(), () -> NpyFile.read(path));
  }

  @Test
  void refusesOtherFiles(@TempDir Path dir) throws IOException {
    Path text = Files.writeString(dir.resolve("x.csv"), "1.0,2.0,3.0,4.0");
    assertRefused("is no .npy file: save it with numpy.save", () -> NpyFile.read(text));
    Path empty = Files.createFile(dir.resolve("empty"));
    assertRefused("is no .npy file", () -> NpyFile.read(empty));
    Path newer = write(dir, 4, header("<f4", "()"), littleEndian(4));
    assertRefused("has .npy version 4, read are 1 to 3", () -> NpyFile.read(newer));
  }

  @Test
  void damageIsRefusedOrReadsAsAValidFile(@TempDir Path dir) throws IOException {
    Path path = dir.resolve("x.npy");
    NpyFile.write(path, Shape.of(2, 3), new float[6]);
    byte[] whole = Files.readAllBytes(path);
    Random random = new Random(13);
    int refused = 0;
    for (int i = 0; i < 500; i++) {
      Files.write(path, Damage.of(whole, random, i));
      try {
        NpyFile.read(path);
      } catch (InvalidInputException | IOException e) {
        refused++;
      }
    }
    assertTrue(refused > 250, "all truncations and more: " + refused);
  }

  private static void assertRefused(String message, Executable action) {
    InvalidInputException e = assertThrows(InvalidInputException.class, action);
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
  }
}
