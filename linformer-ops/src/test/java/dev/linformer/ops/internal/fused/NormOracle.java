package dev.linformer.ops.internal.fused;

/** Layer normalisation of x + a + d and its gradients, by the formulas, in float64. */
final class NormOracle {

  final double[] output; // [rows,c]
  final double[] dSum; // [rows,c]
  final double[] dWeight; // [c]
  final double[] dBias; // [c]
  final double[] dD; // [c]

  /** The gradient through mean and variance is a product with each row's Jacobian. */
  NormOracle(
      double[] x, double[] added, double[] d, double[] weight, double[] bias, double[] dOutput) {
    int c = weight.length;
    output = new double[added.length];
    dSum = new double[added.length];
    dWeight = new double[c];
    dBias = new double[c];
    dD = new double[c];
    for (int from = 0; from < added.length; from += c) {
      double[] s = new double[c];
      double mean = 0;
      for (int i = 0; i < c; i++) {
        s[i] = x[from + i] + added[from + i] + d[i];
        mean += s[i] / c;
      }
      double variance = 0;
      for (int i = 0; i < c; i++) {
        variance += (s[i] - mean) * (s[i] - mean) / c;
      }
      double root = Math.sqrt(variance + 1e-5);
      for (int i = 0; i < c; i++) {
        double z = (s[i] - mean) / root;
        output[from + i] = z * weight[i] + bias[i];
        dWeight[i] += dOutput[from + i] * z;
        dBias[i] += dOutput[from + i];
        for (int j = 0; j < c; j++) {
          double same = i == j ? 1 : 0;
          double other = (s[j] - mean) / root;
          double slope = (same - 1.0 / c - z * other / c) / root; // of z_i with respect to s_j
          dSum[from + j] += dOutput[from + i] * weight[i] * slope;
        }
      }
      for (int j = 0; j < c; j++) {
        dD[j] += dSum[from + j];
      }
    }
  }
}
