package dev.linformer.model;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.Named;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.ops.Activation;
import dev.linformer.ops.ParameterFactory;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.types.family.TFloating;

/**
 * An encoder's, or a decoder's, shape and options. The JSON keys, in brackets, are those of
 * linformer-pytorch where it has them.
 *
 * @param sequenceLength [input_size] n, the longest input
 * @param channels [channels] c
 * @param projectedLength [dim_k] k, 1 ≤ k ≤ n
 * @param feedForwardDim [dim_ff] f
 * @param headDim [dim_d] d; unset: c/h
 * @param heads [nhead] h
 * @param depth [depth] number of layers
 * @param dropout [dropout] on P̄ and on an attention's output, in [0,1)
 * @param feedForwardDropout [dropout_ff] in [0,1)
 * @param activation [activation] of the feed-forward layers
 * @param checkpointLevel [checkpoint_level] how much is computed again in the backward pass
 * @param headsPerGroup [heads_per_group] heads that C2 computes at a time
 * @param chunk [chunk] positions that C3 computes at a time; null for a length that suits the shape
 * @param precision [precision] in what the layers are computed
 * @param parameterSharing [parameter_sharing] which attentions share E and F
 * @param projectedLengthStep [k_reduce_by_layer] layer l compresses to max(1, k − l·step)
 * @param fullAttention [full_attention] no projection: O(n²), for comparison
 * @param includeFeedForward [include_ff] whether layers have a feed-forward part
 * @param outputIntermediateDim [w_o_intermediate_dim] width between two output maps of an
 *     attention; null for one map
 * @param feedForwardIntermediate [ff_intermediate] width of all layers but the ends; null for c
 *     throughout
 * @param decoderMode [decoder_mode] each layer also attends to a source
 * @param causal [causal] no position sees a later one
 * @param leakingTriangle [leaking_triangle] linformer-pytorch's mask in place of causality, for
 *     weights trained with it; it lets the future through
 * @param projectionMethod [method] how sequences are compressed
 * @param projectionStart [projection_init] where the training of E and F starts
 * @param preNorm [pre_norm] LayerNorm before attention and feed-forward instead of after the sum
 * @param oneKeyValueHead [one_kv_head] one head of keys and values for all heads of queries
 * @param freezeProjections [freeze] E and F keep their initial values
 * @param gatedFeedForward [glu] gated feed-forward layers
 */
public record LinformerConfig(
    int sequenceLength,
    int channels,
    int projectedLength,
    int feedForwardDim,
    int headDim,
    int heads,
    int depth,
    double dropout,
    double feedForwardDropout,
    Activation activation,
    CheckpointLevel checkpointLevel,
    int headsPerGroup,
    @Nullable Integer chunk,
    ComputePrecision precision,
    ParameterSharing parameterSharing,
    int projectedLengthStep,
    boolean fullAttention,
    boolean includeFeedForward,
    @Nullable Integer outputIntermediateDim,
    @Nullable Integer feedForwardIntermediate,
    boolean decoderMode,
    boolean causal,
    boolean leakingTriangle,
    ProjectionMethod projectionMethod,
    ProjectionInit projectionStart,
    boolean preNorm,
    boolean oneKeyValueHead,
    boolean freezeProjections,
    boolean gatedFeedForward)
    implements ModelConfig {

  /** The value of {@value ModelConfig#MODEL_TYPE}. */
  public static final String TYPE = "linformer";

  /** Layers: a graph takes time with the square of them to build, minutes for so many. */
  private static final int DEEPEST = 1000;

  /** Heads of all layers, each of which has names for its weights. */
  private static final int MOST_HEADS = 200_000;

  /** Values of a weight, or of one sequence: 16 GiB in float32. */
  private static final long LARGEST_WEIGHT = 1L << 32;

  /** Makes every check of a single key and of keys together. */
  public LinformerConfig {
    requireAtLeastOne("input_size", sequenceLength);
    requireAtLeastOne("channels", channels);
    requireAtLeastOne("dim_ff", feedForwardDim);
    requireAtLeastOne("nhead", heads);
    requireAtLeastOne("depth", depth);
    requireAtLeastOne("dim_d", headDim);
    requireRate("dropout", dropout);
    requireRate("dropout_ff", feedForwardDropout);
    requireAtLeastOne("w_o_intermediate_dim", outputIntermediateDim);
    requireAtLeastOne("ff_intermediate", feedForwardIntermediate);
    if (projectedLength < 1 || projectedLength > sequenceLength) {
      throw new InvalidInputException(
          "dim_k = %d, but 1 to input_size = %d is expected: the projection shortens a sequence"
              .formatted(projectedLength, sequenceLength));
    }
    requireAtLeastOne("heads_per_group", headsPerGroup);
    requireAtLeastOne("chunk", chunk);
    refuseIf(depth > DEEPEST, "depth", depth, "at most " + DEEPEST);
    requireProduct("nhead", heads, MOST_HEADS, "depth", depth);
    requireProduct("dim_d", headDim, Integer.MAX_VALUE, "nhead", heads);
    int width = heads * headDim;
    requireWeight("channels", channels, "nhead · dim_d", width);
    requireWeight("dim_ff", feedForwardDim, "channels", channels);
    requireWeight("input_size", sequenceLength, "channels", channels);
    boolean hasMatrices =
        projectionMethod == ProjectionMethod.LEARNABLE
            || projectionMethod == ProjectionMethod.NO_PARAMS;
    if (hasMatrices && !fullAttention) {
      requireWeight("dim_k", projectedLength, "input_size", sequenceLength);
    }
    refuseIf(
        projectionMethod == ProjectionMethod.CONVOLUTION
            && !fullAttention
            && (double) headDim * headDim * sequenceLength / projectedLength > LARGEST_WEIGHT,
        "dim_d",
        headDim,
        "a smaller one, or a larger dim_k: a convolution has dim_d² · input_size / dim_k values; up"
            + " to 2^32 of them");
    if (outputIntermediateDim != null) {
      requireWeight("w_o_intermediate_dim", outputIntermediateDim, "nhead · dim_d", width);
      requireWeight("w_o_intermediate_dim", outputIntermediateDim, "channels", channels);
    }
    if (feedForwardIntermediate != null) {
      requireWeight("ff_intermediate", feedForwardIntermediate, "dim_ff", feedForwardDim);
      requireWeight("ff_intermediate", feedForwardIntermediate, "nhead · dim_d", width);
    }
    boolean layerwise = parameterSharing == ParameterSharing.LAYERWISE;
    refuseIf(projectedLengthStep < 0, "k_reduce_by_layer", projectedLengthStep, "at least 0");
    refuseIf(
        projectedLengthStep != 0 && layerwise && !fullAttention,
        "k_reduce_by_layer",
        projectedLengthStep,
        "0, or a parameter_sharing other than layerwise: layers of different k cannot share E,");
    refuseIf(
        feedForwardIntermediate != null && layerwise,
        "ff_intermediate",
        feedForwardIntermediate,
        "null, or a parameter_sharing other than layerwise,");
    refuseIf(
        feedForwardIntermediate != null && decoderMode,
        "ff_intermediate",
        feedForwardIntermediate,
        "null with decoder_mode");
    refuseIf(
        feedForwardIntermediate != null && !includeFeedForward,
        "ff_intermediate",
        feedForwardIntermediate,
        "null without include_ff, which would have to change the width,");
    if (projectionMethod.windows() && !fullAttention) {
      for (int l = 0; l < depth; l++) {
        int k = reduced(projectedLength, projectedLengthStep, l);
        refuseIf(
            sequenceLength % k != 0,
            "method",
            Named.key(projectionMethod),
            "an input_size = %d that is a multiple of k = %d of layer %d"
                .formatted(sequenceLength, k, l));
      }
      refuseIf(
          causal,
          "causal",
          true,
          "method learnable or no_params: a window looks ahead of its first position; they");
    }
    refuseIf(
        projectionStart == ProjectionInit.BLOCKS && projectionMethod != ProjectionMethod.LEARNABLE,
        "projection_init",
        Named.key(projectionStart),
        "xavier, or method learnable,");
    refuseIf(
        causal && leakingTriangle,
        "leaking_triangle",
        true,
        "false with causal: it stands in the place of causality and");
  }

  private static void refuseIf(boolean bad, String key, @Nullable Object value, String wanted) {
    if (bad) {
      throw new InvalidInputException("%s = %s, but %s is expected".formatted(key, value, wanted));
    }
  }

  /**
   * Checks the sizes of a weight.
   *
   * @param other key of the other size, which stays
   */
  static void requireWeight(String key, int value, String other, int otherValue) {
    requireProduct(key, value, LARGEST_WEIGHT, other, otherValue);
  }

  private static void requireProduct(
      String key, int value, long most, String other, int otherValue) {
    refuseIf(
        (long) value * otherValue > most,
        key,
        value,
        "at most %d with %s = %d".formatted(Math.max(1, most / otherValue), other, otherValue));
  }

  private static void requireAtLeastOne(String key, @Nullable Integer value) {
    refuseIf(value != null && value < 1, key, value, "at least 1");
  }

  /** Checks a dropout rate. */
  static void requireRate(String key, double value) {
    refuseIf(!(value >= 0 && value < 1), key, value, "a rate from 0 up to, not including, 1");
  }

  /** k of a layer, n with full attention. */
  public int projectedLength(int layer) {
    return fullAttention ? sequenceLength : reduced(projectedLength, projectedLengthStep, layer);
  }

  private static int reduced(int k, int step, int layer) {
    return (int) Math.max(1, k - (long) layer * step); // a large step does not wrap around
  }

  /** Begins a configuration with the keys that have no default. */
  public static Builder builder(int sequenceLength, int channels, int projectedLength) {
    return new Builder(sequenceLength, channels, projectedLength);
  }

  static LinformerConfig take(JsonObjectReader keys) {
    return take(
        keys, builder(keys.integer("input_size"), keys.integer("channels"), keys.integer("dim_k")));
  }

  /** Takes all keys but the first three, with the builder's values as defaults. */
  static LinformerConfig take(JsonObjectReader keys, Builder builder) {
    return builder
        .feedForwardDim(keys.integer("dim_ff", builder.feedForwardDim))
        .headDim(keys.integer("dim_d", builder.headDim))
        .heads(keys.integer("nhead", builder.heads))
        .depth(keys.integer("depth", builder.depth))
        .dropout(keys.number("dropout", builder.dropout))
        .feedForwardDropout(keys.number("dropout_ff", builder.feedForwardDropout))
        .activation(keys.choice("activation", builder.activation))
        .checkpointLevel(keys.choice("checkpoint_level", builder.checkpointLevel))
        .headsPerGroup(keys.integer("heads_per_group", builder.headsPerGroup))
        .chunk(keys.optionalInteger("chunk"))
        .precision(keys.choice("precision", builder.precision))
        .parameterSharing(keys.choice("parameter_sharing", builder.parameterSharing))
        .projectedLengthStep(keys.integer("k_reduce_by_layer", builder.projectedLengthStep))
        .fullAttention(keys.flag("full_attention", builder.fullAttention))
        .includeFeedForward(keys.flag("include_ff", builder.includeFeedForward))
        .outputIntermediateDim(keys.optionalInteger("w_o_intermediate_dim"))
        .feedForwardIntermediate(keys.optionalInteger("ff_intermediate"))
        .decoderMode(keys.flag("decoder_mode", builder.decoderMode))
        .causal(keys.flag("causal", builder.causal))
        .leakingTriangle(keys.flag("leaking_triangle", builder.leakingTriangle))
        .projectionMethod(keys.choice("method", builder.projectionMethod))
        .projectionStart(keys.choice("projection_init", builder.projectionStart))
        .preNorm(keys.flag("pre_norm", builder.preNorm))
        .oneKeyValueHead(keys.flag("one_kv_head", builder.oneKeyValueHead))
        .freezeProjections(keys.flag("freeze", builder.freezeProjections))
        .gatedFeedForward(keys.flag("glu", builder.gatedFeedForward))
        .build();
  }

  @Override
  public String modelType() {
    return TYPE;
  }

  @Override
  public List<LinformerConfig> stacks() {
    return List.of(this);
  }

  @Override
  public LinformerConfig at(CheckpointLevel level) {
    return new LinformerConfig(
        sequenceLength,
        channels,
        projectedLength,
        feedForwardDim,
        headDim,
        heads,
        depth,
        dropout,
        feedForwardDropout,
        activation,
        level,
        headsPerGroup,
        chunk,
        precision,
        parameterSharing,
        projectedLengthStep,
        fullAttention,
        includeFeedForward,
        outputIntermediateDim,
        feedForwardIntermediate,
        decoderMode,
        causal,
        leakingTriangle,
        projectionMethod,
        projectionStart,
        preNorm,
        oneKeyValueHead,
        freezeProjections,
        gatedFeedForward);
  }

  @Override
  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put(MODEL_TYPE, TYPE)
        .put("input_size", sequenceLength)
        .put("channels", channels)
        .put("dim_k", projectedLength)
        .put("dim_ff", feedForwardDim)
        .put("dim_d", headDim)
        .put("nhead", heads)
        .put("depth", depth)
        .put("dropout", dropout)
        .put("dropout_ff", feedForwardDropout)
        .put("activation", Named.key(activation))
        .put("checkpoint_level", Named.key(checkpointLevel))
        .put("heads_per_group", headsPerGroup)
        .put("chunk", chunk)
        .put("precision", Named.key(precision))
        .put("parameter_sharing", Named.key(parameterSharing))
        .put("k_reduce_by_layer", projectedLengthStep)
        .put("full_attention", fullAttention)
        .put("include_ff", includeFeedForward)
        .put("w_o_intermediate_dim", outputIntermediateDim)
        .put("ff_intermediate", feedForwardIntermediate)
        .put("decoder_mode", decoderMode)
        .put("causal", causal)
        .put("leaking_triangle", leakingTriangle)
        .put("method", Named.key(projectionMethod))
        .put("projection_init", Named.key(projectionStart))
        .put("pre_norm", preNorm)
        .put("one_kv_head", oneKeyValueHead)
        .put("freeze", freezeProjections)
        .put("glu", gatedFeedForward);
  }

  @Override
  public <T extends TFloating> Linformer<T> declare(ParameterFactory<T> parameters) {
    return Linformer.declare(parameters, "", this);
  }

  /** Collects the keys of a configuration; each starts at the reference's default. */
  public static final class Builder {

    private static final int UNSET = Integer.MIN_VALUE; // every other value is checked

    private final int sequenceLength;
    private final int channels;
    private final int projectedLength;
    private int feedForwardDim = 256;
    private int headDim = UNSET;
    private int heads = 4;
    private int depth = 1;
    private double dropout = 0.1;
    private double feedForwardDropout = 0.15;
    private Activation activation = Activation.GELU;
    private CheckpointLevel checkpointLevel = CheckpointLevel.C0;
    private int headsPerGroup = 1;
    private @Nullable Integer chunk;
    private ComputePrecision precision = ComputePrecision.FLOAT32;
    private ParameterSharing parameterSharing = ParameterSharing.LAYERWISE;
    private int projectedLengthStep;
    private boolean fullAttention;
    private boolean includeFeedForward = true;
    private @Nullable Integer outputIntermediateDim;
    private @Nullable Integer feedForwardIntermediate;
    private boolean decoderMode;
    private boolean causal;
    private boolean leakingTriangle;
    private ProjectionMethod projectionMethod = ProjectionMethod.LEARNABLE;
    private ProjectionInit projectionStart = ProjectionInit.XAVIER;
    private boolean preNorm;
    private boolean oneKeyValueHead;
    private boolean freezeProjections;
    private boolean gatedFeedForward;

    private Builder(int sequenceLength, int channels, int projectedLength) {
      this.sequenceLength = sequenceLength;
      this.channels = channels;
      this.projectedLength = projectedLength;
    }

    /** F; 256 unless set. */
    public Builder feedForwardDim(int value) {
      feedForwardDim = value;
      return this;
    }

    /** D; c/h unless set. */
    public Builder headDim(int value) {
      headDim = value;
      return this;
    }

    /** H; 4 unless set. */
    public Builder heads(int value) {
      heads = value;
      return this;
    }

    /** Number of layers; 1 unless set. */
    public Builder depth(int value) {
      depth = value;
      return this;
    }

    /** On P̄ and on an attention's output, in [0,1); 0.1 unless set. */
    public Builder dropout(double value) {
      dropout = value;
      return this;
    }

    /** In [0,1); 0.15 unless set. */
    public Builder feedForwardDropout(double value) {
      feedForwardDropout = value;
      return this;
    }

    /** Of the feed-forward layers; GELU unless set. */
    public Builder activation(Activation value) {
      activation = value;
      return this;
    }

    /** How much is computed again in the backward pass; C0 unless set. */
    public Builder checkpointLevel(CheckpointLevel value) {
      checkpointLevel = value;
      return this;
    }

    /** Heads that C2 computes at a time; 1 unless set. */
    public Builder headsPerGroup(int value) {
      headsPerGroup = value;
      return this;
    }

    /** Positions that C3 computes at a time; a length that suits the shape unless set. */
    public Builder chunk(@Nullable Integer value) {
      chunk = value;
      return this;
    }

    /** In what the layers are computed; FLOAT32 unless set. */
    public Builder precision(ComputePrecision value) {
      precision = value;
      return this;
    }

    /** Which attentions share E and F; LAYERWISE unless set. */
    public Builder parameterSharing(ParameterSharing value) {
      parameterSharing = value;
      return this;
    }

    /** Layer l compresses to max(1, k − l·step); 0 unless set. */
    public Builder projectedLengthStep(int value) {
      projectedLengthStep = value;
      return this;
    }

    /** No projection: O(n²), for comparison; off unless set. */
    public Builder fullAttention(boolean value) {
      fullAttention = value;
      return this;
    }

    /** Whether layers have a feed-forward part; on unless set. */
    public Builder includeFeedForward(boolean value) {
      includeFeedForward = value;
      return this;
    }

    /** Width between two output maps of an attention; none unless set. */
    public Builder outputIntermediateDim(@Nullable Integer value) {
      outputIntermediateDim = value;
      return this;
    }

    /** Width of all layers but the ends; none unless set. */
    public Builder feedForwardIntermediate(@Nullable Integer value) {
      feedForwardIntermediate = value;
      return this;
    }

    /** Each layer also attends to a source; off unless set. */
    public Builder decoderMode(boolean value) {
      decoderMode = value;
      return this;
    }

    /** No position sees a later one; off unless set. */
    public Builder causal(boolean value) {
      causal = value;
      return this;
    }

    /**
     * Linformer-pytorch's mask in place of causality, for weights trained with it; off unless set.
     */
    public Builder leakingTriangle(boolean value) {
      leakingTriangle = value;
      return this;
    }

    /** How sequences are compressed; LEARNABLE unless set. */
    public Builder projectionMethod(ProjectionMethod value) {
      projectionMethod = value;
      return this;
    }

    /** LayerNorm before attention and feed-forward instead of after the sum; off unless set. */
    public Builder preNorm(boolean value) {
      preNorm = value;
      return this;
    }

    /** Where the training of E and F starts; random unless set. */
    public Builder projectionStart(ProjectionInit value) {
      projectionStart = value;
      return this;
    }

    /** One head of keys and values for all heads of queries; off unless set. */
    public Builder oneKeyValueHead(boolean value) {
      oneKeyValueHead = value;
      return this;
    }

    /** E and F keep their initial values; off unless set. */
    public Builder freezeProjections(boolean value) {
      freezeProjections = value;
      return this;
    }

    /** Gated feed-forward layers; off unless set. */
    public Builder gatedFeedForward(boolean value) {
      gatedFeedForward = value;
      return this;
    }

    /**
     * @throws InvalidInputException if a value is out of its range, or two don't go together
     */
    public LinformerConfig build() {
      return new LinformerConfig(
          sequenceLength,
          channels,
          projectedLength,
          feedForwardDim,
          headDim == UNSET ? sharedHeadDim() : headDim,
          heads,
          depth,
          dropout,
          feedForwardDropout,
          activation,
          checkpointLevel,
          headsPerGroup,
          chunk,
          precision,
          parameterSharing,
          projectedLengthStep,
          fullAttention,
          includeFeedForward,
          outputIntermediateDim,
          feedForwardIntermediate,
          decoderMode,
          causal,
          leakingTriangle,
          projectionMethod,
          projectionStart,
          preNorm,
          oneKeyValueHead,
          freezeProjections,
          gatedFeedForward);
    }

    private int sharedHeadDim() {
      requireAtLeastOne("nhead", heads);
      if (channels % heads != 0) {
        throw new InvalidInputException(
            "channels = %d is not divisible by nhead = %d; set dim_d, the width of a head"
                .formatted(channels, heads));
      }
      return channels / heads;
    }
  }
}
