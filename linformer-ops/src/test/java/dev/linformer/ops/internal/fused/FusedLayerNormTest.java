package dev.linformer.ops.internal.fused;

import static dev.linformer.ops.internal.kernel.KernelGraphs.calls;
import static dev.linformer.ops.internal.kernel.KernelGraphs.gradients;
import static dev.linformer.ops.internal.kernel.KernelGraphs.gradientsHaveTheInputsShapes;
import static dev.linformer.ops.internal.kernel.KernelGraphs.input;
import static dev.linformer.ops.internal.kernel.KernelGraphs.module;
import static dev.linformer.ops.internal.kernel.KernelGraphs.operations;
import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Backend;
import dev.linformer.ops.LayerNorm;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.gradient.ChunkPlan;
import dev.linformer.ops.gradient.Recompute;
import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.internal.kernel.GpuKernel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** Graphs with the kernels, on a machine without a GPU: {@link NormKernelsTest} computes. */
class FusedLayerNormTest {

  private static final int B = 2;
  private static final int N = 7;
  private static final int C = 13;

  private static boolean fits(Class<? extends TFloating> type, Shape x) {
    try (Graph graph = new Graph()) {
      return FusedLayerNorm.fits(Ops.create(graph).placeholder(type, Placeholder.shape(x)));
    }
  }

  @Test
  void typesThatHaveKernels() {
    assertTrue(fits(TFloat32.class, Shape.of(B, N, C)));
    assertTrue(fits(TBfloat16.class, Shape.of(B, N, C)));
    assertFalse(fits(TFloat64.class, Shape.of(B, N, C)));
    assertFalse(fits(TFloat16.class, Shape.of(B, N, C)));
  }

  @Test
  void shapesThatHaveKernels() {
    assertTrue(fits(TFloat32.class, Shape.of(C)));
    assertTrue(fits(TFloat32.class, Shape.of(B, N, 8192)));
    assertFalse(fits(TFloat32.class, Shape.of(B, N, 8193)));
    assertFalse(fits(TFloat32.class, Shape.of(B, N, 0)));
    assertFalse(fits(TFloat32.class, Shape.of(0, N, C)));
    assertFalse(fits(TFloat32.class, Shape.of(B, 0, C)));
    assertFalse(fits(TFloat32.class, Shape.of(-1, N, C)));
    assertFalse(fits(TFloat32.class, Shape.of(B, N, -1)));
    assertFalse(fits(TFloat32.class, Shape.unknown()));
    assertFalse(fits(TFloat32.class, Shape.scalar()));
    long most = Integer.MAX_VALUE - 1_024;
    assertTrue(fits(TFloat32.class, Shape.of(1, most, 8192)));
    assertFalse(fits(TFloat32.class, Shape.of(1, most + 1, 8192)));
  }

  private static <T extends TFloating> LayerNorm<T> norm(Ops tf, Class<T> type) {
    return new LayerNorm<>(input(tf, type, C), input(tf, type, C), Backend.GPU_KERNELS);
  }

  /** What is added is [b,n,c] or, as a product of all rows, [b·n,c]. */
  @ParameterizedTest
  @CsvSource({"false, false", "true, false", "false, true", "true, true"})
  void shapesOfOutputsAndGradients(boolean biased, boolean rows) {
    for (Class<? extends TFloating> type : List.of(TFloat32.class, TBfloat16.class)) {
      shapes(type, biased, rows);
    }
  }

  private static <T extends TFloating> void shapes(Class<T> type, boolean biased, boolean rows) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      LayerNorm<T> norm = norm(tf, type);
      List<Operand<T>> x = new ArrayList<>(List.of(norm.weight(), norm.bias()));
      Operand<T> residual = input(tf, type, B, N, C);
      Operand<T> product = rows ? input(tf, type, B * N, C) : input(tf, type, B, N, C);
      @Nullable Operand<T> bias = biased ? input(tf, type, C) : null;
      x.add(residual);
      x.add(product);
      if (bias != null) {
        x.add(bias);
      }
      Operand<T> y = norm.call(tf, residual, new LinearOutput<>(product, bias, Shape.of(B, N, C)));
      assertEquals(Shape.of(B, N, C), y.shape());
      assertEquals(type, y.type());
      assertEquals(1, calls(graph).size());
      assertEquals(biased ? 5 : 4, calls(graph).get(0).getInputCount());
      gradientsHaveTheInputsShapes(tf, y, x);
      assertEquals(2, calls(graph).size());
      NodeDef backward = calls(graph).get(1);
      assertEquals(biased ? 5 : 4, backward.getInputCount());
      assertEquals(biased ? 4 : 3, backward.getAttrOrThrow("Sout").getList().getShapeCount());
      assertEquals(0, operations(graph, "Rsqrt").size());
      assertEquals(0, operations(graph, "BiasAdd").size());
      assertEquals(0, operations(graph, "AddV2").size());
    }
  }

  /** Which of a kernel's outputs an operand is made of. */
  private static int output(Graph graph, Operand<?> operand) {
    Map<String, NodeDef> nodes = new HashMap<>();
    graph.toGraphDef().getNodeList().forEach(node -> nodes.put(node.getName(), node));
    String from = operand.op().name() + ":" + operand.asOutput().index();
    while (true) {
      String[] place = from.split(":", 2);
      NodeDef node = requireNonNull(nodes.get(place[0]));
      if (node.getOp().equals(GpuKernel.OPERATION)) {
        return place.length == 1 ? 0 : Integer.parseInt(place[1]);
      }
      from = node.getInput(0);
    }
  }

  /** All vectors have one shape, so nothing else would tell them apart here. */
  @ParameterizedTest
  @CsvSource({"false, false", "true, false", "true, true"})
  void whichGradientIsWhose(boolean residual, boolean biased) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      LayerNorm<TFloat32> norm = norm(tf, TFloat32.class);
      Operand<TFloat32> added = input(tf, TFloat32.class, B, N, C);
      List<Operand<TFloat32>> x = new ArrayList<>(List.of(norm.weight(), norm.bias(), added));
      @Nullable Operand<TFloat32> first = residual ? input(tf, TFloat32.class, B, N, C) : null;
      @Nullable Operand<TFloat32> d = biased ? input(tf, TFloat32.class, C) : null;
      if (first != null) {
        x.add(first);
      }
      if (d != null) {
        x.add(d);
      }
      Operand<TFloat32> y =
          FusedLayerNorm.call(tf, first, added, d, norm.weight(), norm.bias()); // [b,n,c]
      var gradients = gradients(tf, y, x);
      List<Integer> outputs =
          IntStream.range(0, x.size()).mapToObj(i -> output(graph, gradients.dy(i))).toList();
      assertEquals(List.of(1, 2, 0, 0, 3).subList(0, x.size()), outputs);
    }
  }

  @Test
  void ofOneInput() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      LayerNorm<TFloat32> norm = norm(tf, TFloat32.class);
      Operand<TFloat32> x = input(tf, TFloat32.class, B, N, C);
      Operand<TFloat32> y = norm.call(tf, x);
      assertEquals(Shape.of(B, N, C), y.shape());
      assertEquals(3, calls(graph).get(0).getInputCount());
      gradientsHaveTheInputsShapes(tf, y, List.of(x, norm.weight(), norm.bias()));
      assertEquals(2, calls(graph).size());
      assertEquals(3, calls(graph).get(1).getInputCount());
    }
  }

  /** Programs, and what they get and make, as XLA reads it. */
  @Test
  void modules() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var vector = input(tf, TFloat32.class, 768);
      var norm = new LayerNorm<>(vector, vector, Backend.GPU_KERNELS);
      Operand<TFloat32> x = input(tf, TFloat32.class, 1, 1061, 768);
      gradientsHaveTheInputsShapes(
          tf, norm.call(tf, x, new LinearOutput<>(x, vector, x.shape())), List.of(x));
      String forward = module(calls(graph).get(0));
      assertTrue(forward.contains("grid_x = 1061 : i32"), forward);
      assertTrue(forward.contains("num_warps = 1 : i32"), forward);
      String backward = module(calls(graph).get(1));
      assertTrue(backward.contains("grid_x = 1056 : i32"), backward);
      assertTrue(backward.contains("num_warps = 2 : i32"), backward);
      assertTrue(
          backward.contains(
              "-> (tensor<1x1061x768xf32>, tensor<1056x768xf32>, tensor<1056x768xf32>, tensor<1056x768xf32>)"),
          backward);
    }
  }

  @Test
  void onlyWhereTheyAreAskedFor() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> weight = input(tf, TFloat32.class, C);
      Operand<TFloat32> x = input(tf, TFloat32.class, B, N, C);
      Operand<TFloat32> rows = input(tf, TFloat32.class, B * N, C);
      new LayerNorm<>(weight, weight).call(tf, x, new LinearOutput<>(rows, weight, x.shape()));
      assertEquals(0, calls(graph).size());
      assertEquals(1, operations(graph, "BiasAdd").size());
      assertEquals(1, operations(graph, "Rsqrt").size());
    }
  }

  /** Those of float64 have no kernel, with or without. */
  @Test
  void othersAreComputedAsBefore() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      LayerNorm<TFloat64> norm = norm(tf, TFloat64.class);
      Operand<TFloat64> x = input(tf, TFloat64.class, B, N, C);
      Operand<TFloat64> y = norm.call(tf, x, LinearOutput.none(norm.call(tf, x)));
      assertEquals(Shape.of(B, N, C), y.shape());
      assertEquals(0, calls(graph).size());
      assertEquals(2, operations(graph, "Rsqrt").size());
    }
  }

  private static void refused(
      String message, Operand<TFloat32> x, Operand<TFloat32> added, Operand<TFloat32> d) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      assertEquals(
          message,
          requireNonNull(
              assertThrows(
                      IllegalArgumentException.class,
                      () -> FusedLayerNorm.call(tf, x, added, d, d, d))
                  .getMessage()));
    }
  }

  @Test
  void whatHasNoKernelIsRefused() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = input(tf, TFloat32.class, B, N, C);
      Operand<TFloat32> one = input(tf, TFloat32.class, 1);
      Operand<TFloat32> unknown = input(tf, TFloat32.class, -1, N, C);
      refused("FusedLayerNorm: [13] of TFloat32 expected, found [1] of TFloat32", x, x, one);
      refused(
          "FusedLayerNorm: [2, 7, 13] of TFloat32 expected, found [1] of TFloat32", one, x, one);
      refused("FusedLayerNorm: no kernel for [-1, 7, 13] of TFloat32", x, unknown, one);
      var norm = new LayerNorm<>(one, one, Backend.GPU_KERNELS);
      String message = "LayerNorm: axis 2 must be 1 (channels), found 13 in [2, 7, 13]";
      for (boolean sum : new boolean[] {false, true}) {
        var error =
            assertThrows(
                IllegalArgumentException.class,
                () -> {
                  if (sum) {
                    norm.call(tf, x, LinearOutput.none(x));
                  } else {
                    norm.call(tf, x);
                  }
                });
        assertEquals(message, error.getMessage());
      }
    }
  }

  @Test
  void inARecomputedSegmentOfParts() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      LayerNorm<TFloat32> norm = norm(tf, TFloat32.class);
      Operand<TFloat32> x = input(tf, TFloat32.class, B, N, C);
      Operand<TFloat32> added = input(tf, TFloat32.class, B, N, C);
      Operand<TFloat32> d = input(tf, TFloat32.class, C);
      Operand<TFloat32> y =
          Recompute.parts(
              tf,
              new ChunkPlan(N, 3, 1), // 3, 3 and 1 positions
              List.of(
                  SegmentInput.along(x, 1),
                  SegmentInput.along(added, 1),
                  SegmentInput.whole(d),
                  SegmentInput.whole(norm.weight()),
                  SegmentInput.whole(norm.bias())),
              (inner, of) -> {
                Operand<TFloat32> part = of.get(added); // [b,m,c]
                return norm.map(of::get)
                    .call(inner, of.get(x), new LinearOutput<>(part, of.get(d), part.shape()));
              });
      assertEquals(3, calls(graph).size());
      gradientsHaveTheInputsShapes(tf, y, List.of(x, added, d, norm.weight(), norm.bias()));
      assertEquals(6, calls(graph).size()); // gradients need the inputs alone
    }
  }

  /** More values than an i32 counts. */
  @Test
  void longSequences() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      LayerNorm<TFloat32> norm = norm(tf, TFloat32.class);
      Operand<TFloat32> x = input(tf, TFloat32.class, 1, 1L << 30, C);
      gradientsHaveTheInputsShapes(tf, norm.call(tf, x), List.of(x, norm.weight()));
      assertEquals(2, calls(graph).size());
    }
  }
}
