package dev.linformer.model;

import dev.linformer.ops.Dense;
import dev.linformer.ops.FeedForward;
import dev.linformer.ops.LayerNorm;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.attention.AttentionSpec;
import dev.linformer.ops.attention.MultiHeadAttention;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.types.family.TFloating;

/**
 * A {@link Sublayer} of a stack before it has weights.
 *
 * @param name what its weights' names begin with
 * @param layer counted from 0
 */
record SublayerPlan(String name, SublayerKind kind, int layer) {

  /** What a sublayer computes. */
  enum SublayerKind {
    /** Attention of the sequence to itself. */
    SELF,
    /** Attention of the sequence to a source. */
    CROSS,
    /** A feed-forward part. */
    FEED
  }

  /** Asks for the weights of all parts of a stack. */
  static <T extends TFloating> List<Sublayer<T>> declareAll(
      ParameterFactory<T> parameters, String prefix, LinformerConfig config) {
    List<SublayerPlan> plans = all(prefix, config);
    var attentions =
        plans.stream()
            .filter(plan -> plan.kind != SublayerKind.FEED)
            .map(
                plan ->
                    new ProjectionBank.ProjectedAttention(
                        plan.name + ".fn", config.projectedLength(plan.layer)))
            .toList();
    var bank = ProjectionBank.declare(parameters, prefix, config, attentions);
    List<Sublayer<T>> sublayers = new ArrayList<>();
    int attention = 0;
    for (SublayerPlan plan : plans) {
      sublayers.add(
          plan.kind == SublayerKind.FEED
              ? plan.feed(parameters, config)
              : plan.attention(parameters, config, bank.pair(attention++)));
    }
    return List.copyOf(sublayers);
  }

  /** The parts of a stack in their order, under {@code seq.0}, {@code seq.1} … */
  static List<SublayerPlan> all(String prefix, LinformerConfig config) {
    List<SublayerPlan> plans = new ArrayList<>();
    for (int l = 0; l < config.depth(); l++) {
      for (SublayerKind kind :
          config.decoderMode()
              ? List.of(SublayerKind.SELF, SublayerKind.CROSS)
              : List.of(SublayerKind.SELF)) {
        plans.add(new SublayerPlan(prefix + "seq." + plans.size(), kind, l));
        if (config.includeFeedForward()) {
          plans.add(new SublayerPlan(prefix + "seq." + plans.size(), SublayerKind.FEED, l));
        }
      }
    }
    return plans;
  }

  private static int widthOf(LinformerConfig config, boolean end) {
    Integer between = config.feedForwardIntermediate();
    return between == null || end ? config.channels() : between;
  }

  private <T extends TFloating> Sublayer<T> attention(
      ParameterFactory<T> parameters, LinformerConfig config, ProjectionBank.Pair<T> pair) {
    int c = widthOf(config, layer == 0);
    boolean cross = kind == SublayerKind.CROSS;
    AttentionSpec spec =
        new AttentionSpec(
            c,
            config.heads(),
            config.headDim(),
            config.outputIntermediateDim(),
            config.oneKeyValueHead(),
            visibility(config, cross));
    MultiHeadAttention<T> attention =
        MultiHeadAttention.declare(parameters, name + ".fn", spec, pair.keys(), pair.values());
    return new Sublayer<>(
        new Sublayer.AttentionBody<>(attention, cross),
        LayerNorm.declare(parameters, name + ".norm", c),
        null,
        config.preNorm());
  }

  /**
   * A source stands as a whole before the sequence begins, so only the attention of the sequence to
   * itself is causal. The reference has its triangle the other way round.
   */
  private static Visibility visibility(LinformerConfig config, boolean cross) {
    if (config.causal() && !cross) {
      return Visibility.CAUSAL;
    }
    return config.leakingTriangle() && cross == config.decoderMode()
        ? Visibility.LEAKING_TRIANGLE
        : Visibility.ALL;
  }

  private <T extends TFloating> Sublayer<T> feed(
      ParameterFactory<T> parameters, LinformerConfig config) {
    int in = widthOf(config, layer == 0);
    int out = widthOf(config, layer == config.depth() - 1);
    return new Sublayer<>(
        new Sublayer.FeedForwardBody<>(
            FeedForward.declare(
                parameters,
                name + ".fn",
                in,
                config.feedForwardDim(),
                out,
                config.activation(),
                config.gatedFeedForward())),
        LayerNorm.declare(parameters, name + ".norm", config.preNorm() ? in : out),
        in == out ? null : Dense.declare(parameters, name + ".resample", in, out),
        config.preNorm());
  }
}
