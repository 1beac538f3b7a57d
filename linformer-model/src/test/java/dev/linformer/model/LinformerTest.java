package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Activation;
import dev.linformer.ops.GradientCheck;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.LayerContract;
import dev.linformer.ops.Naive;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

class LinformerTest {

  private static final int B = 2;
  private static final int N = 11;
  private static final int C = 7;
  private static final int D = 13;
  private static final int H = 3;
  private static final int K = 5;
  private static final int F = 17;
  private static final int DEPTH = 2;
  private static final Shape INPUT = Shape.of(B, N, C);

  private static LinformerConfig config(ParameterSharing sharing, double dropout) {
    return LinformerConfig.builder(N, C, K)
        .headDim(D)
        .heads(H)
        .feedForwardDim(F)
        .depth(DEPTH)
        .dropout(dropout)
        .feedForwardDropout(dropout)
        .parameterSharing(sharing)
        .build();
  }

  private record Encoder(LinformerConfig config) implements LayerContract.Layer {
    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      return config.declare(parameters).call(tf, x, null);
    }
  }

  /** Dropout rates are set, and without a key nothing is dropped. */
  @TestFactory
  Stream<DynamicTest> contract() {
    return Arrays.stream(ParameterSharing.values())
        .flatMap(
            sharing ->
                LayerContract.tests(
                    sharing.name(),
                    new Encoder(config(sharing, 0.3)),
                    INPUT,
                    (w, x) -> Naive.encoder(w, x, B, N, C, H, D, K, F, DEPTH, Activation.GELU)));
  }

  @Test
  void gradientsWithDropout() {
    LinformerConfig config = config(ParameterSharing.HEADWISE, 0.3);
    Weights weights = new Weights();
    double[] x = Graphs.normal(7, INPUT.size());
    Graphs.evaluate(
        tf ->
            config
                .declare(weights.constants(tf, TFloat64.class))
                .call(tf, Graphs.constant(tf, INPUT, x), key(tf, 3)));
    var inputs = new ArrayList<GradientCheck.Input>();
    inputs.add(new GradientCheck.Input("x", INPUT, x));
    inputs.addAll(weights.inputs());
    GradientCheck.check(
        inputs,
        (tf, in) ->
            config
                .declare(weights.operands(in.subList(1, in.size())))
                .call(tf, in.get(0), key(tf, 3)));
  }

  @Test
  void dropoutIsAFunctionOfTheKey() {
    LinformerConfig config = config(ParameterSharing.KV, 0.3);
    double[] first = dropped(config, 3);
    Graphs.assertClose(first, dropped(config, 3), 0);
    assertFalse(Arrays.equals(first, dropped(config, 4)));
    assertFalse(Arrays.equals(first, dropped(config(ParameterSharing.KV, 0), 3)));
  }

  private static double[] dropped(LinformerConfig config, long step) {
    Weights weights = new Weights();
    return Graphs.evaluate(
        tf ->
            config
                .declare(weights.constants(tf, TFloat64.class))
                .call(
                    tf, Graphs.constant(tf, INPUT, Graphs.normal(7, INPUT.size())), key(tf, step)));
  }

  /** Softmax of each of three heads, attention's output, hidden values and output of each layer. */
  @Test
  void everyPlaceDrawsItsOwnMask() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      config(ParameterSharing.LAYERWISE, 0.3)
          .declare(new Weights().constants(tf, TFloat64.class))
          .call(tf, Graphs.constant(tf, INPUT, Graphs.normal(7, INPUT.size())), key(tf, 3));
      assertDifferentDraws(graph, (3 + 3) * DEPTH);
    }
  }

  /** Draws of the same seed begin alike, whatever their shape. */
  static void assertDifferentDraws(Graph graph, int expected) {
    List<Operand<TFloat32>> draws = new ArrayList<>();
    graph
        .operations()
        .forEachRemaining(
            operation -> {
              if (operation.type().startsWith("StatelessRandomUniform")) {
                draws.add(operation.<TFloat32>output(0));
              }
            });
    assertEquals(expected, draws.size());
    long different =
        Values.evaluate(graph, draws).stream()
            .map(values -> Arrays.toString(Arrays.copyOf(values, 8)))
            .distinct()
            .count();
    assertEquals(expected, different);
  }

  @ParameterizedTest
  @CsvSource({"NONE,288", "HEADWISE,24", "KV,12", "LAYERWISE,1"})
  void twelveLayersOfTwelveHeadsHaveDistinctProjections(ParameterSharing sharing, int expected) {
    LinformerConfig config =
        LinformerConfig.builder(3, 12, 2)
            .heads(12)
            .depth(12)
            .feedForwardDim(1)
            .parameterSharing(sharing)
            .build();
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      config.declare(variables);
      List<List<String>> slices =
          variables.weights().stream().flatMap(w -> w.parameter().slices().stream()).toList();
      for (String end : List.of("weight", "bias")) {
        List<List<String>> projections =
            slices.stream().filter(keys -> keys.get(0).matches(".*\\.[EF]\\." + end)).toList();
        assertEquals(expected, projections.size(), end);
        // All together they stand under one key a head, layer and role.
        assertEquals(288, projections.stream().flatMap(List::stream).distinct().count(), end);
      }
    }
  }

  /** One of them has no value without the other: a shared projection is used in all places. */
  @ParameterizedTest
  @EnumSource(ParameterSharing.class)
  void aSharedProjectionIsOneVariable(ParameterSharing sharing) {
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      config(sharing, 0).declare(variables);
      long count =
          variables.weights().stream()
              .filter(w -> w.parameter().slices().get(0).get(0).matches(".*\\.[EF]\\.weight"))
              .count();
      int expected =
          switch (sharing) {
            case NONE, HEADWISE -> 2 * DEPTH; // heads of a layer are stacked in one variable
            case KV -> DEPTH;
            case LAYERWISE -> 1;
          };
      assertEquals(expected, count);
    }
  }

  @Test
  void refusesOtherShapes() {
    assertRefused(Shape.of(B, N + 1, C), "axis 1 must be at most 11 (input_size), found 12");
    assertRefused(Shape.of(B, N, C + 1), "axis 2 must be 7 (channels), found 8");
    assertRefused(Shape.of(N, C), "3 axes expected, found 2");
  }

  private static void assertRefused(Shape shape, String message) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var model = config(ParameterSharing.KV, 0).declare(Variables.toBeLoaded(tf, TFloat64.class));
      var input = Graphs.constant(tf, shape, Naive.ones(Math.toIntExact(shape.size())));
      var e = assertThrows(IllegalArgumentException.class, () -> model.call(tf, input, null));
      assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
    }
  }

  private static RandomKey key(Ops tf, long step) {
    return new RandomKey(tf.constant(new long[] {1, step}));
  }
}
