package dev.linformer.model;

import static dev.linformer.model.ConfigChecks.LARGEST_WEIGHT;
import static dev.linformer.model.ConfigChecks.refuseIf;
import static dev.linformer.model.ConfigChecks.requireAtLeastOne;
import static dev.linformer.model.ConfigChecks.requireProduct;
import static dev.linformer.model.ConfigChecks.requireRate;
import static dev.linformer.model.ConfigChecks.requireWeight;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.Named;

/** The checks of a {@link LinformerConfig}: of each value, then of those that must go together. */
final class LinformerConfigChecks {

  /** Layers: a graph takes time with the square of them to build, minutes for so many. */
  private static final int DEEPEST = 1000;

  /** Heads of all layers, each of which has names for its weights. */
  private static final int MOST_HEADS = 200_000;

  private LinformerConfigChecks() {}

  /**
   * @throws InvalidInputException if a value is out of its range, or two don't go together
   */
  static void require(LinformerConfig config) {
    requireRanges(config);
    requireWeights(config);
    requireWidths(config);
    requireMethod(config);
  }

  /** Each value by itself, and k ≤ n. */
  private static void requireRanges(LinformerConfig config) {
    int n = config.sequenceLength();
    int k = config.projectedLength();
    requireAtLeastOne("input_size", n);
    requireAtLeastOne("channels", config.channels());
    requireAtLeastOne("dim_ff", config.feedForwardDim());
    requireAtLeastOne("nhead", config.heads());
    requireAtLeastOne("depth", config.depth());
    requireAtLeastOne("dim_d", config.headDim());
    requireRate("dropout", config.dropout());
    requireRate("dropout_ff", config.feedForwardDropout());
    requireAtLeastOne("w_o_intermediate_dim", config.outputIntermediateDim());
    requireAtLeastOne("ff_intermediate", config.feedForwardIntermediate());
    if (k < 1 || k > n) {
      throw new InvalidInputException(
          "dim_k = %s, but 1 to input_size = %s is expected: the projection shortens a sequence"
              .formatted(k, n));
    }
    requireAtLeastOne("heads_per_group", config.headsPerGroup());
    requireAtLeastOne("chunk", config.chunk());
    refuseIf(config.depth() > DEEPEST, "depth", config.depth(), "at most " + DEEPEST);
    requireProduct("nhead", config.heads(), MOST_HEADS, "depth", config.depth());
  }

  /** The sizes of weights and sequences. */
  private static void requireWeights(LinformerConfig config) {
    int n = config.sequenceLength();
    int c = config.channels();
    int k = config.projectedLength();
    int d = config.headDim();
    requireProduct("dim_d", d, Integer.MAX_VALUE, "nhead", config.heads());
    int width = config.heads() * d;
    requireWeight("channels", c, "nhead · dim_d", width);
    requireWeight("dim_ff", config.feedForwardDim(), "channels", c);
    requireWeight("input_size", n, "channels", c);
    if (config.projectionMethod().isMatrix() && !config.fullAttention()) {
      requireWeight("dim_k", k, "input_size", n);
    }
    refuseIf(
        config.projectionMethod() == ProjectionMethod.CONVOLUTION
            && !config.fullAttention()
            && (double) d * d * n / k > LARGEST_WEIGHT,
        "dim_d",
        d,
        "a smaller one, or a larger dim_k: a convolution has dim_d² · input_size / dim_k values; up"
            + " to 2^32 of them");
    Integer inner = config.outputIntermediateDim();
    if (inner != null) {
      requireWeight("w_o_intermediate_dim", inner, "nhead · dim_d", width);
      requireWeight("w_o_intermediate_dim", inner, "channels", c);
    }
    Integer between = config.feedForwardIntermediate();
    if (between != null) {
      requireWeight("ff_intermediate", between, "dim_ff", config.feedForwardDim());
      requireWeight("ff_intermediate", between, "nhead · dim_d", width);
    }
  }

  /** Layers of different k or of different widths. */
  private static void requireWidths(LinformerConfig config) {
    boolean layerwise = config.parameterSharing() == ParameterSharing.LAYERWISE;
    int step = config.projectedLengthStep();
    refuseIf(step < 0, "k_reduce_by_layer", step, "at least 0");
    refuseIf(
        step != 0 && layerwise && !config.fullAttention(),
        "k_reduce_by_layer",
        step,
        "0, or a parameter_sharing other than layerwise: layers of different k cannot share E,");
    Integer between = config.feedForwardIntermediate();
    refuseIf(
        between != null && layerwise,
        "ff_intermediate",
        between,
        "null, or a parameter_sharing other than layerwise,");
    refuseIf(
        between != null && config.decoderMode(),
        "ff_intermediate",
        between,
        "null with decoder_mode");
    refuseIf(
        between != null && !config.includeFeedForward(),
        "ff_intermediate",
        between,
        "null without include_ff, which would have to change the width,");
  }

  /** What the way of compressing allows. */
  private static void requireMethod(LinformerConfig config) {
    ProjectionMethod method = config.projectionMethod();
    if (method.windows() && !config.fullAttention()) {
      int n = config.sequenceLength();
      for (int layer = 0; layer < config.depth(); layer++) {
        int k = config.projectedLength(layer);
        refuseIf(
            n % k != 0,
            "method",
            Named.key(method),
            "an input_size = %s that is a multiple of k = %s of layer %s".formatted(n, k, layer));
      }
    }
    refuseIf(
        config.causal() && !method.allowsCausal() && !config.fullAttention(),
        "causal",
        true,
        "method %s: a window looks ahead of its first position; they"
            .formatted(ProjectionMethod.causalKeys()));
    refuseIf(
        config.projectionStart() == ProjectionInit.BLOCKS && method != ProjectionMethod.LEARNABLE,
        "projection_init",
        Named.key(config.projectionStart()),
        "xavier, or method learnable,");
    refuseIf(
        config.causal() && config.leakingTriangle(),
        "leaking_triangle",
        true,
        "false with causal: it stands in the place of causality and");
  }
}
