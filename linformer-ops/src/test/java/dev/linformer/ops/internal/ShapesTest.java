package dev.linformer.ops.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.ops.Graphs;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

class ShapesTest {

  private final Graph graph = new Graph();
  private final Ops tf = Ops.create(graph);

  @AfterEach
  void close() {
    graph.close();
  }

  @Test
  void saysHowManyAxesWereExpected() {
    var x = input(2, 7);
    assertDoesNotThrow(() -> Shapes.requireRank("Layer", x, 2));
    var error =
        assertThrows(IllegalArgumentException.class, () -> Shapes.requireRank("Layer", x, 3));
    assertEquals("Layer: 3 axes expected, found 2 in [2, 7]", error.getMessage());
  }

  @Test
  void saysAxisExpectedAndFound() {
    var x = input(2, 7, 13);
    assertDoesNotThrow(() -> Shapes.requireAxis("Layer", x, 1, 7, "length"));
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> Shapes.requireAxis("Layer", x, 1, 5, "length"));
    assertEquals("Layer: axis 1 must be 5 (length), found 7 in [2, 7, 13]", error.getMessage());
  }

  @Test
  void refusesAnUnknownAxisThatMustBeKnown() {
    var x = input(2, -1, 13);
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> Shapes.requireAxis("Layer", x, 1, 5, "length"));
    assertEquals(
        "Layer: axis 1 must be 5 (length), found unknown in [2, -1, 13]", error.getMessage());
  }

  @Test
  void reshapeKeepsWhatIsKnown() {
    var y = Shapes.reshape(tf, input(-1, 6), -1, 2, 3);
    assertArrayEquals(new long[] {-1, 2, 3}, y.shape().asArray());
    assertEquals(Shape.of(4, 3), Shapes.reshape(tf, input(2, 6), -1, 3).shape());
  }

  /** Sizes in int32 wherever they fit. */
  @Test
  void reshapeTakesSizesInInt32() {
    for (long most : new long[] {Integer.MAX_VALUE, 1L << 31}) {
      var y = Shapes.reshape(tf, input(-1), -1, most);
      var sizes = ((GraphOperation) y.asOutput().op()).input(1);
      assertEquals(most == 1L << 31 ? TInt64.class : TInt32.class, sizes.type());
    }
  }

  @Test
  void saysTheMostThatWasExpected() {
    var x = input(2, 7);
    assertDoesNotThrow(() -> Shapes.requireAtMost("Layer", x, 1, 7, "length"));
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> Shapes.requireAtMost("Layer", x, 1, 6, "length"));
    assertEquals("Layer: axis 1 must be at most 6 (length), found 7 in [2, 7]", error.getMessage());
  }

  @Test
  void oneAxisMayBeUnknown() {
    assertDoesNotThrow(() -> Shapes.requireOneUnknown("Layer", input(2, 7)));
    assertDoesNotThrow(() -> Shapes.requireOneUnknown("Layer", input(-1, 7)));
    var x = input(-1, 7, -1);
    var error =
        assertThrows(IllegalArgumentException.class, () -> Shapes.requireOneUnknown("Layer", x));
    assertEquals(
        "Layer: at most one axis of unknown size expected, found 2 in [-1, 7, -1]",
        error.getMessage());
  }

  @Test
  void slicesAndZerosBehindTheEnd() {
    double[] values = {1, 2, 3, 4, 5, 6};
    assertArrayEquals(
        new double[] {2, 3, 5, 6},
        Graphs.evaluate(t -> Shapes.slice(t, Graphs.constant(t, Shape.of(2, 3), values), 1, 1, 2)));
    assertArrayEquals(
        new double[] {1, 2, 3, 0, 0, 4, 5, 6, 0, 0},
        Graphs.evaluate(
            t -> Shapes.padTo(t, "Layer", Graphs.constant(t, Shape.of(2, 3), values), 1, 5)));
    var x = input(2, 3);
    assertSame(x, Shapes.padTo(tf, "Layer", x, 1, 3));
  }

  private Operand<TFloat64> input(long... sizes) {
    return tf.placeholder(TFloat64.class, Placeholder.shape(Shape.of(sizes)));
  }
}
