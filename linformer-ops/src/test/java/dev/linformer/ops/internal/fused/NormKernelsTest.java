package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.internal.kernel.Buffer;
import dev.linformer.ops.internal.kernel.KernelInterpreter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernels' text, executed in float64 on a CPU, against the formulas. */
class NormKernelsTest {

  private static final double EXACT = 1e-10; // ε is a float32
  private static final double BFLOAT16 = 3e-2;

  /** Rows and columns. */
  private static final int[][] SIZES = {
    {1, 1},
    {1, 13},
    {7, 1},
    {1, 16},
    {37, 64},
    {64, 64},
    {131, 64},
    {131, 61},
    {19, 257},
    {16, 256},
    {3, 769},
    {5, 768},
    {3, 4099},
    {5, 4096},
    {2, 8192},
    {16912, 33},
    {2113, 259},
    {1, 8191}
  };

  static Stream<NormKernels> sizes() {
    return Arrays.stream(SIZES).flatMap(size -> some(size[0], size[1]));
  }

  private static Stream<NormKernels> some(int rows, int c) {
    return Stream.of(
        new NormKernels("f32", rows, c, true, true),
        new NormKernels("f32", rows, c, true, false),
        new NormKernels("f32", rows, c, false, true),
        new NormKernels("f32", rows, c, false, false));
  }

  private static NormKernels narrow(NormKernels a) {
    return new NormKernels("bf16", a.rows(), a.c(), a.residual(), a.biased());
  }

  private static void some(String what, Predicate<NormKernels> sizes) {
    assertTrue(sizes().anyMatch(sizes), what);
  }

  /** Says when a kernel's tuning takes a case away. */
  @Test
  void sizesHaveAllCases() {
    some("one row of many in a block", a -> a.rows() == 1 && a.blocks().height() > 1);
    some("blocks of one row", a -> a.blocks().down() > 1 && a.blocks().height() == 1);
    for (boolean power : new boolean[] {false, true}) {
      Predicate<NormKernels> width = a -> (Integer.bitCount(a.c()) == 1) == power;
      String what = "a power of two columns: %s, ".formatted(power);
      some(
          what + "no rest",
          width.and(a -> a.blocks().down() > 1 && a.rows() % a.blocks().height() == 0));
      some(
          what + "a rest",
          width.and(a -> a.blocks().down() > 1 && a.rows() % a.blocks().height() > 0));
    }
    some("parts of a row, all of them full", a -> parts(a) > 1 && a.c() % width(a) == 0);
    some("parts of a row, the last not full", a -> parts(a) > 1 && a.c() % width(a) > 0);
    some("an odd number of parts", a -> parts(a) == 3);
    some("turns without a rest", a -> turns(a) > 1 && a.rows() % a.blocks().height() == 0);
    some("turns and a rest", a -> turns(a) > 1 && a.rows() % a.blocks().height() > 0);
  }

  private static int parts(NormKernels a) {
    return a.blocks().across();
  }

  private static int width(NormKernels a) {
    return a.blocks().width();
  }

  /** Blocks of the backward kernel's first program. */
  private static long turns(NormKernels a) {
    return (a.rows() - 1) / ((long) a.blocks().height() * a.programs()) + 1;
  }

  @Test
  void programsAreNotMoreThanTheirPlaces() {
    assertEquals(1056, new NormKernels("f32", 1 << 20, 64, true, true).programs());
    assertEquals(132, new NormKernels("f32", 1 << 20, 8192, true, true).programs());
    assertEquals(1, new NormKernels("f32", 1, 64, true, true).programs());
  }

  /** What the kernels are given. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Given(
      double[] x, double[] added, double[] d, double[] weight, double[] bias, double[] dOutput) {

    static Given normal(NormKernels a) {
      long size = a.rows() * a.c();
      return new Given(
          a.residual() ? Graphs.normal(1, size) : new double[(int) size],
          Graphs.normal(2, size),
          a.biased() ? Graphs.normal(3, a.c()) : new double[a.c()],
          Graphs.normal(4, a.c()),
          Graphs.normal(5, a.c()),
          Graphs.normal(6, size));
    }

    Given rounded() {
      return new Given(
          Graphs.bfloat16(x),
          Graphs.bfloat16(added),
          Graphs.bfloat16(d),
          Graphs.bfloat16(weight),
          Graphs.bfloat16(bias),
          Graphs.bfloat16(dOutput));
    }
  }

  /** The programs' sums added up. */
  private static double[] sum(Buffer parts, int c) {
    double[] sum = new double[c];
    for (int i = 0; i < parts.values().length; i++) {
      sum[i % c] += parts.values()[i];
    }
    return sum;
  }

  /** Compares all that the kernels make. */
  private static void check(NormKernels a, boolean rounding, Given given, double tolerance) {
    NormOracle expected =
        new NormOracle(given.x, given.added, given.d, given.weight, given.bias, given.dOutput);
    int c = a.c();
    List<Buffer> inputs = new ArrayList<>();
    if (a.residual()) {
      inputs.add(Buffer.input(a.element(), given.x));
    }
    inputs.add(Buffer.input(a.element(), given.added));
    if (a.biased()) {
      inputs.add(Buffer.input(a.element(), given.d));
    }
    inputs.add(Buffer.input(a.element(), given.weight));

    List<Buffer> forward = new ArrayList<>(inputs);
    forward.add(Buffer.input(a.element(), given.bias));
    Buffer output = Buffer.output(a.element(), a.rows() * c);
    forward.add(output);
    KernelInterpreter.run(a.forward("f"), List.of(a.blocks().down(), 1, 1), rounding, forward);
    Graphs.assertClose(expected.output, output.values(), tolerance);

    List<Buffer> backward = new ArrayList<>(inputs);
    backward.add(Buffer.input(a.element(), given.dOutput));
    Buffer dSum = Buffer.output(a.element(), a.rows() * c);
    backward.add(dSum);
    List<Buffer> sums = new ArrayList<>();
    for (int i = 0; i < (a.biased() ? 3 : 2); i++) {
      sums.add(Buffer.output("f32", (long) a.programs() * c));
    }
    backward.addAll(sums);
    KernelInterpreter.run(a.backward("b"), List.of(a.programs(), 1, 1), rounding, backward);
    Graphs.assertClose(expected.dSum, dSum.values(), tolerance);
    Graphs.assertClose(expected.dWeight, sum(sums.get(0), c), tolerance);
    Graphs.assertClose(expected.dBias, sum(sums.get(1), c), tolerance);
    if (a.biased()) {
      Graphs.assertClose(expected.dD, sum(sums.get(2), c), tolerance);
    }
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void outputsAndGradients(NormKernels a) {
    check(a, false, Given.normal(a), EXACT);
  }

  static Stream<NormKernels> someSizes() {
    return Stream.of(some(131, 61), some(64, 64), some(3, 257)).flatMap(each -> each);
  }

  /** Without rounding the text is right to float64's digits, with it to those of bfloat16. */
  @ParameterizedTest
  @MethodSource("someSizes")
  void outputsAndGradientsOfBfloat16(NormKernels a) {
    check(narrow(a), false, Given.normal(a), EXACT);
    check(narrow(a), true, Given.normal(a).rounded(), BFLOAT16);
  }

  /** A mean a thousand times the deviation: columns there are none of would be seen. */
  @ParameterizedTest
  @MethodSource("someSizes")
  void farFromZero(NormKernels a) {
    Given x = Given.normal(a);
    double[] far = Arrays.stream(x.added).map(value -> value + 1000).toArray();
    check(a, false, new Given(x.x, far, x.d, x.weight, x.bias, x.dOutput), EXACT);
  }
}
