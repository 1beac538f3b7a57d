package dev.linformer.model.internal.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.io.internal.FileBytes;
import dev.linformer.model.internal.weights.SafetensorsWriter.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

class SafetensorsTest {
  /** Values that a detour over double, text or another byte order would change. */
  private static final float[] CORNERS = {
    0f, -0f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NEGATIVE_INFINITY, Float.NaN, 1f / 3
  };

  private static Tensor tensor(String name, Shape shape, float... values) {
    return new Tensor(name, shape, DataBuffers.of(values));
  }

  private static float[] read(SafetensorsFile file, String name) throws IOException {
    float[] values = new float[(int) file.shape(name).size()];
    file.read(name, DataBuffers.of(values, false, false));
    return values;
  }

  @Test
  void readsBackWhatWasWritten(@TempDir Path dir) throws IOException {
    Path path = dir.resolve("model.safetensors");
    SafetensorsWriter.write(
        path,
        Map.of("format", "pt", "é\"\n", "\u4f60"),
        List.of(
            tensor("block.0.weight", Shape.of(7, 1), CORNERS),
            tensor("scalar", Shape.scalar(), 2.5f),
            tensor("empty", Shape.of(3, 0, 5)),
            tensor("a \"quoted\" näme", Shape.of(2), 1, 2)));

    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(Map.of("format", "pt", "é\"\n", "\u4f60"), file.metadata());
      assertEquals(
          List.of("block.0.weight", "scalar", "empty", "a \"quoted\" näme"),
          List.copyOf(file.names()));
      assertEquals(Shape.of(7, 1), file.shape("block.0.weight"));
      assertEquals(Shape.scalar(), file.shape("scalar"));
      assertEquals(Shape.of(3, 0, 5), file.shape("empty"));
      assertArrayEquals(CORNERS, read(file, "block.0.weight"));
      assertArrayEquals(new float[] {2.5f}, read(file, "scalar"));
      assertArrayEquals(new float[0], read(file, "empty"));
      assertArrayEquals(new float[] {1, 2}, read(file, "a \"quoted\" näme"));
    }
  }

  /** As the format's own library does. */
  @Test
  void metadataMayBeNull(@TempDir Path dir) throws IOException {
    String header =
        "{\"__metadata__\":null,\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    try (var file = SafetensorsFile.open(SafetensorsBytes.write(dir, header, 4))) {
      assertEquals(Map.of(), file.metadata());
      assertArrayEquals(new float[1], read(file, "w"));
    }
  }

  @Test
  void movesValuesInChunks(@TempDir Path dir) throws IOException {
    int size = 2 * FileBytes.CHUNK / Float.BYTES + 7;
    FloatDataBuffer values = DataBuffers.ofFloats(size);
    for (int i = 0; i < size; i++) {
      values.setFloat(i, i);
    }
    Path path = dir.resolve("large.safetensors");
    SafetensorsWriter.write(
        path,
        Map.of(),
        List.of(tensor("first", Shape.of(1), -1), new Tensor("large", Shape.of(size), values)));

    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      float[] read = read(file, "large");
      for (int i = 0; i < size; i++) {
        assertEquals(i, read[i]);
      }
    }
  }

  @Test
  void writesTheBytesOfTheFormat(@TempDir Path dir) throws IOException {
    Path path = dir.resolve("tiny.safetensors");
    SafetensorsWriter.write(
        path, Map.of("b", "2", "a", "1"), List.of(tensor("w", Shape.of(2), 1, -2)));

    String json =
        "{\"__metadata__\":{\"a\":\"1\",\"b\":\"2\"},"
            + "\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    assertEquals(87, json.length()); // padded by one space
    byte[] expected = new byte[8 + 88 + 8];
    expected[0] = 88;
    System.arraycopy((json + " ").getBytes(StandardCharsets.UTF_8), 0, expected, 8, 88);
    expected[98] = (byte) 0x80; // 1f is 0x3f800000
    expected[99] = 0x3f;
    expected[103] = (byte) 0xc0; // -2f is 0xc0000000
    assertArrayEquals(expected, Files.readAllBytes(path));
  }

  @Test
  void writesEqualBytesWhateverTheOrderOfMetadata(@TempDir Path dir) throws IOException {
    Map<String, String> forward = new HashMap<>();
    Map<String, String> backward = new HashMap<>(1000);
    for (int i = 0; i < 50; i++) {
      forward.put("key" + i, "v");
      backward.put("key" + (49 - i), "v");
    }
    SafetensorsWriter.write(dir.resolve("a"), forward, List.of());
    SafetensorsWriter.write(dir.resolve("b"), backward, List.of());
    assertEquals(-1, Files.mismatch(dir.resolve("a"), dir.resolve("b")));
  }

  @Test
  void replacesAnOlderFileAndLeavesNothingBeside(@TempDir Path dir) throws IOException {
    Path path = dir.resolve("model.safetensors");
    Files.writeString(path, "older");
    SafetensorsWriter.write(path, Map.of(), List.of(tensor("w", Shape.of(1), 1)));
    try (SafetensorsFile file = SafetensorsFile.open(path);
        Stream<Path> files = Files.list(dir)) {
      assertArrayEquals(new float[] {1}, read(file, "w"));
      assertEquals(List.of(path), files.toList());
    }
  }

  @Test
  void aFailedWriteKeepsTheOlderFile(@TempDir Path dir) throws IOException {
    Path path = dir.resolve("model.safetensors");
    Files.writeString(path, "older");
    assertThrows(
        IOException.class,
        () ->
            AtomicFile.write(
                path,
                channel -> {
                  FileBytes.drain(ByteBuffer.wrap(new byte[3]), channel);
                  throw new IOException("disk full");
                }));
    assertEquals("older", Files.readString(path));
    try (Stream<Path> files = Files.list(dir)) {
      assertEquals(List.of(path), files.toList());
    }
  }

  @Test
  void refusesTensorsThatCannotBeWritten(@TempDir Path dir) {
    Tensor w = tensor("w", Shape.of(1), 1);
    Path path = dir.resolve("f");
    assertRefused(
        "two tensors are named 'w'", () -> SafetensorsWriter.write(path, Map.of(), List.of(w, w)));
    assertRefused("__metadata__", () -> tensor("__metadata__", Shape.of(1), 1));
    assertRefused("tensor 'w': 2 values for shape [3]", () -> tensor("w", Shape.of(3), 1, 2));
    assertRefused("tensor 'w': 2 values for shape", () -> tensor("w", Shape.of(-1), 1, 2));
    assertTrue(Files.notExists(path));
  }

  @Test
  void refusesReadsThatDoNotFit(@TempDir Path dir) throws IOException {
    Path path =
        SafetensorsBytes.write(
            dir,
            "{\"half\":{\"dtype\":\"I16\",\"shape\":[2],\"data_offsets\":[4,8]},"
                + "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
            8);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(List.of("w", "half"), List.copyOf(file.names())); // the order of the data
      assertEquals(Shape.of(2), file.shape("half"));
      assertRefused(
          "tensor 'half' has dtype I16, and only floats are read", () -> read(file, "half"));
      assertRefused(
          "tensor 'w' has 1 values (shape [1]), where 2 are asked for",
          () -> file.read("w", DataBuffers.ofFloats(2)));
      assertRefused("has no tensor 'v' among its 2", () -> file.shape("v"));
    }
  }

  @Test
  void whatIsAbsent(@TempDir Path dir) {
    assertRefused("absent: no such file", () -> SafetensorsFile.open(dir.resolve("absent")));
    Path file = dir.resolve("absent/f");
    IOException e =
        assertThrows(IOException.class, () -> SafetensorsWriter.write(file, Map.of(), List.of()));
    assertEquals(file + ": no such file or folder", e.getMessage());
  }

  private static void assertRefused(String message, Executable action) {
    InvalidInputException e = assertThrows(InvalidInputException.class, action);
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
  }
}
