package dev.linformer.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

/** What stays of graphs that were built, differentiated and closed. */
@Timeout(120) // so that what is never forgotten ends; nothing is measured by it
class GraphGradientsTest {

  private static final int GRAPHS = 50;

  private static Operand<TFloat64> x(Ops tf) {
    return Graphs.constant(tf, Shape.of(2, 3), Graphs.normal(1, 6));
  }

  private static Operand<TFloat64> square(Ops tf, Operand<TFloat64> x) {
    return Recompute.call(tf, List.of(x), (inner, of) -> inner.math.square(of.get(x)));
  }

  private static WeakReference<Graph> closed() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = x(tf);
      tf.gradients(square(tf, x), List.of(x));
      return new WeakReference<>(graph);
    }
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      System.gc();
      Thread.sleep(1);
    }
  }

  @Test
  void closedGraphsAreForgotten() throws InterruptedException {
    int before = GradientOverrides.GRADIENTS.size();
    List<WeakReference<Graph>> graphs = IntStream.range(0, GRAPHS).mapToObj(i -> closed()).toList();
    try (Graph open = new Graph()) {
      Ops tf = Ops.create(open);
      square(tf, x(tf));
      // The one that is open, and what other tests left open.
      await(() -> GradientOverrides.GRADIENTS.size() <= before + 1);
      await(() -> graphs.stream().allMatch(graph -> graph.get() == null));
    }
    graphs.forEach(graph -> assertNull(graph.get()));
  }

  /** A graph's gradients can be asked for however many came and went since it was built. */
  @Test
  void openGraphsAreNot() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = x(tf);
      Operand<TFloat64> y = square(tf, x);
      for (int i = 0; i < GRAPHS; i++) {
        closed();
      }
      Operand<TFloat64> dx = tf.gradients(y, List.of(x)).dy(0);
      double[] expected = Graphs.normal(1, 6);
      for (int i = 0; i < expected.length; i++) {
        expected[i] *= 2;
      }
      assertArrayEquals(expected, Graphs.evaluate(graph, dx), 1e-14);
    }
  }

  /** A gradient that is known no more, or never was, is refused and never 0. */
  @Test
  void aLoadedGraphHasNoGradients() {
    try (Graph graph = new Graph();
        Graph loaded = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = tf.withName("x").identity(x(tf));
      Operand<TFloat64> y = tf.withName("y").identity(square(tf, x));
      loaded.importGraphDef(graph.toGraphDef());
      var e =
          assertThrows(
              Exception.class,
              () ->
                  loaded.addGradients(
                      loaded.outputOrThrow(y.op().name() + ":0"),
                      new Output<?>[] {loaded.outputOrThrow(x.op().name() + ":0")}));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains(" is not known: its graph was loaded"), message);
    }
  }
}
