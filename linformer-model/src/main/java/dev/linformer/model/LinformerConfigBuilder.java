package dev.linformer.model;

import dev.linformer.io.InvalidInputException;
import dev.linformer.ops.Activation;
import org.jspecify.annotations.Nullable;

/**
 * Collects the values of a {@link LinformerConfig}; each starts at linformer-pytorch's default.
 * What they are is said at the components of {@link LinformerConfig}.
 */
public final class LinformerConfigBuilder {

  private int sequenceLength;
  private int channels;
  private int projectedLength;
  private int feedForwardDim = 256;
  private @Nullable Integer headDim; // c/h unless set
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

  LinformerConfigBuilder(int sequenceLength, int channels, int projectedLength) {
    this.sequenceLength = sequenceLength;
    this.channels = channels;
    this.projectedLength = projectedLength;
  }

  /** The longest input, n. */
  public LinformerConfigBuilder sequenceLength(int value) {
    sequenceLength = value;
    return this;
  }

  /** Width of the inputs, c. */
  public LinformerConfigBuilder channels(int value) {
    channels = value;
    return this;
  }

  /** What n positions are compressed to, k. */
  public LinformerConfigBuilder projectedLength(int value) {
    projectedLength = value;
    return this;
  }

  /** Width of the feed-forward layers, f; 256 unless set. */
  public LinformerConfigBuilder feedForwardDim(int value) {
    feedForwardDim = value;
    return this;
  }

  /** Width of a head, d; c/h unless set. */
  public LinformerConfigBuilder headDim(int value) {
    headDim = value;
    return this;
  }

  /** Number of heads, h; 4 unless set. */
  public LinformerConfigBuilder heads(int value) {
    heads = value;
    return this;
  }

  /** Number of layers; 1 unless set. */
  public LinformerConfigBuilder depth(int value) {
    depth = value;
    return this;
  }

  /** On P̄ and on an attention's output, in [0,1); 0.1 unless set. */
  public LinformerConfigBuilder dropout(double value) {
    dropout = value;
    return this;
  }

  /** In [0,1); 0.15 unless set. */
  public LinformerConfigBuilder feedForwardDropout(double value) {
    feedForwardDropout = value;
    return this;
  }

  /** Of the feed-forward layers; GELU unless set. */
  public LinformerConfigBuilder activation(Activation value) {
    activation = value;
    return this;
  }

  /** How much is computed again in the backward pass; C0 unless set. */
  public LinformerConfigBuilder checkpointLevel(CheckpointLevel value) {
    checkpointLevel = value;
    return this;
  }

  /** Heads that C2 computes at a time; 1 unless set. */
  public LinformerConfigBuilder headsPerGroup(int value) {
    headsPerGroup = value;
    return this;
  }

  /** Positions that C3 computes at a time; a length that suits the shape unless set. */
  public LinformerConfigBuilder chunk(@Nullable Integer value) {
    chunk = value;
    return this;
  }

  /** In what the layers are computed; FLOAT32 unless set. */
  public LinformerConfigBuilder precision(ComputePrecision value) {
    precision = value;
    return this;
  }

  /** Which attentions share E and F; LAYERWISE unless set. */
  public LinformerConfigBuilder parameterSharing(ParameterSharing value) {
    parameterSharing = value;
    return this;
  }

  /** Layer l compresses to max(1, k − l·step); 0 unless set. */
  public LinformerConfigBuilder projectedLengthStep(int value) {
    projectedLengthStep = value;
    return this;
  }

  /** No projection: O(n²), for comparison; off unless set. */
  public LinformerConfigBuilder fullAttention(boolean value) {
    fullAttention = value;
    return this;
  }

  /** Whether layers have a feed-forward part; on unless set. */
  public LinformerConfigBuilder includeFeedForward(boolean value) {
    includeFeedForward = value;
    return this;
  }

  /** Width between two output maps of an attention; none unless set. */
  public LinformerConfigBuilder outputIntermediateDim(@Nullable Integer value) {
    outputIntermediateDim = value;
    return this;
  }

  /** Width of all layers but the ends; none unless set. */
  public LinformerConfigBuilder feedForwardIntermediate(@Nullable Integer value) {
    feedForwardIntermediate = value;
    return this;
  }

  /** Each layer also attends to a source; off unless set. */
  public LinformerConfigBuilder decoderMode(boolean value) {
    decoderMode = value;
    return this;
  }

  /** No position sees a later one; off unless set. */
  public LinformerConfigBuilder causal(boolean value) {
    causal = value;
    return this;
  }

  /**
   * Linformer-pytorch's mask in place of causality, for weights trained with it; off unless set.
   */
  public LinformerConfigBuilder leakingTriangle(boolean value) {
    leakingTriangle = value;
    return this;
  }

  /** How sequences are compressed; LEARNABLE unless set. */
  public LinformerConfigBuilder projectionMethod(ProjectionMethod value) {
    projectionMethod = value;
    return this;
  }

  /** LayerNorm before attention and feed-forward instead of after the sum; off unless set. */
  public LinformerConfigBuilder preNorm(boolean value) {
    preNorm = value;
    return this;
  }

  /** Where the training of E and F starts; random unless set. */
  public LinformerConfigBuilder projectionStart(ProjectionInit value) {
    projectionStart = value;
    return this;
  }

  /** One head of keys and values for all heads of queries; off unless set. */
  public LinformerConfigBuilder oneKeyValueHead(boolean value) {
    oneKeyValueHead = value;
    return this;
  }

  /** E and F keep their initial values; off unless set. */
  public LinformerConfigBuilder freezeProjections(boolean value) {
    freezeProjections = value;
    return this;
  }

  /** Gated feed-forward layers; off unless set. */
  public LinformerConfigBuilder gatedFeedForward(boolean value) {
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
        headDim == null ? sharedHeadDim() : headDim,
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
    ConfigChecks.requireAtLeastOne("nhead", heads);
    if (channels % heads != 0) {
      throw new InvalidInputException(
          "channels = %s is not divisible by nhead = %s; set dim_d, the width of a head"
              .formatted(channels, heads));
    }
    return channels / heads;
  }
}
