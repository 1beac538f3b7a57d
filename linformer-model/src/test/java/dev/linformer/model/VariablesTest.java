package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class VariablesTest {

  private static final Parameter A = normal("a");
  private static final Parameter B = normal("b");

  private static Parameter normal(String name) {
    return new Parameter(name, Shape.of(5, 7), Initialization.normal(1));
  }

  private static Map<String, double[]> initial(long seed, Consumer<Variables<TFloat32>> declare) {
    try (Graph graph = new Graph()) {
      var variables = Variables.random(Ops.create(graph), TFloat32.class, seed);
      declare.accept(variables);
      return Values.initial(graph, variables.weights());
    }
  }

  private static double[] get(Map<String, double[]> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  private static void declare(Variables<TFloat32> variables, Parameter... parameters) {
    for (Parameter parameter : parameters) {
      variables.create(parameter);
    }
  }

  @Test
  void equalSeedsGiveEqualValues() {
    double[] first = get(initial(3, v -> declare(v, A)), "a");
    assertArrayEquals(first, get(initial(3, v -> declare(v, A)), "a"));
    assertFalse(Arrays.equals(first, get(initial(4, v -> declare(v, A)), "a")));
    assertFalse(Arrays.equals(first, get(initial(-3, v -> declare(v, A)), "a")));
  }

  @Test
  void aWeightsValuesDependOnItsNameAlone() {
    double[] alone = get(initial(3, v -> declare(v, B)), "b");
    Map<String, double[]> second = initial(3, v -> declare(v, A, B));
    assertArrayEquals(alone, get(second, "b"));
    assertFalse(Arrays.equals(alone, get(second, "a")));
  }

  @Test
  void aNameIsTakenOnce() {
    try (Graph graph = new Graph()) {
      var variables = Variables.random(Ops.create(graph), TFloat32.class, 1);
      variables.create(A);
      var e = assertThrows(IllegalArgumentException.class, () -> variables.create(A));
      assertEquals("a weight named a exists already", e.getMessage());
      assertEquals(1, variables.weights().size());
    }
  }

  @Test
  void trainableOnesAreThoseThatTrainingChanges() {
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      variables.create(A);
      variables.create(
          new Parameter(
              "fixed",
              Shape.of(3),
              Initialization.ZEROS,
              List.of(List.of("f")),
              Shape.of(3),
              false));
      assertEquals(2, variables.weights().size());
      assertEquals(List.of(variables.weights().get(0)), variables.trainable());
      assertThrows(UnsupportedOperationException.class, () -> variables.weights().clear());
    }
  }

  @Test
  void weightsToBeLoadedAddNothingRandom() {
    try (Graph graph = new Graph()) {
      config().declare(Variables.toBeLoaded(Ops.create(graph), TFloat32.class));
      assertFalse(hasRandom(graph));
      config().declare(Variables.random(Ops.create(graph).withSubScope("x"), TFloat32.class, 1));
      assertTrue(hasRandom(graph));
    }
  }

  private static boolean hasRandom(Graph graph) {
    boolean random = false;
    for (var operations = graph.operations(); operations.hasNext(); ) {
      random |= operations.next().type().contains("Random");
    }
    return random;
  }

  private static LinformerClassifierConfig config() {
    LinformerConfig encoder =
        LinformerConfig.builder(199, 16, 101)
            .feedForwardDim(53)
            .parameterSharing(ParameterSharing.HEADWISE)
            .build();
    return LinformerClassifierConfig.builder(encoder, 97, 10).build();
  }

  @Test
  void layersStartAsTheEcosystemsDo() {
    Map<String, double[]> values = initial(11, config()::declare);
    assertUniform(get(values, "linformer.seq.0.fn.to_q.weight"), 16);
    assertUniform(get(values, "linformer.seq.1.fn.w_1.weight"), 16);
    assertUniform(get(values, "linformer.seq.1.fn.w_1.bias"), 16);
    assertUniform(get(values, "linformer.seq.1.fn.w_2.weight"), 53);
    assertUniform(get(values, "linformer.seq.0.fn.E.bias"), 199);
    for (String role : List.of("E", "F")) {
      double deviation = Math.sqrt(2.0 / (199 + 101)); // Xavier normal
      assertNormal(get(values, "linformer.seq.0.fn." + role + ".weight"), deviation);
    }
    assertFalse(
        Arrays.equals(
            get(values, "linformer.seq.0.fn.E.weight"),
            get(values, "linformer.seq.0.fn.F.weight")));
    assertNormal(get(values, "to_token_emb.weight"), 1);
    assertNormal(get(values, "pos_emb.weight"), 1);
    assertTrue(Arrays.stream(get(values, "linformer.seq.1.norm.weight")).allMatch(v -> v == 1));
    assertTrue(Arrays.stream(get(values, "linformer.seq.1.norm.bias")).allMatch(v -> v == 0));
  }

  /** Uniform on ±1/√fanIn: inside, near both ends, and of a uniform distribution's variance. */
  private static void assertUniform(double[] values, int fanIn) {
    double bound = 1 / Math.sqrt(fanIn);
    double highest = Arrays.stream(values).max().orElseThrow();
    double lowest = Arrays.stream(values).min().orElseThrow();
    assertTrue(highest <= bound * (1 + 1e-6), "highest " + highest);
    assertTrue(lowest >= -bound * (1 + 1e-6), "lowest " + lowest);
    assertTrue(highest > 0.8 * bound, "highest " + highest);
    assertTrue(lowest < -0.8 * bound, "lowest " + lowest);
    double square = Arrays.stream(values).map(v -> v * v).average().orElseThrow();
    // Four deviations: v² has variance 4/45 bound⁴.
    double allowed = 4 * Math.sqrt(4 / 45.0 / values.length) * bound * bound;
    assertEquals(bound * bound / 3, square, allowed);
  }

  private static void assertNormal(double[] values, double deviation) {
    double mean = Arrays.stream(values).average().orElseThrow();
    double square = Arrays.stream(values).map(v -> v * v).average().orElseThrow();
    assertEquals(0, mean, 4 * deviation / Math.sqrt(values.length));
    assertEquals(deviation, Math.sqrt(square), 4 * deviation / Math.sqrt(2.0 * values.length));
  }
}
