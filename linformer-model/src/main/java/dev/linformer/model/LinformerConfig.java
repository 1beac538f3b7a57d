package dev.linformer.model;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
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
 * <pre>{@code
 * LinformerConfig config =
 *     LinformerConfig.builder(2048, 64, 128) // n, c, k
 *         .heads(4)
 *         .depth(4)
 *         .parameterSharing(ParameterSharing.KV)
 *         .build();
 * LinformerConfig longer = config.toBuilder().sequenceLength(4096).build();
 * }</pre>
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

  /**
   * Makes every check of a single key and of keys together.
   *
   * @throws InvalidInputException if a value is out of its range, or two don't go together
   */
  public LinformerConfig(
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
      boolean gatedFeedForward) {
    this.sequenceLength = sequenceLength;
    this.channels = channels;
    this.projectedLength = projectedLength;
    this.feedForwardDim = feedForwardDim;
    this.headDim = headDim;
    this.heads = heads;
    this.depth = depth;
    this.dropout = dropout;
    this.feedForwardDropout = feedForwardDropout;
    this.activation = activation;
    this.checkpointLevel = checkpointLevel;
    this.headsPerGroup = headsPerGroup;
    this.chunk = chunk;
    this.precision = precision;
    this.parameterSharing = parameterSharing;
    this.projectedLengthStep = projectedLengthStep;
    this.fullAttention = fullAttention;
    this.includeFeedForward = includeFeedForward;
    this.outputIntermediateDim = outputIntermediateDim;
    this.feedForwardIntermediate = feedForwardIntermediate;
    this.decoderMode = decoderMode;
    this.causal = causal;
    this.leakingTriangle = leakingTriangle;
    this.projectionMethod = projectionMethod;
    this.projectionStart = projectionStart;
    this.preNorm = preNorm;
    this.oneKeyValueHead = oneKeyValueHead;
    this.freezeProjections = freezeProjections;
    this.gatedFeedForward = gatedFeedForward;
    LinformerConfigChecks.require(this);
  }

  /**
   * Begins a configuration with the keys that have no default.
   *
   * @param sequenceLength n, the longest input
   * @param channels c
   * @param projectedLength k
   */
  public static LinformerConfigBuilder builder(
      int sequenceLength, int channels, int projectedLength) {
    return new LinformerConfigBuilder(sequenceLength, channels, projectedLength);
  }

  /** A builder that starts at this configuration's values. */
  public LinformerConfigBuilder toBuilder() {
    LinformerConfigBuilder builder = builder(sequenceLength, channels, projectedLength);
    LinformerConfigKeys.copy(this, builder);
    return builder;
  }

  /** k of a layer, counted from 0; n with full attention. */
  public int projectedLength(int layer) {
    return fullAttention ? sequenceLength : reducedLength(layer);
  }

  /** max(1, k − layer·step), whether or not the attention is full. */
  public int reducedLength(int layer) {
    return (int)
        Math.max(1, projectedLength - (long) layer * projectedLengthStep); // does not wrap around
  }

  static LinformerConfig take(JsonObjectReader keys) {
    return take(
        keys, builder(keys.integer("input_size"), keys.integer("channels"), keys.integer("dim_k")));
  }

  /** Takes all keys but the first three, with the builder's values as defaults. */
  static LinformerConfig take(JsonObjectReader keys, LinformerConfigBuilder builder) {
    LinformerConfigKeys.take(keys, builder);
    return builder.build();
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
    return toBuilder().checkpointLevel(level).build();
  }

  @Override
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put(MODEL_TYPE, TYPE);
    LinformerConfigKeys.put(this, json);
    return json;
  }

  @Override
  public <T extends TFloating> Linformer<T> declare(ParameterFactory<T> parameters, String prefix) {
    return Linformer.declare(parameters, prefix, this);
  }

  @Override
  public <T extends TFloating> Linformer<T> declare(ParameterFactory<T> parameters) {
    return declare(parameters, "");
  }
}
