package dev.linformer.ops;

import java.util.Arrays;
import java.util.Map;

/**
 * The encoder in plain loops over float64 arrays, after the formulas and without any operation of
 * the library. Arrays are row-major; weights carry the names of the state dictionary, one entry a
 * head.
 */
public final class Naive {

  private Naive() {}

  /** {@code size} ones: a dropout that keeps everything. */
  public static double[] ones(int size) {
    var ones = new double[size];
    Arrays.fill(ones, 1);
    return ones;
  }

  /** x·Wᵀ + bias. */
  public static double[] linear(double[] x, double[] weight, double[] bias) {
    int out = bias.length;
    int in = weight.length / out;
    int rows = x.length / in;
    var y = new double[rows * out];
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < out; o++) {
        double sum = bias[o];
        for (int i = 0; i < in; i++) {
          sum += x[r * in + i] * weight[o * in + i];
        }
        y[r * out + o] = sum;
      }
    }
    return y;
  }

  /** Layer normalisation of rows as long as {@code weight}, with ε = 1e-5. */
  public static double[] layerNorm(double[] x, double[] weight, double[] bias) {
    int c = weight.length;
    var y = new double[x.length];
    for (int r = 0; r < x.length; r += c) {
      double mean = 0;
      for (int i = 0; i < c; i++) {
        mean += x[r + i] / c;
      }
      double variance = 0;
      for (int i = 0; i < c; i++) {
        variance += (x[r + i] - mean) * (x[r + i] - mean) / c;
      }
      for (int i = 0; i < c; i++) {
        y[r + i] = (x[r + i] - mean) / Math.sqrt(variance + 1e-5) * weight[i] + bias[i];
      }
    }
    return y;
  }

  /**
   * The error function: 2/√π·e^(−x²)·Σ 2^i·x^(2i+1)/(2i+1)!!, Abramowitz and Stegun 7.1.6. All
   * terms have one sign, so nothing cancels; beyond 6 the function is 1 in float64.
   */
  public static double erf(double x) {
    double a = Math.abs(x);
    if (a > 6) {
      return Math.signum(x);
    }
    double term = a;
    double sum = a;
    for (int i = 1; term > sum * 1e-18; i++) {
      term *= 2 * a * a / (2 * i + 1);
      sum += term;
    }
    return Math.copySign(2 / Math.sqrt(Math.PI) * Math.exp(-a * a) * sum, x);
  }

  /** x·Φ(x). */
  public static double[] gelu(double[] x) {
    return Arrays.stream(x).map(v -> v * (1 + erf(v / Math.sqrt(2))) / 2).toArray();
  }

  /** The activation of each value. */
  public static double[] activate(Activation activation, double[] x) {
    return switch (activation) {
      case GELU -> gelu(x);
      case RELU -> relu(x);
      case SILU -> silu(x);
    };
  }

  /** x/(1 + e⁻ˣ). */
  public static double[] silu(double[] x) {
    return Arrays.stream(x).map(v -> v / (1 + Math.exp(-v))).toArray();
  }

  /** max(x, 0). */
  public static double[] relu(double[] x) {
    return Arrays.stream(x).map(v -> v > 0 ? v : 0).toArray();
  }

  /** Softmax of each row of {@code width} values. */
  public static double[] softmax(double[] x, int width) {
    var y = new double[x.length];
    for (int r = 0; r < x.length; r += width) {
      double max = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < width; i++) {
        max = Math.max(max, x[r + i]);
      }
      double sum = 0;
      for (int i = 0; i < width; i++) {
        sum += Math.exp(x[r + i] - max);
      }
      for (int i = 0; i < width; i++) {
        y[r + i] = Math.exp(x[r + i] - max) / sum;
      }
    }
    return y;
  }

  /** Elementwise product. */
  public static double[] multiply(double[] x, double[] y) {
    var z = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      z[i] = x[i] * y[i];
    }
    return z;
  }

  /** Elementwise sum. */
  public static double[] add(double[] x, double[] y) {
    var z = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      z[i] = x[i] + y[i];
    }
    return z;
  }

  /** {@code prefix.w_1}, the activation, {@code prefix.w_2}. */
  public static double[] feedForward(
      Map<String, double[]> weights,
      String prefix,
      double[] x,
      int c,
      int f,
      Activation activation) {
    return feedForward(
        weights, prefix, x, c, f, activation, ones(x.length / c * f), ones(x.length));
  }

  /**
   * A feed-forward layer with dropout.
   *
   * @param hidden factor of each value after the activation, 0 or 1/(1 − rate) [b,n,f]
   * @param last factor of each value of the output [b,n,c]
   */
  public static double[] feedForward(
      Map<String, double[]> weights,
      String prefix,
      double[] x,
      int c,
      int f,
      Activation activation,
      double[] hidden,
      double[] last) {
    double[] y =
        linear(
            x,
            weight(weights, prefix + ".w_1.weight", f * c),
            weight(weights, prefix + ".w_1.bias", f));
    y = multiply(activate(activation, y), hidden);
    y =
        linear(
            y,
            weight(weights, prefix + ".w_2.weight", c * f),
            weight(weights, prefix + ".w_2.bias", c));
    return multiply(y, last);
  }

  /**
   * softmax(Q·Kᵀ/√d)·V of one head.
   *
   * @param q [n,d]
   * @param k [rows,d]
   * @param v [rows,d]
   * @param keep factor of each value of the softmax [n,rows]
   */
  public static double[] attention(double[] q, double[] k, double[] v, int d, double[] keep) {
    int n = q.length / d;
    int rows = k.length / d;
    var scores = new double[n * rows];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < rows; j++) {
        double dot = 0;
        for (int m = 0; m < d; m++) {
          dot += q[i * d + m] * k[j * d + m];
        }
        scores[i * rows + j] = dot / Math.sqrt(d);
      }
    }
    double[] p = multiply(softmax(scores, rows), keep);
    var y = new double[n * d];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < rows; j++) {
        for (int m = 0; m < d; m++) {
          y[i * d + m] += p[i * rows + j] * v[j * d + m];
        }
      }
    }
    return y;
  }

  /**
   * E·x + bias of one sequence.
   *
   * @param e [k,n]
   * @param bias [k]
   * @param x [n,d]
   */
  public static double[] project(double[] e, double[] bias, double[] x) {
    int k = bias.length;
    int n = e.length / k;
    int d = x.length / n;
    var y = new double[k * d];
    for (int i = 0; i < k; i++) {
      for (int m = 0; m < d; m++) {
        double sum = bias[i];
        for (int j = 0; j < n; j++) {
          sum += e[i * n + j] * x[j * d + m];
        }
        y[i * d + m] = sum;
      }
    }
    return y;
  }

  /** Linformer attention with the weights {@code prefix.to_q.0.weight} and so on. */
  public static double[] multiHeadAttention(
      Map<String, double[]> weights,
      String prefix,
      double[] x,
      int b,
      int n,
      int c,
      int h,
      int d,
      int k) {
    return multiHeadAttention(
        weights, prefix, x, b, n, c, h, d, k, ones(b * h * n * k), ones(b * n * c));
  }

  /**
   * Linformer attention with dropout.
   *
   * @param keep factor of each value of the softmax, 0 or 1/(1 − rate) [b,h,n,k]
   * @param last factor of each value of the output [b,n,c]
   */
  public static double[] multiHeadAttention(
      Map<String, double[]> weights,
      String prefix,
      double[] x,
      int b,
      int n,
      int c,
      int h,
      int d,
      int k,
      double[] keep,
      double[] last) {
    var concatenated = new double[b * n * h * d];
    for (int s = 0; s < b; s++) {
      double[] sequence = Arrays.copyOfRange(x, s * n * c, (s + 1) * n * c);
      for (int i = 0; i < h; i++) {
        String head = prefix + ".heads." + i;
        double[] q =
            linear(
                sequence, weight(weights, prefix + ".to_q." + i + ".weight", d * c), new double[d]);
        double[] keys =
            linear(
                sequence, weight(weights, prefix + ".to_k." + i + ".weight", d * c), new double[d]);
        double[] values =
            linear(
                sequence, weight(weights, prefix + ".to_v." + i + ".weight", d * c), new double[d]);
        keys = project(weights, head + ".E", keys, k, n);
        values = project(weights, head + ".F", values, k, n);
        int start = (s * h + i) * n * k;
        double[] y = attention(q, keys, values, d, Arrays.copyOfRange(keep, start, start + n * k));
        for (int t = 0; t < n; t++) {
          System.arraycopy(y, t * d, concatenated, ((s * n + t) * h + i) * d, d);
        }
      }
    }
    return multiply(
        linear(
            concatenated,
            weight(weights, prefix + ".w_o.weight", c * h * d),
            weight(weights, prefix + ".w_o.bias", c)),
        last);
  }

  /**
   * The whole post-norm encoder without dropout: x = LN(x + attention(x)), x = LN(x +
   * feedForward(x)) in every layer; {@code seq.0}, {@code seq.2} … are attention, {@code seq.1},
   * {@code seq.3} … feed-forward.
   *
   * @return [b,n,c]
   */
  public static double[] encoder(
      Map<String, double[]> weights,
      double[] x,
      int b,
      int n,
      int c,
      int h,
      int d,
      int k,
      int f,
      int depth,
      Activation activation) {
    double[] y = x;
    for (int layer = 0; layer < depth; layer++) {
      String attention = "seq." + 2 * layer;
      y = add(y, multiHeadAttention(weights, attention + ".fn", y, b, n, c, h, d, k));
      y = norm(weights, attention, y, c);
      String feedForward = "seq." + (2 * layer + 1);
      y = add(y, feedForward(weights, feedForward + ".fn", y, c, f, activation));
      y = norm(weights, feedForward, y, c);
    }
    return y;
  }

  private static double[] norm(Map<String, double[]> weights, String prefix, double[] x, int c) {
    return layerNorm(
        x, weight(weights, prefix + ".norm.weight", c), weight(weights, prefix + ".norm.bias", c));
  }

  private static double[] project(
      Map<String, double[]> weights, String name, double[] x, int k, int n) {
    return project(weight(weights, name + ".weight", k * n), weight(weights, name + ".bias", k), x);
  }

  private static double[] weight(Map<String, double[]> weights, String name, int size) {
    double[] values = weights.get(name);
    if (values == null || values.length != size) {
      throw new IllegalArgumentException(
          "%s: %s values expected, found %s"
              .formatted(name, size, values == null ? "none" : values.length));
    }
    return values;
  }
}
