package dev.linformer.ops.attention;

import dev.linformer.ops.Activation;
import dev.linformer.ops.FeedForward;
import dev.linformer.ops.LayerContract;
import dev.linformer.ops.LayerNorm;
import dev.linformer.ops.Naive;
import dev.linformer.ops.ParameterFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/** The layers put together by hand are the naive encoder. */
class EncoderTest {

  private static final int B = 2;
  private static final int N = 7;
  private static final int C = 13;
  private static final int D = 11;
  private static final int H = 3;
  private static final int K = 5;
  private static final int F = 17;
  private static final int DEPTH = 2;

  private record Encoder(Projections projections, Activation activation)
      implements LayerContract.Layer {

    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      Operand<T> y = x;
      for (int layer = 0; layer < DEPTH; layer++) {
        String attention = "seq." + 2 * layer;
        var ef = projections.declare(parameters, attention + ".fn", H, K, N);
        var mixed =
            MultiHeadAttention.declare(
                    parameters, attention + ".fn", new AttentionSpec(C, H, D), ef.get(0), ef.get(1))
                .call(tf, y, 0, null);
        y = norm(tf, parameters, attention, tf.math.add(y, mixed));
        String feedForward = "seq." + (2 * layer + 1);
        var changed =
            FeedForward.declare(parameters, feedForward + ".fn", C, F, C, activation, false)
                .call(tf, y, 0, null);
        y = norm(tf, parameters, feedForward, tf.math.add(y, changed));
      }
      return y;
    }

    private static <T extends TFloating> Operand<T> norm(
        Ops tf, ParameterFactory<T> parameters, String prefix, Operand<T> x) {
      return LayerNorm.declare(parameters, prefix + ".norm", C).call(tf, x);
    }
  }

  @TestFactory
  Stream<DynamicTest> contract() {
    return Stream.of(
            new Encoder(Projections.ONE, Activation.GELU),
            new Encoder(Projections.PER_HEAD, Activation.RELU))
        .flatMap(
            encoder ->
                LayerContract.tests(
                    encoder.toString(),
                    encoder,
                    Shape.of(B, N, C),
                    (w, x) -> Naive.encoder(w, x, B, N, C, H, D, K, F, DEPTH, encoder.activation)));
  }
}
