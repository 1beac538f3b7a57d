package dev.linformer.model.internal.weights;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFolder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/**
 * Valid files with changes, as many as {@code jqwik.tries.default} says: each is read, or refused
 * in one line that names no class of Java, with memory in proportion to the file.
 */
class ReadersFuzzTest {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Bytes that a reader may use besides, for classes it loads and buffers. */
  private static final long CONSTANT = 16L << 20;

  private static final long BYTES_A_BYTE = 200;

  /** What belongs into a stack trace. */
  private static final Pattern CLASS_NAME =
      Pattern.compile(
          "Exception|Error\\b|java\\.|com\\.fasterxml|razorvine|Feature\\.|@[0-9a-f]{6}");

  /** What a random byte seldom makes: words of the formats, and numbers at an edge. */
  private static final List<byte[]> WORDS =
      List.of(
          latin1("\""),
          latin1("{\"a\":"),
          latin1("["),
          latin1("]}"),
          latin1("[[[[[[[["),
          latin1("null"),
          latin1("-1"),
          latin1("2147483647"),
          latin1("1e999"),
          latin1("\u00ff\u00ff\u00ff\u007f"),
          latin1("\u00ff\u00ff\u00ff\u00ff"),
          latin1("\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0080"),
          latin1("\u001b[31m"),
          latin1("\n"),
          latin1("q\u0000"),
          latin1("h\u0000"),
          latin1("\u0094"),
          latin1("\u0093"),
          latin1("\u0086"),
          latin1("R"),
          latin1("]"),
          latin1("(t"),
          latin1("PK\u0001\u0002"));

  private static Path folder = Path.of("");

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /**
   * A change of a file.
   *
   * @param at where, as a part of the file's length in 1/65536
   * @param length of the part that is taken out or doubled
   */
  record Edit(Kind kind, int at, int length, int value) {

    enum Kind {
      FLIP,
      SET,
      CUT,
      DOUBLE,
      INSERT,
      REPLACE,
      END
    }

    byte[] apply(byte[] bytes) {
      int begin = (int) (((long) at * bytes.length) >> 16);
      int end = Math.min(bytes.length, begin + length);
      byte[] word = WORDS.get(value % WORDS.size());
      return switch (kind) {
        case FLIP -> with(bytes, begin, end, b -> b ^ (1 << (value & 7)));
        case SET -> with(bytes, begin, end, b -> value);
        case CUT -> joined(bytes, begin, new byte[0], end);
        case DOUBLE -> joined(bytes, end, Arrays.copyOfRange(bytes, begin, end), end);
        case INSERT -> joined(bytes, begin, word, begin);
        case REPLACE -> joined(bytes, begin, word, Math.min(bytes.length, begin + word.length));
        case END -> Arrays.copyOf(bytes, begin);
      };
    }

    private static byte[] with(byte[] bytes, int begin, int end, IntUnaryOperator change) {
      byte[] changed = bytes.clone();
      if (begin < end) {
        changed[begin] = (byte) change.applyAsInt(changed[begin]);
      }
      return changed;
    }

    private static byte[] joined(byte[] bytes, int head, byte[] middle, int tail) {
      ByteArrayOutputStream joined = new ByteArrayOutputStream();
      joined.write(bytes, 0, head);
      joined.writeBytes(middle);
      joined.write(bytes, tail, bytes.length - tail);
      return joined.toByteArray();
    }
  }

  @BeforeContainer
  static void makeFolder() throws IOException {
    folder = Files.createTempDirectory("fuzz");
  }

  @AfterContainer
  static void deleteFolder() throws IOException {
    AtomicFolder.delete(folder);
  }

  @Provide
  Arbitrary<FuzzedReader> readers() throws IOException {
    return Arbitraries.of(FuzzedReader.all());
  }

  @Provide
  Arbitrary<List<Edit>> edits() {
    return Combinators.combine(
            Arbitraries.of(Edit.Kind.class),
            Arbitraries.integers().between(0, (1 << 16) - 1),
            Arbitraries.integers().between(1, 64),
            Arbitraries.integers().between(0, 255))
        .as(Edit::new)
        .list()
        .ofMinSize(1)
        .ofMaxSize(5);
  }

  @Property(seed = "20", shrinking = ShrinkingMode.BOUNDED)
  void readsOrRefuses(
      @ForAll("readers") FuzzedReader reader, @ForAll int seed, @ForAll("edits") List<Edit> edits)
      throws IOException {
    byte[] bytes = reader.seeds().get(Math.floorMod(seed, reader.seeds().size()));
    for (Edit edit : edits) {
      bytes = edit.apply(bytes);
    }
    Path file = folder.resolve(reader.name());
    reader.writer().write(file, bytes);
    long size = Files.size(file);
    long before = THREADS.getCurrentThreadAllocatedBytes();
    try {
      reader.read().read(file);
    } catch (InvalidInputException e) {
      check(String.valueOf(e.getMessage()));
    }
    long used = THREADS.getCurrentThreadAllocatedBytes() - before;
    assertTrue(
        used <= CONSTANT + BYTES_A_BYTE * size,
        () -> "%s bytes for a file of %s".formatted(used, size));
  }

  private static void check(String message) {
    assertTrue(message.length() <= 2100, message);
    assertTrue(message.chars().noneMatch(Character::isISOControl), message);
    assertFalse(CLASS_NAME.matcher(message).find(), message);
  }
}
