package dev.linformer.ops.internal.fused;

import java.util.Arrays;

/**
 * softmax(q·Kᵀ)·V of every head and its gradients, in plain loops over float64 arrays. Arrays are
 * row-major.
 */
final class AttentionOracle {

  final double[] output; // [b,n,r] or [b,n,h·r]
  final double[] logs; // of sums of exponentials [b,h,n]
  final double[] deltas; // Σ P∘dP of each row [b,h,n]
  final double[] dQuery; // of the shape of q
  final double[] dKeys; // [b,h,k,p]
  final double[] dValues; // [b,h,k,r]

  /**
   * Computes all of them.
   *
   * @param a sizes
   * @param q [b,n,p] or [b,n,h·p]
   * @param keys [b,h,k,p]
   * @param values [b,h,k,r]
   * @param dOutput gradient of the output, of its shape
   */
  AttentionOracle(AttentionTiling a, double[] q, double[] keys, double[] values, double[] dOutput) {
    int b = (int) a.b();
    int h = a.h();
    int n = a.n();
    int k = a.k();
    int p = a.p();
    int r = a.r();
    output = new double[dOutput.length];
    logs = new double[b * h * n];
    deltas = new double[b * h * n];
    dQuery = new double[q.length];
    dKeys = new double[keys.length];
    dValues = new double[values.length];
    for (int pair = 0; pair < b * h; pair++) {
      int batch = pair / h;
      int head = pair % h;
      for (int row = 0; row < n; row++) {
        int at = batch * n + row;
        int x = a.oneQuery() ? at * p : (at * h + head) * p; // where the row of q begins
        int y = a.sumOutput() ? at * r : (at * h + head) * r;
        double[] scores = new double[k];
        for (int j = 0; j < k; j++) {
          for (int i = 0; i < p; i++) {
            scores[j] += q[x + i] * keys[(pair * k + j) * p + i];
          }
        }
        double most = Arrays.stream(scores).max().orElseThrow();
        double sum = Arrays.stream(scores).map(s -> Math.exp(s - most)).sum();
        logs[pair * n + row] = most + Math.log(sum);
        double[] mixture = Arrays.stream(scores).map(s -> Math.exp(s - most) / sum).toArray();
        double[] dMixture = new double[k];
        for (int j = 0; j < k; j++) {
          for (int i = 0; i < r; i++) {
            output[y + i] += mixture[j] * values[(pair * k + j) * r + i];
            dMixture[j] += dOutput[y + i] * values[(pair * k + j) * r + i];
            dValues[(pair * k + j) * r + i] += mixture[j] * dOutput[y + i];
          }
          deltas[pair * n + row] += mixture[j] * dMixture[j];
        }
        for (int j = 0; j < k; j++) {
          double dScore = mixture[j] * (dMixture[j] - deltas[pair * n + row]);
          for (int i = 0; i < p; i++) {
            dQuery[x + i] += dScore * keys[(pair * k + j) * p + i];
            dKeys[(pair * k + j) * p + i] += dScore * q[x + i];
          }
        }
      }
    }
  }
}
