package dev.linformer.model.internal.weights;

import static dev.linformer.model.Values.refusal;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

/** Files that tools/golden/make_pt.py made with torch.save, and damaged ones. */
class PyTorchFileTest {

  private static final Path FOLDER = Path.of("src/test/resources/pt");

  @TempDir private Path folder = Path.of("");

  private static float[] read(TensorFile file, String name) throws IOException {
    float[] values = new float[Math.toIntExact(file.shape(name).size())];
    file.read(name, DataBuffers.of(values, false, false));
    return values;
  }

  private static String refused(Path file) {
    String message = refusal(() -> PyTorchFile.open(file).close());
    assertTrue(message.startsWith(file + ": "), message);
    return message.substring(file.toString().length() + 2);
  }

  private static float[] count(int begin, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = begin + i;
    }
    return values;
  }

  @Test
  void aStateDictionary() throws IOException {
    try (TensorFile expected = SafetensorsFile.open(FOLDER.resolve("expected.safetensors"));
        TensorFile file = TensorFile.open(FOLDER.resolve("linformer.pt"))) {
      assertEquals(new HashSet<>(expected.names()), new HashSet<>(file.names()));
      for (String name : expected.names()) {
        assertEquals(expected.shape(name), file.shape(name), name);
        assertArrayEquals(read(expected, name), read(file, name), name);
      }
    }
  }

  @Test
  void everyTypeAndEveryLayout() throws IOException {
    try (TensorFile file = PyTorchFile.open(FOLDER.resolve("kinds.pt"))) {
      assertEquals(12, file.names().size());
      assertEquals(Shape.of(2, 3, 4), file.shape("float"));
      assertArrayEquals(count(0, 24), read(file, "float"));
      assertEquals(Shape.of(3, 2), file.shape("double"));
      for (String name : new String[] {"double", "half", "bfloat", "transposed"}) {
        assertArrayEquals(count(0, 6), read(file, name), name);
      }
      assertArrayEquals(count(0, 4), read(file, "parameter"));
      assertEquals(Shape.of(2, 3), file.shape("transposed"));
      assertEquals(Shape.of(2, 3, 4), file.shape("permuted"));
      assertArrayEquals(count(0, 24), read(file, "permuted"));
      assertArrayEquals(count(0, 5), read(file, "every_second"));
      assertArrayEquals(new float[] {0, 0, 1, 1}, read(file, "expanded"));
      assertArrayEquals(count(0, 4), read(file, "tail"));
      assertEquals(Shape.scalar(), file.shape("scalar"));
      assertArrayEquals(new float[] {0}, read(file, "scalar"));
      assertEquals(Shape.of(3, 0, 2), file.shape("empty"));
      assertArrayEquals(new float[0], read(file, "empty"));
      assertTrue(
          refusal(() -> file.read("tail", DataBuffers.ofFloats(5)))
              .endsWith("tensor 'tail' has 4 values (shape [4]), where 5 are asked for"));
      assertTrue(refusal(() -> file.shape("v")).endsWith("has no tensor 'v' among its 12"));
    }
  }

  @Test
  void aMaliciousPickleIsRefusedByName() {
    assertEquals(
        "refused, nothing of it was run: its pickle calls posix.system, which is no part of a"
            + " dictionary of float tensors; save it with torch.save(model.state_dict(), path)",
        refused(FOLDER.resolve("malicious.pt")));
  }

  @Test
  void whatElsePeopleSaveIsRefused() throws IOException {
    assertTrue(refused(FOLDER.resolve("integers.pt")).contains("calls torch.LongStorage,"));
    assertEquals(
        "holds more than tensors, such as 'model': save model.state_dict() alone",
        refused(FOLDER.resolve("checkpoint.pt")));
    Path old = Files.write(folder.resolve("old.pt"), new byte[] {(byte) 0x80, 2, 'x'});
    assertEquals(
        "is in PyTorch's format of before 1.6; in Python: torch.save(torch.load(path), path)",
        refused(old));
    Path zip = Zips.write(folder.resolve("zip.pt"), Map.of("a", new byte[1]), false);
    assertEquals("is not of torch.save: one entry …/data.pkl is expected, found 0", refused(zip));
    assertEquals("no such file", refused(folder.resolve("none.pt")));
  }

  /** A file of torch.save with one tensor of four floats, and this pickle. */
  private Path file(byte[] pickle, int storageBytes) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("x/data.pkl", pickle);
    entries.put("x/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
    entries.put("x/data/0", new byte[storageBytes]);
    return Zips.write(folder.resolve("x.pt"), entries, false);
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** A pickle, with {@code offset}, shape and strides as text of protocol 0 and 2 together. */
  private static byte[] tensor(
      String key, String size, String offset, String shape, String strides) {
    return latin1(
        "\u0080\u0002}X\u0001\u0000\u0000\u0000wctorch._utils\n"
            + "_rebuild_tensor_v2\n"
            + "((X\u0007\u0000\u0000\u0000storagectorch\n"
            + "FloatStorage\n"
            + "X"
            + (char) key.length()
            + "\u0000\u0000\u0000"
            + key
            + "X\u0003\u0000\u0000\u0000cpu"
            + size
            + "tQ"
            + offset
            + shape
            + strides
            + "\u0089}tRs.");
  }

  private static final String HUGE =
      "\u008a\u0008\u0000\u0000\u0000\u0000\u0000\u0000\u0000@"; // 2^62

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          0  | K4 | K0  | K2K2  | K2K1  | 16 |
          0  | K4 | K1  | K2K2  | K2K1  | 16 | its values 1 to 4 lie outside of a storage of 4
          0  | K4 | K0  | K2K2  | K3K1  | 16 | its values 0 to 4 lie outside of a storage of 4
          0  | K4 | K0  | HH    | K1K1  | 16 | overflows
          0  | K4 | K0  | K2K2  | HK1   | 16 | lie outside of a storage of 4
          0  | K4 | K0  | HK2   | HK1   | 16 | overflows
          0  | K4 | H   | K2K2  | K2K1  | 16 | lie outside
          0  | K4 | N   | K2K2  | K2K1  | 16 | its shape, strides or offset are impossible
          0  | K4 | K0  | NK2   | K2K1  | 16 | its shape, strides or offset are impossible
          0  | K4 | K0  | K2K2  | NK1   | 16 | its shape, strides or offset are impossible
          0  | H  | K0  | K2K2  | K2K1  | 16 | entry 'x/data/0' has 16 bytes, but 4611686018427387904 values of F32
          0  | K5 | K0  | K2K2  | K2K1  | 16 | entry 'x/data/0' has 16 bytes, but 5 values of F32 are expected
          0  | K4 | K0  | K2K2  | K2K1  | 15 | entry 'x/data/0' has 15 bytes, but 4 values
          1  | K4 | K0  | K2K2  | K2K1  | 16 | entry 'x/data/1' is missing
          ../data/0 | K4 | K0 | K2K2 | K2K1 | 16 | entry 'x/data/../data/0' is missing
          """)
  void tensorsMustLieInTheirRecords(
      String key,
      String size,
      String offset,
      String shape,
      String strides,
      int bytes,
      String message)
      throws IOException {
    Path path =
        file(
            tensor(
                key,
                number(size),
                number(offset),
                number(shape) + "\u0086",
                number(strides) + "\u0086"),
            bytes);
    if (message == null) {
      try (PyTorchFile file = PyTorchFile.open(path)) {
        assertArrayEquals(new float[4], read(file, "w"));
      }
    } else {
      assertTrue(refused(path).contains(message), () -> refused(path));
    }
  }

  /** K4 is 4, H is 2^62, N is −1. */
  private static String number(String code) {
    StringBuilder pickle = new StringBuilder();
    for (int i = 0; i < code.length(); i++) {
      char c = code.charAt(i);
      switch (c) {
        case 'H' -> pickle.append(HUGE);
        case 'N' -> pickle.append("J\u00ff\u00ff\u00ff\u00ff");
        case 'K' -> pickle.append(c);
        default -> pickle.append((char) (c - '0'));
      }
    }
    return pickle.toString();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          an old way to call   | (ios\\nsystem\\n.            | calls os.system
          protocol 4           | \\u0080\\u0004\\u008c\\u0002os\\u008c\\u0006system\\u0093. | calls os.system
          a builtin            | cbuiltins\\neval\\n.         | calls builtins.eval
          razorvine knows it   | cdecimal\\nDecimal\\n.       | calls decimal.Decimal
          an empty pickle      | ``                           | damaged
          no end               | }                            | damaged
          nothing on the stack | .                            | damaged
          a huge text          | X\\u00ff\\u00ff\\u00ff\\u007f. | a text of 2147483647 bytes
          a negative text      | X\\u00ff\\u00ff\\u00ff\\u00ff. | a text of -1 bytes
          huge bytes           | B\\u00ff\\u00ff\\u00ff\\u007f. | operation 0x42
          a set's operation    | \\u008f.                     | operation 0x8f
          a state of a list    | ]}b.                         | a state for what has none
          itself as a key      | }q\\u0000h\\u0000Ns.         | a key that is neither text nor number
          a list               | ].                           | holds no dictionary of tensors
          a number             | }X\\u0001\\u0000\\u0000\\u0000nK\\u0003s. | holds more than tensors, such as 'n'
          another reference    | NQ.                          | damaged
          a storage called     | ctorch\\nFloatStorage\\n)R.  | damaged
          a name that is a list that holds itself | \\u0080\\u0004]\\u0094]\\u0094h\\u0000ah\\u0000h\\u0001ah\\u0000X\\u0001\\u0000\\u0000\\u0000x\\u0093. | a name that is no text
          a module that is none | K\\u0001X\\u0001\\u0000\\u0000\\u0000x\\u0093. | a name that is no text
          nothing to name      | \\u0093.                     | damaged
          a future protocol    | \\u0080\\u0009.              | unsupported pickle protocol: 9
          """)
  void hostilePickles(String name, String pickle, String message) throws IOException {
    String found = refused(file(latin1(unescape(pickle)), 16));
    assertTrue(found.contains(message), found);
  }

  /** A list of two lists of two lists …: 2^28 texts for whoever follows them all. */
  @Test
  void sharedListsAreNotFollowed() throws IOException {
    StringBuilder pickle = new StringBuilder("\u0080\u0004X\u0003\u0000\u0000\u0000lol\u0094");
    for (char i = 0; i < 28; i++) {
      pickle.append("](h" + i + "h" + i + "e\u0094");
    }
    for (String end :
        List.of("h\u001cX\u0001\u0000\u0000\u0000x\u0093.", "h\u001c.", "}h\u001ch\u001cs.")) {
      assertTrue(refused(file(latin1(pickle + end), 16)).length() < 200);
    }
  }

  @Test
  void aPickleKeepsAndMakesNoMoreThanItsBytesAllow() throws IOException {
    for (String each : List.of("]", "N\u0094", "(")) {
      String found = refused(file(latin1(each.repeat((1 << 20) + 9)), 16));
      assertTrue(found.contains("it keeps more than 1048576 objects"), found);
    }
    String many = "(" + "K\u0001".repeat(65) + "t";
    String found = refused(file(tensor("0", "K\u0004", "K\u0000", many, many), 16));
    assertTrue(found.contains("a tensor of more than 64 axes"), found);
    // One shape of 64 axes, named again and again.
    String again = "}(" + "K\u0001".repeat(64) + "tq\u0000";
    String call = "ctorch._utils\n_rebuild_tensor_v2\nq\u0001";
    String storage =
        "(X\u0007\u0000\u0000\u0000storage"
            + "ctorch\nFloatStorage\nX\u0001\u0000\u0000\u00000NK\u0004tQ";
    String arguments = "(" + storage + "K\u0000h\u0000h\u0000tq\u0002";
    String calls = "h\u0001h\u0002R".repeat(1000);
    found = refused(file(latin1(again + call + arguments + calls + "."), 16));
    assertTrue(found.contains("a tensor of more than 64 axes"), found);
  }

  @Test
  void twoTensorsOfOneName() throws IOException {
    byte[] one = tensor("0", "K\u0004", "K\u0000", "K\u0004\u0085", "K\u0001\u0085");
    String pickle = new String(one, StandardCharsets.ISO_8859_1);
    String body = pickle.substring(3, pickle.length() - 2);
    String value = body.substring(body.indexOf("ctorch"));
    String text = "X\u0001\u0000\u0000\u00007" + value + "s";
    String number = "K\u0007" + value + "s";
    String found = refused(file(latin1("\u0080\u0002}" + text + number + "."), 16));
    assertEquals("holds two tensors named '7'", found);
  }

  private static String unescape(String text) {
    StringBuilder plain = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      if (text.startsWith("\\u", i)) {
        plain.append((char) Integer.parseInt(text.substring(i + 2, i + 6), 16));
        i += 5;
      } else if (text.startsWith("\\n", i)) {
        plain.append('\n');
        i++;
      } else {
        plain.append(text.charAt(i));
      }
    }
    return plain.toString();
  }

  @Test
  void refusesWhatTorchNeverWrites() throws IOException {
    byte[] pickle =
        tensor("0", number("K4"), number("K0"), number("K4") + "\u0085", number("K1") + "\u0085");
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("x/data.pkl", pickle);
    entries.put("x/data/0", new byte[16]);
    Path path = Zips.write(folder.resolve("x.pt"), entries, true);
    assertTrue(refused(path).contains("entry 'x/data.pkl' is compressed, which torch.save never"));

    entries.put("x/byteorder", latin1("big"));
    Path big = Zips.write(folder.resolve("big.pt"), entries, false);
    assertEquals(
        "entry 'x/byteorder' says big-endian, and only little-endian files are read", refused(big));

    entries.remove("x/byteorder");
    entries.put("x/data.pkl", new byte[(1 << 23) + 1]);
    Path long1 = Zips.write(folder.resolve("long.pt"), entries, false);
    assertEquals(
        "entry 'x/data.pkl' has 8388609 bytes, above the limit of 8388608", refused(long1));
  }

  /** Whichever bit turned: the file is refused, or gives what was saved. */
  @Test
  void aBitThatTurnedIsSeen() throws IOException {
    Path intact = FOLDER.resolve("kinds.pt");
    byte[] whole = Files.readAllBytes(intact);
    Map<String, float[]> saved = readAll(intact);
    Path path = folder.resolve("x.pt");
    Random random = new Random(17);
    int checksums = 0;
    for (int i = 0; i < 1500; i++) {
      byte[] damaged = whole.clone();
      damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(path, damaged);
      try {
        for (Map.Entry<String, float[]> each : readAll(path).entrySet()) {
          assertArrayEquals(saved.get(each.getKey()), each.getValue(), each.getKey());
        }
      } catch (InvalidInputException e) {
        checksums += String.valueOf(e.getMessage()).contains("its checksum is another") ? 1 : 0;
      }
    }
    assertTrue(checksums > 100, "in records and pickle: " + checksums);
  }

  private static Map<String, float[]> readAll(Path path) throws IOException {
    Map<String, float[]> values = new LinkedHashMap<>();
    try (PyTorchFile file = PyTorchFile.open(path)) {
      for (String name : file.names()) {
        values.put(name, read(file, name));
      }
    }
    return values;
  }

  /** torch.serialization.set_crc32_options(False) writes 0 for each checksum. */
  @Test
  void checksumsThatWereNotWritten() throws IOException {
    byte[] whole = Files.readAllBytes(FOLDER.resolve("linformer.pt"));
    ByteBuffer bytes = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN);
    String text = new String(whole, StandardCharsets.ISO_8859_1);
    for (int at = text.indexOf("PK\u0001\u0002");
        at > 0;
        at = text.indexOf("PK\u0001\u0002", at + 1)) {
      bytes.putInt(at + 16, 0);
    }
    Path path = Files.write(folder.resolve("x.pt"), whole);
    assertDoesNotThrow(() -> readAll(path));
  }

  @Test
  void damageIsRefusedOrReadsAsAValidFile() throws IOException {
    byte[] whole = Files.readAllBytes(FOLDER.resolve("kinds.pt"));
    Path path = folder.resolve("x.pt");
    Random random = new Random(5);
    int refused = 0;
    for (int i = 0; i < 600; i++) {
      Files.write(path, Damage.of(whole, random, i));
      refused += opensAndReads(path) ? 0 : 1;
    }
    assertTrue(refused > 300, "all truncations and more: " + refused);
  }

  /** Most bytes of a file are no pickle; here every byte is one. */
  @Test
  void aDamagedPickleIsRefusedOrRead() throws IOException {
    byte[] whole;
    try (ZipFile zip = new ZipFile(FOLDER.resolve("linformer.pt").toFile());
        var pickle = zip.getInputStream(zip.getEntry("linformer/data.pkl"))) {
      whole = pickle.readAllBytes();
    }
    Random random = new Random(3);
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] damaged = whole.clone();
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      try {
        TensorUnpickler.read(Path.of("x.pt"), damaged);
      } catch (InvalidInputException e) {
        refused++;
      }
    }
    assertTrue(refused > 1500, "most: " + refused);
  }

  private static boolean opensAndReads(Path path) {
    try (PyTorchFile file = PyTorchFile.open(path)) {
      for (String name : file.names()) {
        if (file.shape(name).size() > 1000) {
          return false; // an expanded tensor may be as large as it says; nobody wants it
        }
        read(file, name);
      }
      return true;
    } catch (InvalidInputException | IOException e) {
      return false;
    }
  }
}
