package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.internal.fused.AttentionTiling.Block;
import dev.linformer.ops.internal.kernel.Buffer;
import dev.linformer.ops.internal.kernel.KernelInterpreter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernels' text, executed in float64 on a CPU, against the formulas. */
class AttentionKernelsTest {

  private static final double EXACT = 1e-12;
  private static final double KEPT = 1e-6; // the logarithm of e to the base of two is float32
  private static final double BFLOAT16 = 3e-2;
  private static final int KEYS = 64; // the least of any block
  private static final List<Function<AttentionTiling, Block>> BLOCKS =
      List.of(AttentionTiling::forwardBlock, AttentionTiling::rowBlock);

  private static AttentionTiling of(
      int b, int h, int n, int k, int p, int r, boolean oneQuery, boolean sumOutput) {
    return new AttentionTiling("f32", b, h, n, k, p, r, oneQuery, sumOutput);
  }

  private static AttentionTiling narrow(AttentionTiling a) {
    return new AttentionTiling(
        "bf16", a.b(), a.h(), a.n(), a.k(), a.p(), a.r(), a.oneQuery(), a.sumOutput());
  }

  static Stream<AttentionTiling> inBothTypes(AttentionTiling a) {
    return Stream.of(a, narrow(a));
  }

  static Stream<AttentionTiling> sizes() {
    return Stream.of(
        of(1, 1, 7, 5, 3, 2, false, false),
        of(1, 1, 1, 1, 1, 1, true, true),
        of(2, 3, 37, 13, 11, 5, false, false),
        of(2, 3, 37, 13, 11, 5, true, false),
        of(2, 3, 37, 13, 11, 5, false, true),
        of(2, 3, 37, 13, 11, 5, true, true),
        of(2, 3, 149, 131, 7, 5, false, true),
        of(2, 3, 149, 131, 7, 5, true, false),
        of(2, 1, 256, 128, 16, 32, false, false),
        of(1, 3, 256, 32, 19, 23, true, true),
        of(1, 3, 131, 256, 32, 17, true, true),
        of(1, 2, 131, 256, 17, 32, false, false),
        of(1, 2, 67, 263, 3, 2, false, false),
        of(1, 2, 67, 263, 3, 2, true, true),
        of(1, 2, 101, 384, 5, 3, true, false),
        of(1, 2, 101, 384, 5, 3, false, true),
        of(1, 2, 67, 509, 3, 2, false, false),
        of(1, 179, 193, 3, 2, 5, false, true),
        of(1, 2, 263, 17, 131, 3, true, false));
  }

  private static void some(String what, Predicate<AttentionTiling> sizes) {
    assertTrue(sizes().anyMatch(sizes), what);
  }

  /** Says when a kernel's tuning takes a case away. */
  @Test
  void sizesHaveAllCases() {
    for (Function<AttentionTiling, Block> of : BLOCKS) {
      some(
          "blocks without a rest",
          a -> a.n() > of.apply(a).rows() && a.n() % of.apply(a).rows() == 0);
      some("blocks and a rest", a -> a.n() > of.apply(a).rows() && a.n() % of.apply(a).rows() != 0);
    }
    for (boolean sum : new boolean[] {false, true}) {
      for (int blocks = 1; blocks <= 3; blocks++) {
        int count = blocks;
        String what = "%s key blocks, outputs added up: %s, ".formatted(count, sum);
        some(
            what + "no rest",
            a -> a.sumOutput() == sum && a.keyBlocks() == count && a.k() % 16 == 0);
        some(
            what + "a rest",
            a -> a.sumOutput() == sum && a.keyBlocks() == count && a.k() % 16 != 0);
      }
    }
    some("more key blocks", a -> a.keyBlocks() > 3);
    some("slices", a -> a.slices() > 1 && a.b() > 1 && a.h() > 1);
    some("slices of more rows than one turn has", a -> a.slices() > 1 && a.slices() * 64 < a.n());
  }

  @Test
  void warpsHaveSixteenRowsEach() {
    assertEquals(4, of(1, 1, 7, 5, 3, 2, false, false).forwardBlock().warps());
    assertEquals(4, of(1, 1, 7, 5, 3, 2, false, false).rowBlock().warps());
    assertEquals(8, of(1, 1, 7, 5, 3, 2, false, true).rowBlock().warps());
    assertEquals(4, of(1, 1, 7, 5, 3, 2, false, false).keyWarps());
    assertEquals(4, of(1, 1, 7, 64, 3, 2, false, false).keyWarps());
    assertEquals(8, of(1, 1, 7, 65, 3, 2, false, false).keyWarps());
    assertEquals(8, of(1, 1, 7, 509, 3, 2, false, false).keyWarps());
  }

  /** What the three kernels make. */
  private record Made(
      Buffer output, Buffer logs, Buffer dQuery, Buffer deltas, Buffer dKeys, Buffer dValues) {}

  private static Made run(AttentionTiling a, boolean rounding, Given x) {
    long numbers = a.b() * a.h() * a.n();
    List<Buffer> given =
        Stream.of(x.q, x.keys, x.values, x.dOutput)
            .map(values -> Buffer.input(a.element(), values))
            .toList();
    Made made =
        new Made(
            Buffer.output(a.element(), x.dOutput.length),
            Buffer.output("f32", numbers),
            Buffer.output(a.element(), x.q.length),
            Buffer.output("f32", numbers),
            Buffer.output("f32", (long) a.slices() * x.keys.length),
            Buffer.output("f32", (long) a.slices() * x.values.length));
    int b = (int) a.b();
    int pairs = b * a.h();
    Buffer values = a.transposed() ? turned(a, x.values, a.r()) : given.get(2);
    KernelInterpreter.run(
        AttentionForwardKernel.text(a, "f"),
        List.of(a.forwardPrograms(), a.sumOutput() ? b : pairs, 1),
        rounding,
        all(given.subList(0, 2), values, made.output, made.logs));
    Buffer logs = Buffer.input("f32", made.logs.values());
    List<Buffer> alsoOutput =
        a.sumOutput() ? List.of() : List.of(Buffer.input(a.element(), made.output.values()));
    List<Buffer> byRows = new ArrayList<>(all(given, logs));
    byRows.addAll(alsoOutput);
    if (a.transposed()) {
      byRows.add(turned(a, x.keys, a.p()));
    }
    KernelInterpreter.run(
        AttentionQueryGradientKernel.text(a, "r"),
        List.of(a.rowBlock().count(a.n()), a.oneQuery() ? b : pairs, 1),
        rounding,
        all(byRows, made.dQuery, made.deltas));
    Buffer deltas = Buffer.input("f32", made.deltas.values());
    KernelInterpreter.run(
        AttentionKeyGradientKernel.text(a, "k"),
        List.of(a.slices(), pairs, a.keyBlocks()),
        rounding,
        all(given, logs, deltas, made.dKeys, made.dValues));
    return made;
  }

  /** The last two axes exchanged, [b,h,k,width] → [b,h,width,k]. */
  private static Buffer turned(AttentionTiling a, double[] x, int width) {
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      int pair = i / (a.k() * width);
      int key = i / width % a.k();
      y[(pair * width + i % width) * a.k() + key] = x[i];
    }
    return Buffer.input(a.element(), y);
  }

  private static List<Buffer> all(List<Buffer> first, Buffer... more) {
    return Stream.concat(first.stream(), Arrays.stream(more)).toList();
  }

  /** What the kernels are given. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Given(double[] q, double[] keys, double[] values, double[] dOutput) {

    static Given normal(AttentionTiling a) {
      long rows = a.b() * a.n();
      long pairs = a.b() * a.h();
      return new Given(
          Graphs.normal(1, rows * a.p() * (a.oneQuery() ? 1 : a.h())),
          times(0.25, Graphs.normal(2, pairs * a.k() * a.p())),
          Graphs.normal(3, pairs * a.k() * a.r()),
          Graphs.normal(4, rows * a.r() * (a.sumOutput() ? 1 : a.h())));
    }

    Given rounded() {
      return new Given(
          Graphs.bfloat16(q),
          Graphs.bfloat16(keys),
          Graphs.bfloat16(values),
          Graphs.bfloat16(dOutput));
    }
  }

  private static double[] times(double scale, double[] values) {
    return Arrays.stream(values).map(x -> x * scale).toArray();
  }

  /** The gradients' slices added up. */
  private static double[] sum(Buffer slices, int count) {
    double[] sum = new double[slices.values().length / count];
    for (int i = 0; i < slices.values().length; i++) {
      sum[i % sum.length] += slices.values()[i];
    }
    return sum;
  }

  /** Compares all that the kernels make. */
  private static void check(AttentionTiling a, boolean rounding, Given x, double tolerance) {
    Made made = run(a, rounding, x);
    AttentionOracle expected = new AttentionOracle(a, x.q, x.keys, x.values, x.dOutput);
    Graphs.assertClose(expected.output, made.output.values(), tolerance);
    Graphs.assertClose(expected.logs, made.logs.values(), tolerance);
    Graphs.assertClose(expected.dQuery, made.dQuery.values(), tolerance);
    Graphs.assertClose(expected.deltas, made.deltas.values(), tolerance);
    Graphs.assertClose(expected.dKeys, sum(made.dKeys, a.slices()), tolerance);
    Graphs.assertClose(expected.dValues, sum(made.dValues, a.slices()), tolerance);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void outputsAndGradients(AttentionTiling a) {
    check(a, false, Given.normal(a), EXACT);
  }

  /** Without rounding the text is right to float64's digits, with it to those of bfloat16. */
  @ParameterizedTest
  @MethodSource("someSizes")
  void outputsAndGradientsOfBfloat16(AttentionTiling a) {
    check(narrow(a), false, Given.normal(a), EXACT);
    check(narrow(a), true, Given.normal(a).rounded(), BFLOAT16);
  }

  static Stream<AttentionTiling> keepingKeys() {
    return Stream.of(
            of(2, 3, 37, 13, 11, 5, false, false),
            of(1, 2, 128, 256, 17, 32, false, false),
            of(1, 3, 131, 200, 3, 2, false, false),
            of(1, 2, 67, 100, 3, 2, false, false),
            of(1, 2, 67, 129, 3, 2, false, false),
            of(1, 4, 4_491, 16, 4, 3, false, false))
        .map(AttentionKernelsTest::narrow);
  }

  /** Forward, a program has all keys of a head at once, and one block of rows after another. */
  @ParameterizedTest
  @MethodSource("keepingKeys")
  void keysAreKept(AttentionTiling a) {
    assertTrue(a.keepsKeys());
    assertTrue(a.n() < 4_000 || a.forwardPrograms() < a.forwardBlock().count(a.n()));
    check(a, false, Given.normal(a), KEPT);
    check(a, true, Given.normal(a).rounded(), BFLOAT16);
  }

  static Stream<AttentionTiling> someSizes() {
    return sizes().filter(a -> a.oneQuery() != a.sumOutput() && a.h() == 3);
  }

  /** Keys of one block times 50: the greatest score is in another block than before. */
  @ParameterizedTest
  @CsvSource({
    "256, 0, 50",
    "256, 1, 50",
    "263, 0, 50",
    "263, 1, 50",
    "263, 2, 50",
    "263, 1, -50",
    "263, 2, 0",
    "131, 1, 50"
  })
  void scoresOfBlocksDiffer(int k, int block, double factor) {
    for (boolean sum : new boolean[] {false, true}) {
      AttentionTiling a = of(1, 2, 37, k, 11, 5, true, sum);
      Given x = withKeysOfBlock(a, KEYS, block, factor);
      check(a, false, x, 1e-11);
      check(narrow(a), false, x, 1e-11);
    }
  }

  /** The same with the halves of keys that are kept; no float64 holds the exponentials of 5,000. */
  @ParameterizedTest
  @CsvSource({
    "256, 128, 0, 50",
    "256, 128, 1, 50",
    "200, 128, 1, 50",
    "100, 64, 0, -50",
    "256, 128, 0, 5000",
    "256, 128, 1, 5000"
  })
  void scoresOfHalvesDiffer(int k, int keys, int half, double factor) {
    AttentionTiling a = narrow(of(1, 2, 37, k, 11, 5, false, false));
    assertTrue(a.keepsKeys());
    check(a, false, withKeysOfBlock(a, keys, half, factor), KEPT);
  }

  /** The keys of one block of so many times a factor. */
  private static Given withKeysOfBlock(AttentionTiling a, int keys, int block, double factor) {
    Given x = Given.normal(a);
    double[] scaled = x.keys.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= i / a.p() % a.k() / keys == block ? factor : 1;
    }
    return new Given(x.q, scaled, x.values, x.dOutput);
  }

  /** Scores of some −2000 and +2000, whose exponentials no float64 holds. */
  @ParameterizedTest
  @CsvSource({
    "16, -1", "16, 1", "13, -1", "13, 1", "128, -1", "128, 1", "131, -1", "131, 1", "263, -1"
  })
  void largeScores(int k, double sign) {
    for (boolean sum : new boolean[] {false, true}) {
      AttentionTiling a = of(1, 2, 37, k, 11, 5, true, sum);
      Given x = Given.normal(a);
      double[] q = Arrays.stream(x.q).map(Math::abs).toArray();
      double[] keys = Arrays.stream(x.keys).map(key -> sign * 1000 * Math.abs(key)).toArray();
      check(a, false, new Given(q, keys, x.values, x.dOutput), 1e-6);
    }
  }
}
