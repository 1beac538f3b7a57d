package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Activation;
import dev.linformer.ops.GradientCheck;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.Naive;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;

class LinformerClassifierTest {

  private static final int B = 2;
  private static final int N = 11;
  private static final int C = 7;
  private static final int D = 5;
  private static final int H = 3;
  private static final int K = 5;
  private static final int F = 13;
  private static final int VOCABULARY = 17;
  private static final int CLASSES = 19;
  private static final String ENCODER = "linformer.";
  private static final int[] TOKENS = new Random(5).ints(B * N, 0, VOCABULARY).toArray();

  private static LinformerClassifierConfig config(Pooling pooling) {
    LinformerConfig encoder =
        LinformerConfig.builder(N, C, K).headDim(D).heads(H).feedForwardDim(F).depth(2).build();
    return LinformerClassifierConfig.builder(encoder, VOCABULARY, CLASSES)
        .pooling(pooling)
        .tokenDropout(0.3)
        .build();
  }

  private static Operand<TInt32> tokens(Ops tf, int length) {
    return tf.constant(Shape.of(B, length), DataBuffers.of(new int[B * length]));
  }

  private static Operand<TFloat64> logits(
      Ops tf, ParameterFactory<TFloat64> parameters, Pooling pooling) {
    Operand<TInt32> tokens = tf.constant(Shape.of(B, N), DataBuffers.of(TOKENS));
    return config(pooling).declare(parameters).call(tf, tokens, null);
  }

  @ParameterizedTest
  @EnumSource(Pooling.class)
  void isTheNaiveOne(Pooling pooling) {
    Weights weights = new Weights();
    double[] found =
        Graphs.evaluate(tf -> logits(tf, weights.constants(tf, TFloat64.class), pooling));
    Graphs.assertClose(naive(weights.stateDictionary(), pooling), found, 1e-12);
  }

  private static double[] naive(Map<String, double[]> weights, Pooling pooling) {
    double[] token = Objects.requireNonNull(weights.get("to_token_emb.weight"));
    double[] position = Objects.requireNonNull(weights.get("pos_emb.weight"));
    var x = new double[B * N * C];
    for (int s = 0; s < B; s++) {
      for (int t = 0; t < N; t++) {
        for (int i = 0; i < C; i++) {
          x[(s * N + t) * C + i] = token[TOKENS[s * N + t] * C + i] + position[t * C + i];
        }
      }
    }
    Map<String, double[]> encoder = new HashMap<>();
    weights.forEach(
        (name, values) -> {
          if (name.startsWith(ENCODER)) {
            encoder.put(name.substring(ENCODER.length()), values);
          }
        });
    double[] y = Naive.encoder(encoder, x, B, N, C, H, D, K, F, 2, Activation.GELU);
    var pooled = new double[B * C];
    int positions = pooling == Pooling.MEAN ? N : 1;
    for (int s = 0; s < B; s++) {
      for (int t = 0; t < positions; t++) {
        for (int i = 0; i < C; i++) {
          pooled[s * C + i] += y[(s * N + t) * C + i] / positions;
        }
      }
    }
    return Naive.linear(
        pooled,
        Objects.requireNonNull(weights.get("to_logits.weight")),
        Objects.requireNonNull(weights.get("to_logits.bias")));
  }

  @ParameterizedTest
  @EnumSource(Pooling.class)
  void gradientsOfEveryWeight(Pooling pooling) {
    Weights weights = new Weights();
    Graphs.evaluate(tf -> logits(tf, weights.constants(tf, TFloat64.class), pooling));
    GradientCheck.check(weights.inputs(), (tf, in) -> logits(tf, weights.operands(in), pooling));
  }

  /** With padding in front it is not that of position 0, and of no real position it is zero. */
  @Test
  void theFirstPositionIsTheFirstRealOne() {
    double[] expected = maskedFirst("00111111111", 0);
    assertArrayEquals(expected, maskedFirst("00111111111", 3));
    assertFalse(Arrays.equals(expected, maskedFirst("01111111111", 0)));
    double[] unmasked =
        Graphs.evaluate(
            tf -> logits(tf, new Weights().constants(tf, TFloat64.class), Pooling.FIRST));
    Graphs.assertClose(unmasked, maskedFirst("11111111111", 0), 1e-14);
    double[] none = maskedFirst("00000000000", 0);
    Weights weights = new Weights();
    Graphs.evaluate(tf -> logits(tf, weights.constants(tf, TFloat64.class), Pooling.FIRST));
    double[] bias = Objects.requireNonNull(weights.stateDictionary().get("to_logits.bias"));
    for (int i = 0; i < none.length; i++) {
      assertEquals(bias[i % bias.length], none[i]);
    }
  }

  /**
   * Logits of the same mask for all sequences.
   *
   * @param shift of the token at position 0
   */
  private static double[] maskedFirst(String mask, int shift) {
    int[] tokens = TOKENS.clone();
    var real = new boolean[B * N];
    for (int i = 0; i < real.length; i++) {
      real[i] = mask.charAt(i % N) == '1';
      tokens[i] = (tokens[i] + (i % N == 0 ? shift : 0)) % VOCABULARY;
    }
    return Graphs.evaluate(
        tf -> {
          var shape = tf.constant(new int[] {B, N});
          return config(Pooling.FIRST)
              .declare(new Weights().constants(tf, TFloat64.class))
              .call(
                  tf,
                  tf.reshape(tf.constant(tokens), shape),
                  tf.reshape(tf.constant(real), shape),
                  null);
        });
  }

  /** In bfloat16 a sum of 4,096 positions, made in that type, would stop at 256. */
  @Test
  void meansOfManyPositionsAreWide() {
    int n = 4_096;
    LinformerConfig encoder =
        LinformerConfig.builder(n, 2, 1).heads(1).dropout(0).feedForwardDropout(0).build();
    LinformerClassifierConfig config =
        LinformerClassifierConfig.builder(encoder, 2, 3).tokenDropout(0).build();
    for (boolean masked : new boolean[] {false, true}) {
      List<double[]> found = new ArrayList<>();
      for (var type : List.of(TFloat32.class, TBfloat16.class)) {
        found.add(Graphs.evaluate(tf -> ofOneToken(tf, config, type, masked, n)));
      }
      Graphs.assertClose(found.get(0), found.get(1), 0.05);
    }
  }

  private static <T extends TFloating> Operand<T> ofOneToken(
      Ops tf, LinformerClassifierConfig config, Class<T> type, boolean masked, int n) {
    var model = LinformerClassifier.declare(new Weights().constants(tf, type), config);
    var real = tf.fill(tf.constant(new int[] {1, n}), tf.constant(true));
    return model.call(
        tf, tf.zeros(tf.constant(new int[] {1, n}), TInt32.class), masked ? real : null, null);
  }

  @Test
  void theEmbeddingHasItsOwnDropout() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      RandomKey key = new RandomKey(tf.constant(new long[] {1, 2}));
      config(Pooling.MEAN)
          .declare(new Weights().constants(tf, TFloat64.class))
          .call(tf, tokens(tf, N), key);
      LinformerTest.assertDifferentDraws(graph, 1 + (3 + 3) * 2);
    }
  }

  @Test
  void anotherLengthIsRefused() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var model = config(Pooling.MEAN).declare(Variables.toBeLoaded(tf, TFloat64.class));
      var longer = tokens(tf, N + 1);
      var e = assertThrows(IllegalArgumentException.class, () -> model.call(tf, longer, null));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains("axis 1 must be at most 11 (input_size), found 12"), message);
    }
  }

  @Test
  void saysWhatItTakes() {
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat64.class);
      var model = config(Pooling.MEAN).declare(variables);
      assertEquals("tokens", model.inputs().get(0).name());
      assertEquals("logits", model.outputName());
      assertEquals(TInt32.class, model.inputs().get(0).type());
      assertArrayEquals(new long[] {-1, N}, model.inputs().get(0).shape().asArray());
    }
  }
}
