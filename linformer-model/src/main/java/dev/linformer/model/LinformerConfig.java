package dev.linformer.model;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.ops.Activation;
import dev.linformer.ops.ParameterFactory;
import java.util.Locale;
import org.tensorflow.types.family.TFloating;

/**
 * An encoder's shape and options. The JSON keys, in brackets, are those of linformer-pytorch.
 *
 * @param sequenceLength [input_size] n, length of every input
 * @param channels [channels] c
 * @param projectedLength [dim_k] k, 1 ≤ k ≤ n
 * @param feedForwardDim [dim_ff] f
 * @param headDim [dim_d] d; unset: c/h
 * @param heads [nhead] h
 * @param depth [depth] number of layers
 * @param dropout [dropout] on P̄ and on an attention's output, in [0,1)
 * @param feedForwardDropout [dropout_ff] in [0,1)
 * @param activation [activation] of the feed-forward layers
 * @param checkpointLevel [checkpoint_level]
 * @param parameterSharing [parameter_sharing]
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
    ParameterSharing parameterSharing)
    implements ModelConfig {

  /** The value of {@value ModelConfig#MODEL_TYPE}. */
  public static final String TYPE = "linformer";

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
    if (projectedLength < 1 || projectedLength > sequenceLength) {
      throw new InvalidInputException(
          "dim_k = %d, but 1 to input_size = %d is expected: the projection shortens a sequence"
              .formatted(projectedLength, sequenceLength));
    }
    if (checkpointLevel != CheckpointLevel.C0) {
      throw new InvalidInputException(
          "checkpoint_level = %s is not built yet; C0 is expected".formatted(checkpointLevel));
    }
  }

  private static void requireAtLeastOne(String key, int value) {
    if (value < 1) {
      throw new InvalidInputException("%s = %d, but at least 1 is expected".formatted(key, value));
    }
  }

  /** Checks a dropout rate. */
  static void requireRate(String key, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new InvalidInputException(
          "%s = %s, but a rate from 0 up to, not including, 1 is expected".formatted(key, value));
    }
  }

  /** Begins a configuration with the keys that have no default. */
  public static Builder builder(int sequenceLength, int channels, int projectedLength) {
    return new Builder(sequenceLength, channels, projectedLength);
  }

  static LinformerConfig take(JsonKeys keys) {
    Builder builder =
        builder(keys.integer("input_size"), keys.integer("channels"), keys.integer("dim_k"));
    return builder
        .feedForwardDim(keys.integer("dim_ff", builder.feedForwardDim))
        .headDim(keys.integer("dim_d", builder.headDim))
        .heads(keys.integer("nhead", builder.heads))
        .depth(keys.integer("depth", builder.depth))
        .dropout(keys.number("dropout", builder.dropout))
        .feedForwardDropout(keys.number("dropout_ff", builder.feedForwardDropout))
        .activation(keys.choice("activation", builder.activation))
        .checkpointLevel(keys.choice("checkpoint_level", builder.checkpointLevel))
        .parameterSharing(keys.choice("parameter_sharing", builder.parameterSharing))
        .build();
  }

  @Override
  public String modelType() {
    return TYPE;
  }

  @Override
  public LinformerConfig encoder() {
    return this;
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
        .put("activation", activation.name().toLowerCase(Locale.ROOT))
        .put("checkpoint_level", checkpointLevel.name())
        .put("parameter_sharing", parameterSharing.name().toLowerCase(Locale.ROOT));
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
    private ParameterSharing parameterSharing = ParameterSharing.LAYERWISE;

    private Builder(int sequenceLength, int channels, int projectedLength) {
      this.sequenceLength = sequenceLength;
      this.channels = channels;
      this.projectedLength = projectedLength;
    }

    /** f; 256 unless set. */
    public Builder feedForwardDim(int value) {
      feedForwardDim = value;
      return this;
    }

    /** d; c/h unless set. */
    public Builder headDim(int value) {
      headDim = value;
      return this;
    }

    /** h; 4 unless set. */
    public Builder heads(int value) {
      heads = value;
      return this;
    }

    /** Number of layers; 1 unless set. */
    public Builder depth(int value) {
      depth = value;
      return this;
    }

    /** In attention; 0.1 unless set. */
    public Builder dropout(double value) {
      dropout = value;
      return this;
    }

    /** In the feed-forward layers; 0.15 unless set. */
    public Builder feedForwardDropout(double value) {
      feedForwardDropout = value;
      return this;
    }

    /** GELU unless set. */
    public Builder activation(Activation value) {
      activation = value;
      return this;
    }

    /** C0 unless set. */
    public Builder checkpointLevel(CheckpointLevel value) {
      checkpointLevel = value;
      return this;
    }

    /** Layerwise unless set. */
    public Builder parameterSharing(ParameterSharing value) {
      parameterSharing = value;
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
          parameterSharing);
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
