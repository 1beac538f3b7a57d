package dev.linformer.ops.projection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.ops.projection.PoolingProjection.PoolKind;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat64;

/** What the projections that cut a sequence in windows refuse: three windows of five positions. */
class WindowsTest {

  private static final int N = 15;
  private static final int K = 3;
  private static final int D = 7;

  @Test
  void refusesAnotherRank() {
    assertEquals(
        "PoolingProjection: 4 axes expected, found 3 in [2, 15, 7]",
        pooling(PoolKind.MAX, 2, N, D));
    assertEquals(
        "ConvolutionProjection: 4 axes expected, found 3 in [2, 15, 7]", convolution(2, N, D));
  }

  @Test
  void refusesALongerSequence() {
    assertEquals(
        "PoolingProjection: axis 1 must be at most 15 (sequence length), found 17 in [2, 17, 7]",
        pooling(PoolKind.MEAN, 2, 17, D));
    assertEquals(
        "PoolingProjection: axis 2 must be at most 15 (sequence length), found 17 in [2, 11, 17, 7]",
        pooling(PoolKind.MAX, 2, 11, 17, D));
    assertEquals(
        "ConvolutionProjection: axis 2 must be at most 15 (sequence length), found 17 in [2, 11, 17, 7]",
        convolution(2, 11, 17, D));
  }

  @Test
  void refusesAnUnknownLength() {
    assertEquals(
        "PoolingProjection: axis 1 must be at most 15 (sequence length), found unknown in [2, -1, 7]",
        pooling(PoolKind.MEAN, 2, -1, D));
    assertEquals(
        "ConvolutionProjection: axis 2 must be at most 15 (sequence length), found unknown in [2, 11, -1, 7]",
        convolution(2, 11, -1, D));
  }

  @Test
  void aConvolutionRefusesAnotherWidth() {
    assertEquals(
        "ConvolutionProjection: axis 3 must be 7 (width of a head), found 13 in [2, 11, 15, 13]",
        convolution(2, 11, N, 13));
  }

  private static String pooling(PoolKind kind, long... sizes) {
    try (Graph graph = new Graph()) {
      return refused(graph, new PoolingProjection<>(kind, N, K), sizes);
    }
  }

  private static String convolution(long... sizes) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var weight = tf.zeros(tf.constant(new int[] {D, D, N / K}), TFloat64.class);
      var bias = tf.zeros(tf.constant(new int[] {D}), TFloat64.class);
      return refused(graph, new ConvolutionProjection<>(weight, bias, K), sizes);
    }
  }

  private static String refused(
      Graph graph, SequenceProjection<TFloat64> projection, long... sizes) {
    Ops tf = Ops.create(graph);
    var x = tf.placeholder(TFloat64.class, Placeholder.shape(Shape.of(sizes)));
    var error = assertThrows(IllegalArgumentException.class, () -> projection.compress(tf, x));
    return String.valueOf(error.getMessage());
  }
}
