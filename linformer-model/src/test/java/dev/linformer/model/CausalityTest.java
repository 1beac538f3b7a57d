package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.Weights;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.runtime.Sessions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;

/**
 * Perturb position t, and nothing before t moves, to the last bit. 37 positions are two whole
 * chunks and a part of one.
 */
class CausalityTest {

  private static final int B = 2;
  private static final int N = 37;
  private static final int C = 7;
  private static final int D = 3;
  private static final int H = 2;
  private static final int K = 5;
  private static final int F = 11;
  private static final int DEPTH = 3;
  private static final int VOCABULARY = 13;

  private enum Kind {
    LANGUAGE_MODEL,
    DECODER,
    ENCODER_DECODER
  }

  private record Case(Kind kind, LinformerConfig config, int threads) {

    /** The input that is perturbed and the output. */
    private record Model(Operand<?> input, Operand<TFloat32> output) {}

    Model build(Probe probe) {
      Ops tf = probe.tf();
      return switch (kind) {
        case LANGUAGE_MODEL -> {
          var model = LinformerLM.declare(probe.weights(), language(config, false));
          var tokens = probe.tokens(1, VOCABULARY, B, N);
          yield new Model(tokens, model.call(tf, tokens, Context.none(), null));
        }
        case DECODER -> {
          var model = Linformer.declare(probe.weights(), config);
          var x = probe.vectors(1, B, N, C);
          var source = probe.vectors(2, B, N - 6, C);
          yield new Model(x, model.call(tf, x, Context.withSource(source), null));
        }
        case ENCODER_DECODER -> {
          LinformerConfig encoder =
              base(config.parameterSharing(), config.projectionMethod())
                  .fullAttention(config.fullAttention())
                  .build();
          var model =
              LinformerEncDec.declare(
                  probe.weights(),
                  new LinformerEncDecConfig(
                      LinformerLMConfig.builder(encoder, VOCABULARY)
                          .embeddingDim(C)
                          .tokenDropout(0)
                          .positions(Positions.NONE)
                          .returnEmbeddings(true)
                          .build(),
                      language(config, false)));
          var source = probe.tokens(2, VOCABULARY, B, N - 6);
          var target = probe.tokens(1, VOCABULARY, B, N);
          yield new Model(target, model.call(tf, source, target, null, null, null));
        }
      };
    }

    private static LinformerLMConfig language(LinformerConfig config, boolean embeddings) {
      return LinformerLMConfig.builder(config, VOCABULARY)
          .embeddingDim(10)
          .tokenDropout(0)
          .returnEmbeddings(embeddings)
          .build();
    }

    @Override
    public String toString() {
      return "%s %s %s%s, threads %s"
          .formatted(
              kind,
              config.projectionMethod(),
              config.parameterSharing(),
              config.fullAttention() ? " full attention" : "",
              threads);
    }
  }

  private static LinformerConfigBuilder base(ParameterSharing sharing, ProjectionMethod method) {
    return LinformerConfig.builder(N, C, K)
        .headDim(D)
        .heads(H)
        .feedForwardDim(F)
        .depth(DEPTH)
        .dropout(0)
        .feedForwardDropout(0)
        .parameterSharing(sharing)
        .projectionMethod(method);
  }

  /** All kinds of model with the given visibility. */
  private static Stream<Case> cases(
      ProjectionMethod[] methods, boolean full, Consumer<LinformerConfigBuilder> visibility) {
    List<LinformerConfigBuilder> builders = new ArrayList<>();
    for (ProjectionMethod method : methods) {
      for (ParameterSharing sharing : ParameterSharing.values()) {
        builders.add(base(sharing, method));
      }
    }
    if (full) {
      builders.add(
          base(ParameterSharing.LAYERWISE, ProjectionMethod.LEARNABLE).fullAttention(true));
    }
    List<Case> cases = new ArrayList<>();
    for (LinformerConfigBuilder builder : builders) {
      visibility.accept(builder);
      for (Kind kind : Kind.values()) {
        LinformerConfig config = builder.decoderMode(kind != Kind.LANGUAGE_MODEL).build();
        cases.add(new Case(kind, config, 1));
        cases.add(new Case(kind, config, Sessions.ALL_THREADS));
      }
    }
    return cases.stream();
  }

  static Stream<Case> causal() {
    ProjectionMethod[] methods =
        Stream.of(ProjectionMethod.values())
            .filter(ProjectionMethod::allowsCausal)
            .toArray(ProjectionMethod[]::new);
    return cases(methods, true, builder -> builder.causal(true));
  }

  static Stream<Case> leaking() {
    return cases(
        new ProjectionMethod[] {ProjectionMethod.LEARNABLE},
        false,
        builder -> builder.leakingTriangle(true));
  }

  @ParameterizedTest
  @MethodSource("causal")
  void nothingBeforeAPerturbedPositionMoves(Case each) {
    assertEquals(List.of(), leaks(each));
  }

  /** linformer-pytorch's mask, which that package calls causal. */
  @ParameterizedTest
  @MethodSource("leaking")
  void theTriangleLeaks(Case each) {
    assertFalse(leaks(each).isEmpty());
  }

  /** Where an earlier position, or the other sequence, changed; that t itself does is checked. */
  private static List<String> leaks(Case each) {
    List<String> leaks = new ArrayList<>();
    try (Probe probe = new Probe(each.threads)) {
      Case.Model model = each.build(probe);
      int[] before = probe.bits(model.output);
      int width = before.length / (B * N);
      for (int t = 0; t < N; t++) {
        // What stands there stays: the next t is compared with the output after this one.
        probe.set(model.input, t, VOCABULARY, 3);
        int[] after = probe.bits(model.output);
        for (int position = 0; position < B * N; position++) {
          boolean may = position >= t && position < N;
          if (!may && !equal(before, after, position, width)) {
            leaks.add("position %s moved with %s".formatted(position, t));
          }
        }
        assertFalse(equal(before, after, t, width), "position " + t + " stays");
        before = after;
      }
    }
    return leaks;
  }

  private static boolean equal(int[] before, int[] after, int position, int width) {
    int from = position * width;
    return Arrays.equals(before, from, from + width, after, from, from + width);
  }

  static Stream<LinformerConfigBuilder> layers() {
    List<LinformerConfigBuilder> builders = new ArrayList<>();
    for (ParameterSharing sharing : ParameterSharing.values()) {
      for (ProjectionMethod method : ProjectionMethod.values()) {
        if (method.allowsCausal()) {
          builders.add(base(sharing, method).preNorm(!method.isTrained()));
        }
      }
      builders.add(base(sharing, ProjectionMethod.LEARNABLE).oneKeyValueHead(true));
    }
    builders.add(base(ParameterSharing.KV, ProjectionMethod.LEARNABLE).fullAttention(true));
    return builders.stream();
  }

  /** Row t of a causal layer is the last row of the plain one on the sequence up to t. */
  @ParameterizedTest
  @MethodSource("layers")
  void aRowIsThePlainLayerOnItsPrefix(LinformerConfigBuilder builder) {
    Weights weights = new Weights();
    LinformerConfig plain = builder.depth(1).build();
    LinformerConfig causal = builder.causal(true).build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Shape shape = Shape.of(B, N, C);
      Operand<TFloat64> x = Graphs.constant(tf, shape, Graphs.normal(7, shape.size()));
      var constants = weights.constants(tf, TFloat64.class);
      var model = Linformer.declare(constants, plain);
      Operand<TFloat64> rows =
          tf.concat(
              IntStream.range(0, N)
                  .<Operand<TFloat64>>mapToObj(
                      t -> {
                        Operand<TFloat64> prefix = Shapes.slice(tf, x, 1, 0, t + 1);
                        return Shapes.slice(tf, model.call(tf, prefix, null), 1, t, 1);
                      })
                  .toList(),
              tf.constant(1)); // [b,n,c]
      Operand<TFloat64> found = Linformer.declare(constants, causal).call(tf, x, null);
      List<double[]> values = Values.evaluate(graph, List.of(rows, found));
      Graphs.assertClose(values.get(0), values.get(1), 1e-12);
    }
  }
}
