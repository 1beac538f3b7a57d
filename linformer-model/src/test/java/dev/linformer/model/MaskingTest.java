package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.Weights;
import dev.linformer.ops.gradient.Memory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;

/** What stands at padded positions has no part in what comes out at real ones, at depth 4. */
class MaskingTest {

  private static final int B = 2;
  private static final int N = 15; // three windows of five positions
  private static final int S = 13;
  private static final int C = 7;
  private static final int K = 3;
  private static final int DEPTH = 4;
  private static final int VOCABULARY = 11;

  /** Padding at the end, and at the beginning and in between. */
  private static final List<String> TARGET = List.of("111111111110000", "011011101111110");

  private static final List<String> SOURCE = List.of("0110111111111", "1111111000000");

  private enum Kind {
    ENCODER,
    LANGUAGE_MODEL,
    DECODER,
    ENCODER_DECODER
  }

  /** Every method with every sharing, both causal methods, and attention without a projection. */
  static List<LinformerConfigBuilder> builders() {
    List<LinformerConfigBuilder> builders = new ArrayList<>();
    for (ParameterSharing sharing : ParameterSharing.values()) {
      for (ProjectionMethod method : ProjectionMethod.values()) {
        builders.add(base(sharing, method));
        if (!method.windows()) {
          builders.add(base(sharing, method).causal(true));
        }
      }
    }
    for (boolean causal : new boolean[] {false, true}) {
      builders.add(
          base(ParameterSharing.LAYERWISE, ProjectionMethod.LEARNABLE)
              .fullAttention(true)
              .causal(causal));
    }
    builders.add(
        base(ParameterSharing.NONE, ProjectionMethod.CONVOLUTION)
            .oneKeyValueHead(true)
            .preNorm(true)
            .gatedFeedForward(true));
    builders.add(base(ParameterSharing.KV, ProjectionMethod.LEARNABLE).leakingTriangle(true));
    return builders;
  }

  private static LinformerConfigBuilder base(ParameterSharing sharing, ProjectionMethod method) {
    return LinformerConfig.builder(N, C, K)
        .headDim(2)
        .heads(3)
        .feedForwardDim(5)
        .depth(DEPTH)
        .dropout(0)
        .feedForwardDropout(0)
        .parameterSharing(sharing)
        .projectionMethod(method);
  }

  private static Operand<TBool> mask(Ops tf, List<String> rows) {
    int length = rows.get(0).length();
    var values = new boolean[B * length];
    for (int i = 0; i < values.length; i++) {
      values[i] = real(rows, i);
    }
    return tf.reshape(tf.constant(values), tf.constant(new int[] {B, length}));
  }

  private static boolean real(List<String> rows, int position) {
    int length = rows.get(0).length();
    return rows.get(position / length).charAt(position % length) == '1';
  }

  /** An input and which of its positions are real. */
  private record Input(Operand<?> operand, List<String> rows) {}

  /** A model in a probe. */
  private record Built(List<Input> inputs, Operand<TFloat32> output) {

    static Built of(Probe probe, Kind kind, LinformerConfig config) {
      Ops tf = probe.tf();
      Operand<TBool> mask = mask(tf, TARGET);
      Operand<TBool> sourceMask = mask(tf, SOURCE);
      switch (kind) {
        case ENCODER -> {
          var x = probe.vectors(1, B, N, C);
          var y =
              Linformer.declare(probe.weights(), config).call(tf, x, Context.withMask(mask), null);
          return new Built(List.of(new Input(x, TARGET)), y);
        }
        case LANGUAGE_MODEL -> {
          var tokens = probe.tokens(1, VOCABULARY, B, N);
          var y =
              LinformerLM.declare(probe.weights(), language(config, Positions.LEARNED, false))
                  .call(tf, tokens, Context.withMask(mask), null);
          return new Built(List.of(new Input(tokens, TARGET)), y);
        }
        case DECODER -> {
          var x = probe.vectors(1, B, N, C);
          var source = probe.vectors(2, B, S, C);
          var y =
              Linformer.declare(probe.weights(), config)
                  .call(tf, x, new Context<>(mask, source, sourceMask), null);
          return new Built(List.of(new Input(x, TARGET), new Input(source, SOURCE)), y);
        }
        case ENCODER_DECODER -> {
          LinformerConfig encoder =
              base(config.parameterSharing(), config.projectionMethod())
                  .fullAttention(config.fullAttention())
                  .build();
          var both =
              new LinformerEncDecConfig(
                  language(encoder, Positions.LEARNED, true),
                  language(config, Positions.LEARNED, false));
          var source = probe.tokens(2, VOCABULARY, B, S);
          var target = probe.tokens(1, VOCABULARY, B, N);
          var y =
              LinformerEncDec.declare(probe.weights(), both)
                  .call(tf, source, target, sourceMask, mask, null);
          return new Built(List.of(new Input(target, TARGET), new Input(source, SOURCE)), y);
        }
      }
      throw new AssertionError(kind);
    }
  }

  private static LinformerLMConfig language(
      LinformerConfig config, Positions positions, boolean embeddings) {
    return LinformerLMConfig.builder(config, VOCABULARY)
        .embeddingDim(C)
        .tokenDropout(0)
        .positions(positions)
        .returnEmbeddings(embeddings)
        .build();
  }

  private static LinformerConfig decoding(LinformerConfigBuilder builder, Kind kind) {
    boolean decodes = kind == Kind.DECODER || kind == Kind.ENCODER_DECODER;
    LinformerConfig config = builder.decoderMode(decodes).build();
    if (kind == Kind.ENCODER_DECODER && !config.causal()) {
      return builder.leakingTriangle(true).build();
    }
    return config;
  }

  @ParameterizedTest
  @EnumSource
  void contentOfPaddingChangesNothing(Kind kind) {
    for (LinformerConfigBuilder builder : builders()) {
      LinformerConfig config = decoding(builder, kind);
      try (Probe probe = new Probe(1)) {
        Built built = Built.of(probe, kind, config);
        int[] before = probe.bits(built.output);
        for (double content : new double[] {3, Double.NaN, Double.NEGATIVE_INFINITY, 1e30}) {
          for (Input input : built.inputs) {
            for (int i = 0; i < B * input.rows.get(0).length(); i++) {
              if (!real(input.rows, i)) {
                probe.set(input.operand, i, VOCABULARY, content);
              }
            }
          }
          assertRealOnesAreEqual(before, probe.bits(built.output), content + ", " + config);
        }
        // What the test would not see otherwise: the inputs do have a part in the output.
        for (Input input : built.inputs) {
          int[] now = probe.bits(built.output);
          probe.set(input.operand, input.rows.get(0).indexOf('1'), VOCABULARY, 3);
          assertFalse(Arrays.equals(now, probe.bits(built.output)), config::toString);
        }
      }
    }
  }

  private static void assertRealOnesAreEqual(int[] before, int[] after, String what) {
    int width = before.length / (B * N);
    for (int i = 0; i < B * N; i++) {
      if (real(TARGET, i)) {
        int from = i * width;
        assertTrue(
            Arrays.equals(before, from, from + width, after, from, from + width),
            "position " + i + ": " + what);
      }
    }
  }

  static Stream<LinformerConfig> encodersAndDecoders() {
    return builders().stream()
        .flatMap(
            builder ->
                Stream.of(builder.decoderMode(false).build(), builder.decoderMode(true).build()));
  }

  /** With a cotangent of zero there, as a loss has that knows of the mask. */
  @ParameterizedTest
  @MethodSource("encodersAndDecoders")
  void noGradientReachesPadding(LinformerConfig config) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Shape shape = Shape.of(B, N, C);
      Shape sourceShape = Shape.of(B, S, C);
      Operand<TFloat64> x = Graphs.constant(tf, shape, Graphs.normal(1, shape.size()));
      Operand<TFloat64> source =
          Graphs.constant(tf, sourceShape, Graphs.normal(2, sourceShape.size()));
      double[] cotangent = Graphs.normal(3, shape.size());
      for (int i = 0; i < B * N; i++) {
        if (!real(TARGET, i)) {
          Arrays.fill(cotangent, i * C, (i + 1) * C, 0);
        }
      }
      Context<TFloat64> context =
          config.decoderMode()
              ? new Context<>(mask(tf, TARGET), source, mask(tf, SOURCE))
              : Context.withMask(mask(tf, TARGET));
      Operand<TFloat64> y =
          Linformer.declare(new Weights().constants(tf, TFloat64.class), config)
              .call(tf, x, context, null);
      var sum =
          tf.sum(
              tf.math.mul(y, Graphs.constant(tf, shape, cotangent)),
              tf.constant(new int[] {0, 1, 2}));
      List<Operand<TFloat64>> inputs = config.decoderMode() ? List.of(x, source) : List.of(x);
      var gradients = tf.gradients(sum, inputs);
      List<Operand<TFloat64>> fetches = new ArrayList<>();
      for (int i = 0; i < inputs.size(); i++) {
        fetches.add(gradients.dy(i));
      }
      List<double[]> found = Values.evaluate(graph, fetches);
      for (int i = 0; i < found.size(); i++) {
        assertZeroAtPadding(i == 0 ? TARGET : SOURCE, found.get(i));
      }
    }
  }

  private static void assertZeroAtPadding(List<String> rows, double[] gradient) {
    boolean some = false;
    for (int i = 0; i < gradient.length; i++) {
      if (real(rows, i / C)) {
        some |= gradient[i] != 0;
      } else {
        assertEquals(0, Math.abs(gradient[i]), "position " + i / C);
      }
    }
    assertTrue(some);
  }

  /** Every method, causal or not, of decoders, which have every kind of attention. */
  static Stream<Arguments> levels() {
    List<LinformerConfigBuilder> builders = new ArrayList<>();
    for (ProjectionMethod method : ProjectionMethod.values()) {
      builders.add(base(ParameterSharing.NONE, method));
    }
    builders.add(base(ParameterSharing.KV, ProjectionMethod.LEARNABLE).causal(true));
    builders.add(
        base(ParameterSharing.KV, ProjectionMethod.LEARNABLE).fullAttention(true).causal(true));
    builders.add(
        base(ParameterSharing.KV, ProjectionMethod.LEARNABLE)
            .fullAttention(true)
            .precision(ComputePrecision.BF16));
    return builders.stream()
        .flatMap(
            builder ->
                Stream.of(CheckpointLevel.values())
                    .map(
                        level ->
                            Arguments.of(
                                builder
                                    .depth(1)
                                    .decoderMode(true)
                                    .chunk(8)
                                    .headsPerGroup(2)
                                    .checkpointLevel(level)
                                    .build())));
  }

  /** Padded positions are computed as well, and 0·NaN, the gradient of a weight, would be NaN. */
  @ParameterizedTest
  @MethodSource("levels")
  void noGradientOfAWeightSeesPadding(LinformerConfig config) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(B, N, C)));
      var source = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(B, S, C)));
      List<Operand<TFloat32>> weights = new ArrayList<>();
      var constants = new Weights().constants(tf, TFloat32.class);
      ParameterFactory<TFloat32> factory =
          parameter -> {
            weights.add(tf.identity(constants.create(parameter)));
            return weights.get(weights.size() - 1);
          };
      Linformer<TFloat32> model = Linformer.declare(factory, config);
      Operand<TFloat32> y =
          model.call(tf, x, new Context<>(mask(tf, TARGET), source, mask(tf, SOURCE)), null);
      Operand<TFloat32> scored =
          tf.math.mul(
              y, Graphs.constant(tf, TFloat32.class, Shape.of(B, N, C), content(TARGET, 3, 0)));
      List<Operand<?>> fetched = new ArrayList<>();
      tf.gradients(tf.sum(scored, tf.constant(new int[] {0, 1, 2})), weights)
          .dy()
          .forEach(fetched::add);
      try (Session session = new Session(graph, Memory.exact())) {
        List<double[]> expected = gradients(session, x, source, fetched, 0);
        for (double content : new double[] {3, 1e30, -3e38, Double.NEGATIVE_INFINITY, Double.NaN}) {
          List<double[]> found = gradients(session, x, source, fetched, content);
          for (int i = 0; i < found.size(); i++) {
            Values.assertClose(
                "%s, gradient %s".formatted(content, i), expected.get(i), found.get(i), 1e-6);
          }
        }
      }
    }
  }

  /** Normal values with the same number at all padded positions. */
  private static double[] content(List<String> rows, long seed, double padded) {
    double[] values = Graphs.normal(seed, (long) B * rows.get(0).length() * C);
    for (int i = 0; i < values.length; i++) {
      values[i] = real(rows, i / C) ? values[i] : padded;
    }
    return values;
  }

  private static List<double[]> gradients(
      Session session,
      Operand<TFloat32> x,
      Operand<TFloat32> source,
      List<Operand<?>> fetched,
      double padded) {
    var runner = session.runner();
    fetched.forEach(runner::fetch);
    List<double[]> values = new ArrayList<>();
    try (TFloat32 input = tensor(x.shape(), content(TARGET, 1, padded));
        TFloat32 sourceInput = tensor(source.shape(), content(SOURCE, 2, padded));
        Result result = runner.feed(x, input).feed(source, sourceInput).run()) {
      result.forEach(each -> values.add(Values.of(each.getValue())));
    }
    return values;
  }

  private static TFloat32 tensor(Shape shape, double[] values) {
    TFloat32 tensor = TFloat32.tensorOf(shape);
    for (int i = 0; i < values.length; i++) {
      tensor.asRawTensor().data().asFloats().setFloat((float) values[i], i);
    }
    return tensor;
  }
}
