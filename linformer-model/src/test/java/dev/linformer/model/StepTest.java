package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.Weights;
import dev.linformer.ops.attention.IncrementalDecoding.State;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.projection.CompressedKeyValues;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/** Token by token in double precision, with a source that is compressed once, and without. */
class StepTest {

  private static final int B = 3;
  private static final int N = 11;
  private static final int S = 7;
  private static final int C = 14;
  private static final int VOCABULARY = 13;

  private static LinformerConfigBuilder stack() {
    return LinformerConfig.builder(N, C, 5).headDim(7).heads(2).feedForwardDim(19).depth(2);
  }

  static Stream<LinformerConfigBuilder> decoders() {
    List<LinformerConfigBuilder> all = new ArrayList<>();
    for (ParameterSharing sharing : ParameterSharing.values()) {
      all.add(stack().parameterSharing(sharing));
    }
    for (ProjectionMethod method : ProjectionMethod.values()) {
      if (method.allowsCausal()) {
        all.add(stack().projectionMethod(method).preNorm(true));
      }
    }
    all.add(stack().parameterSharing(ParameterSharing.NONE).oneKeyValueHead(true));
    all.add(stack().oneKeyValueHead(true).outputIntermediateDim(23));
    all.add(stack().parameterSharing(ParameterSharing.HEADWISE).projectedLengthStep(2));
    all.add(stack().includeFeedForward(false));
    return all.stream();
  }

  private static LinformerLMConfig language(LinformerConfig config, boolean embeddings) {
    return LinformerLMConfig.builder(config, VOCABULARY)
        .embeddingDim(C)
        .tokenDropout(0)
        .returnEmbeddings(embeddings)
        .build();
  }

  private static Operand<TInt32> tokens(Ops tf, int length) {
    int[] values = new SplittableRandom(length).ints((long) B * length, 0, VOCABULARY).toArray();
    return tf.reshape(tf.constant(values), tf.constant(new int[] {B, length})); // [b,length]
  }

  /** The source is shorter than the decoder's length, and a mask hides some of it. */
  @ParameterizedTest
  @MethodSource("decoders")
  void anEncoderAndDecoder(LinformerConfigBuilder builder) {
    var source =
        LinformerConfig.builder(S, C, 3).headDim(5).heads(2).feedForwardDim(7).depth(1).build();
    var config =
        new LinformerEncDecConfig(
            language(source, true),
            language(builder.decoderMode(true).causal(true).build(), false));
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var model = LinformerEncDec.declare(new Weights().constants(tf, TFloat64.class), config);
      boolean[] real = new boolean[B * S];
      for (int i = 0; i < real.length; i++) {
        real[i] = i % S < 2 + 2 * (i / S); // of the last one all but one
      }
      Operand<TBool> mask = tf.reshape(tf.constant(real), tf.constant(new int[] {B, S})); // [b,s]
      Map<String, Operand<?>> inputs =
          Map.of("tokens", tokens(tf, N), "source", tokens(tf, S), "source_mask", mask);
      List<CompressedKeyValues<TFloat64>> sources = model.compress(tf, inputs);
      for (int layer = 0; layer < sources.size(); layer++) {
        Shape one = model.decoder().sourceShapes().get(layer);
        assertEquals(one.tail().prepend(B), sources.get(layer).keys().shape());
        assertEquals(one.tail().prepend(B), sources.get(layer).values().shape());
      }
      compare(graph, tf, model.decoder(), model.call(tf, inputs, null), sources);
    }
  }

  @ParameterizedTest
  @MethodSource("decoders")
  void aLanguageModel(LinformerConfigBuilder builder) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var model =
          LinformerLM.declare(
              new Weights().constants(tf, TFloat64.class),
              "",
              language(builder.causal(true).build(), false));
      assertEquals(List.of(), model.sourceShapes());
      compare(graph, tf, model, model.call(tf, tokens(tf, N), null), List.of());
    }
  }

  private static void compare(
      Graph graph,
      Ops tf,
      LinformerLM<TFloat64> model,
      Operand<TFloat64> whole,
      List<CompressedKeyValues<TFloat64>> sources) {
    Operand<TInt32> tokens = tokens(tf, N);
    List<State<TFloat64>> states = new ArrayList<>();
    for (Shape shape : model.stateShapes()) {
      Shape all = shape.tail().prepend(B); // [b,h,k,d]
      Operand<TFloat64> zeros = Graphs.constant(tf, all, new double[Math.toIntExact(all.size())]);
      states.add(new State<>(zeros, zeros));
    }
    List<Operand<TFloat64>> rows = new ArrayList<>();
    for (int t = 0; t < N; t++) {
      Operand<TInt64> position = tf.constant((long) t);
      rows.add(model.step(tf, Shapes.slice(tf, tokens, 1, t, 1), position, states, sources));
    }
    List<double[]> values =
        Values.evaluate(graph, List.of(whole, tf.concat(rows, tf.constant(1)))); // [b,n,v]
    Graphs.assertClose(values.get(0), values.get(1), 1e-12);
  }

  @Test
  void refusesASourceThatIsNotCompressedOrNotSeenAsAWhole() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      refused(tf, stack().causal(true).fullAttention(true), "a step needs a learned or fixed proj");
      refused(
          tf,
          stack().leakingTriangle(true),
          "a step needs a source that is seen as a whole, found");
    }
  }

  private static void refused(Ops tf, LinformerConfigBuilder builder, String message) {
    var model =
        LinformerLM.declare(
            new Weights().constants(tf, TFloat64.class),
            "",
            language(builder.decoderMode(true).build(), false));
    Shape shape = Shape.of(B, N, C);
    Map<String, Operand<?>> inputs =
        Map.of("source", Graphs.constant(tf, shape, Graphs.normal(7, shape.size())));
    String found =
        String.valueOf(
            assertThrows(IllegalArgumentException.class, () -> model.compress(tf, inputs))
                .getMessage());
    assertTrue(found.contains(message), found);
  }
}
