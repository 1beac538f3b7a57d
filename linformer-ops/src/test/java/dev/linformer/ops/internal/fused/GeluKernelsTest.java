package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
class GeluKernelsTest {

  private static final double EXACT = 1e-6; // the polynomial, and factors in float32
  private static final double BFLOAT16 = 2e-2;

  /** Rows and columns. */
  private static final int[][] SIZES = {
    {1, 1},
    {7, 1},
    {1, 13},
    {131, 16},
    {128, 16},
    {37, 61},
    {8, 256},
    {19, 257},
    {16, 512},
    {4229, 257},
    {3, 1021}
  };

  static Stream<GeluKernels> sizes() {
    return Arrays.stream(SIZES)
        .flatMap(
            size ->
                Stream.of(
                    new GeluKernels("f32", size[0], size[1], true),
                    new GeluKernels("f32", size[0], size[1], false)));
  }

  private static void some(String what, Predicate<GeluKernels> sizes) {
    assertTrue(sizes().anyMatch(sizes), what);
  }

  /** Says when a kernel's tuning takes a case away. */
  @Test
  void sizesHaveAllCases() {
    some("blocks without a rest", a -> a.blocks() > 1 && a.rows() % a.matrix().height() == 0);
    some("blocks and a rest", a -> a.blocks() > 1 && a.rows() % a.matrix().height() > 0);
    some("columns without a rest", a -> a.across() > 1 && a.f() % a.matrix().width() == 0);
    some("columns and a rest", a -> a.across() > 1 && a.f() % a.matrix().width() > 0);
    some("turns and a rest", a -> a.blocks() > a.programs() && a.rows() % a.matrix().height() > 0);
  }

  /** Compares all that the kernels make. */
  private static void check(
      GeluKernels k, boolean rounding, double[] a, double[] d, double[] dOutput, double tolerance) {
    GeluOracle expected = new GeluOracle(a, d, dOutput);
    List<Buffer> inputs = new ArrayList<>(List.of(Buffer.input(k.element(), a)));
    if (k.biased()) {
      inputs.add(Buffer.input(k.element(), d));
    }
    List<Buffer> forward = new ArrayList<>(inputs);
    Buffer output = Buffer.output(k.element(), a.length);
    forward.add(output);
    KernelInterpreter.run(k.forward("f"), List.of(k.blocks(), k.across(), 1), rounding, forward);
    Graphs.assertClose(expected.output, output.values(), tolerance);

    List<Buffer> backward = new ArrayList<>(inputs);
    Buffer dInput = Buffer.output(k.element(), a.length);
    backward.addAll(List.of(Buffer.input(k.element(), dOutput), dInput));
    Buffer sums = Buffer.output("f32", (long) k.programs() * k.f());
    if (k.biased()) {
      backward.add(sums);
    }
    KernelInterpreter.run(
        k.backward("b"), List.of(k.programs(), k.across(), 1), rounding, backward);
    Graphs.assertClose(expected.dInput, dInput.values(), tolerance);
    if (k.biased()) {
      double[] sum = new double[k.f()];
      for (int i = 0; i < sums.values().length; i++) {
        sum[i % k.f()] += sums.values()[i];
      }
      Graphs.assertClose(expected.dBias, sum, tolerance);
    }
  }

  private static double[] bias(GeluKernels k) {
    return k.biased() ? Graphs.normal(2, k.f()) : new double[k.f()];
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void outputsAndGradients(GeluKernels k) {
    long size = k.rows() * k.f();
    check(k, false, Graphs.normal(1, size), bias(k), Graphs.normal(3, size), EXACT);
  }

  /** Where nothing is beyond, and where nearly all is. */
  @Test
  void farFromZero() {
    double[] a = {-1e4, -40, -6, 6, 40, 1e4, Double.POSITIVE_INFINITY, 0};
    GeluKernels k = new GeluKernels("f32", 1, a.length, false);
    Buffer output = Buffer.output("f32", a.length);
    KernelInterpreter.run(
        k.forward("f"),
        List.of(k.blocks(), k.across(), 1),
        false,
        List.of(Buffer.input("f32", a), output));
    double[] expected = {0, 0, -6 * 9.865876450376946e-10, 6, 40, 1e4, a[6], 0}; // Φ(−6)
    assertArrayEquals(expected, output.values(), 1e-8);
  }

  static Stream<GeluKernels> fewRows() {
    return sizes().filter(k -> k.rows() < 1000);
  }

  /** With rounding the text is right to the digits of bfloat16. */
  @ParameterizedTest
  @MethodSource("fewRows")
  void outputsAndGradientsOfBfloat16(GeluKernels wide) {
    GeluKernels k = new GeluKernels("bf16", wide.rows(), wide.f(), wide.biased());
    long size = k.rows() * k.f();
    double[] a = Graphs.bfloat16(Graphs.normal(1, size));
    check(k, true, a, Graphs.bfloat16(bias(k)), Graphs.bfloat16(Graphs.normal(3, size)), BFLOAT16);
  }
}
