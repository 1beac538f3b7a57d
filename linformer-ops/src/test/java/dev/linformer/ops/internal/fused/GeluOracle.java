package dev.linformer.ops.internal.fused;

import dev.linformer.ops.Graphs;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat64;

/** GELU of a + d and its gradients, value by value in float64. */
final class GeluOracle {

  final double[] output;
  final double[] dInput;
  final double[] dBias;

  /**
   * @param a [rows,f]
   * @param d [f]
   * @param dOutput [rows,f]
   */
  GeluOracle(double[] a, double[] d, double[] dOutput) {
    int f = d.length;
    double[] x = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      x[i] = (a[i] + d[i % f]) / Math.sqrt(2);
    }
    double[] erf =
        Graphs.evaluate(
            tf -> tf.math.erf(Graphs.constant(tf, TFloat64.class, Shape.of(x.length), x)));
    output = new double[a.length];
    dInput = new double[a.length];
    dBias = new double[f];
    for (int i = 0; i < a.length; i++) {
      double value = a[i] + d[i % f];
      double below = (1 + erf[i]) / 2;
      output[i] = value * below;
      dInput[i] =
          dOutput[i] * (below + value * Math.exp(-value * value / 2) / Math.sqrt(2 * Math.PI));
      dBias[i % f] += dInput[i];
    }
  }
}
