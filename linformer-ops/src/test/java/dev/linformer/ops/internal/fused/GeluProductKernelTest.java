package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.internal.kernel.Buffer;
import dev.linformer.ops.internal.kernel.KernelInterpreter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernel's text, executed in float64 on a CPU, against the formulas. */
class GeluProductKernelTest {

  private static final double OFF = 3e-5; // of Φ by a polynomial
  private static final double BFLOAT16 = 2e-2;

  static Stream<GeluProductKernel> sizes() {
    int[][] sizes = {
      {1, 1, 1}, {128, 64, 256}, {129, 16, 13}, {37, 65, 300}, {256, 128, 16}, {300, 61, 512}
    };
    return Arrays.stream(sizes)
        .flatMap(
            s ->
                Stream.of(
                    new GeluProductKernel(s[0], s[1], s[2], true),
                    new GeluProductKernel(s[0], s[1], s[2], false)));
  }

  /** What the kernel makes of x, W, d. */
  private static double[] run(GeluProductKernel k, boolean rounding, double[]... inputs) {
    List<Buffer> buffers = new ArrayList<>();
    for (double[] input : inputs) {
      buffers.add(Buffer.input("bf16", input));
    }
    Buffer output = Buffer.output("bf16", k.rows() * k.f());
    buffers.add(output);
    KernelInterpreter.run(k.forward("f"), List.of(k.programs(), 1, 1), rounding, buffers);
    return output.values();
  }

  private static void check(GeluProductKernel k, boolean rounding, double tolerance) {
    double[] x = Graphs.bfloat16(Graphs.normal(1, k.rows() * k.c()));
    double[] weight = Graphs.bfloat16(Graphs.normal(2, (long) k.f() * k.c()));
    double[] d = k.biased() ? Graphs.bfloat16(Graphs.normal(3, k.f())) : new double[k.f()];
    double[] a = new double[Math.toIntExact(k.rows() * k.f())];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < k.c(); j++) {
        a[i] += x[i / k.f() * k.c() + j] * weight[i % k.f() * k.c() + j];
      }
    }
    double[] found = k.biased() ? run(k, rounding, x, weight, d) : run(k, rounding, x, weight);
    Graphs.assertClose(new GeluOracle(a, d, a).output, found, tolerance);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void geluOfAProduct(GeluProductKernel k) {
    check(k, false, 4 * OFF); // relative, of small values
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void roundedToBfloat16(GeluProductKernel k) {
    check(k, true, BFLOAT16);
  }

  /** Also where the polynomial would turn back. */
  @Test
  void offByLittleEverywhere() {
    int f = 4_096;
    double[] weight = new double[f];
    Arrays.setAll(weight, i -> (i - f / 2) / 64.0); // −32 to 32
    var kernel = new GeluProductKernel(1, 1, f, false);
    double[] found = run(kernel, false, new double[] {1}, weight);
    double[] expected = new GeluOracle(weight, new double[f], weight).output;
    double most = 0;
    for (int i = 0; i < f; i++) {
      most = Math.max(most, Math.abs(found[i] - expected[i]));
    }
    assertTrue(most <= OFF, String.format(Locale.ROOT, "off by %.2e", most));
    assertEquals(32 - 1 / 64.0, found[f - 1], 1e-12);
    assertEquals(0, found[0], 1e-12);
  }

  /** Says when the kernel's tuning takes a case away. */
  @Test
  void sizesHaveAllCases() {
    assertTrue(sizes().anyMatch(k -> k.output().across() > 1 && k.output().down() > 1));
    assertTrue(sizes().anyMatch(k -> k.rows() % 128 == 0) && sizes().anyMatch(k -> k.c() > 64));
  }
}
