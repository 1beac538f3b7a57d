package dev.linformer.model.internal.weights;

import static dev.linformer.model.Values.refusal;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

class NpzFileTest {

  private static final Map<String, float[]> SAVED =
      Map.of("a.b.weight", new float[] {1, 2, 3, 4, 5, -0f}, "scalar", new float[] {7});

  @TempDir private Path folder = Path.of("");

  private Map<String, byte[]> two() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("a.b.weight.npy", Zips.npy(folder, Shape.of(2, 3), 1, 2, 3, 4, 5, -0f));
    entries.put("scalar.npy", Zips.npy(folder, Shape.scalar(), 7));
    return entries;
  }

  private static float[] read(TensorFile file, String name) throws IOException {
    float[] values = new float[Math.toIntExact(file.shape(name).size())];
    file.read(name, DataBuffers.of(values, false, false));
    return values;
  }

  private String refused(Path file) {
    String message = refusal(() -> NpzFile.open(file).close());
    assertTrue(message.startsWith(file.toString()), message);
    return message.substring(file.toString().length());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void readsWhatNumpySaves(boolean compressed) throws IOException {
    Path path = Zips.write(folder.resolve("x.npz"), two(), compressed);
    try (TensorFile file = TensorFile.open(path)) {
      assertEquals(List.of("a.b.weight", "scalar"), List.copyOf(file.names()));
      assertEquals(Shape.of(2, 3), file.shape("a.b.weight"));
      assertArrayEquals(new float[] {1, 2, 3, 4, 5, -0f}, read(file, "a.b.weight"));
      assertArrayEquals(new float[] {7}, read(file, "scalar"));
      assertTrue(
          refusal(() -> file.shape("b")).endsWith("has no array 'b' among its 2"), "no such array");
      assertTrue(
          refusal(() -> file.read("scalar", DataBuffers.ofFloats(2)))
              .contains("has 1 values (shape []), where 2 are asked for"));
    }
  }

  @Test
  void refusesOtherContent() throws IOException {
    Path text = folder.resolve("text.npz");
    Files.writeString(text, "1.0,2.0");
    assertTrue(refused(text).startsWith(": no zip archive, or a damaged one ("));
    Path readme = Zips.write(folder.resolve("r.npz"), Map.of("README", new byte[3]), false);
    assertEquals(
        ": entry 'README' is no .npy file: save the tensors with numpy.savez(path, **tensors)",
        refused(readme));
    Path damaged = Zips.write(folder.resolve("d.npz"), Map.of("w.npy", new byte[30]), false);
    assertTrue(refused(damaged).startsWith(": entry 'w.npy' is no .npy file"));
    byte[] whole = two().values().iterator().next();
    Path cut =
        Zips.write(
            folder.resolve("c.npz"), Map.of("w.npy", Arrays.copyOf(whole, whole.length - 1)), true);
    assertTrue(refused(cut).contains("is truncated: shape [2, 3] of <f4 takes 24 bytes, and 23"));
  }

  @Test
  void refusesAnArrayThatIsNotWhatItsEntryHolds() throws IOException {
    String text = "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999,), }\n";
    byte[] start = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) text.length(), 0};
    byte[] huge = Arrays.copyOf(start, start.length + text.length());
    System.arraycopy(
        text.getBytes(StandardCharsets.ISO_8859_1), 0, huge, start.length, text.length());
    Path path = Zips.write(folder.resolve("h.npz"), Map.of("w.npy", huge), true);
    assertTrue(
        refused(path).contains("is truncated: shape [99999999] of <f4 takes 399999996 bytes"));
  }

  /** Damage far inside shows only when values are asked for: opening reads the headers alone. */
  @Test
  void aBombIsNotInflatedBeforeItsShapeIsKnown() throws IOException {
    int n = 50_000_000;
    byte[] bomb = Zips.npy(folder, Shape.of(n), new float[n]);
    Path path = Zips.write(folder.resolve("bomb.npz"), Map.of("w.npy", bomb), true);
    byte[] whole = Files.readAllBytes(path);
    assertTrue(whole.length < 300_000, "a thousandth");
    Arrays.fill(whole, whole.length / 2, whole.length / 2 + 9, (byte) 0x55);
    Files.write(path, whole);
    try (NpzFile file = NpzFile.open(path)) {
      assertEquals(Shape.of(n), file.shape("w"));
      assertTrue(
          refusal(() -> file.read("w", DataBuffers.ofFloats(n)))
              .contains("entry 'w.npy' is damaged"));
    }
  }

  /** What the central directory says of an entry, changed by hand. */
  @Test
  void refusesSizesThatCannotBe() throws IOException {
    Path path = Zips.write(folder.resolve("x.npz"), two(), true);
    byte[] whole = Files.readAllBytes(path);
    int directory = new String(whole, StandardCharsets.ISO_8859_1).indexOf("PK\u0001\u0002");
    ByteBuffer bytes = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN);
    int compressed = bytes.getInt(directory + 20);

    bytes.putInt(directory + 24, 1032 * compressed + 1);
    Files.write(path, whole);
    assertTrue(
        refused(path)
            .contains(
                "entry 'a.b.weight.npy' cannot hold %s bytes in %s compressed ones"
                    .formatted(1032 * compressed + 1, compressed)));

    bytes.putInt(directory + 20, whole.length + 1);
    Files.write(path, whole);
    assertTrue(refused(path).length() > 0);
  }

  @Test
  void refusesEntriesThatOverlap() throws IOException {
    byte[] large = Zips.npy(folder, Shape.of(300), new float[300]);
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("a.npy", large);
    entries.put("b.npy", Zips.npy(folder, Shape.of(1), 1));
    Path path = Zips.write(folder.resolve("x.npz"), entries, false);
    byte[] whole = Files.readAllBytes(path);
    String text = new String(whole, StandardCharsets.ISO_8859_1);
    int first = text.indexOf("PK\u0001\u0002");
    int second = text.indexOf("PK\u0001\u0002", first + 1);
    // The second entry's place, sizes and checksum are the first one's.
    System.arraycopy(whole, first + 16, whole, second + 16, 12);
    System.arraycopy(whole, first + 42, whole, second + 42, 4);
    Files.write(path, whole);
    assertEquals(
        ": entry 'b.npy' overlaps another or runs past the end of the archive", refused(path));
  }

  @Test
  void damageIsRefusedOrReadsAsAValidFile() throws IOException {
    Path path = folder.resolve("x.npz");
    Random random = new Random(7);
    int refused = 0;
    for (boolean compressed : new boolean[] {false, true}) {
      byte[] whole = Files.readAllBytes(Zips.write(path, two(), compressed));
      for (int i = 0; i < 500; i++) {
        Files.write(path, Damage.of(whole, random, i));
        refused += opensAndReads(path) ? 0 : 1;
      }
    }
    assertTrue(refused > 700, "all truncations and most flips: " + refused);
  }

  private static boolean opensAndReads(Path path) {
    try (NpzFile file = NpzFile.open(path)) {
      for (String name : file.names()) {
        float[] values = read(file, name);
        if (SAVED.containsKey(name)) { // the bit may have been one of the name
          assertArrayEquals(SAVED.get(name), values, name);
        }
      }
      return true;
    } catch (InvalidInputException | IOException e) {
      return false;
    }
  }
}
