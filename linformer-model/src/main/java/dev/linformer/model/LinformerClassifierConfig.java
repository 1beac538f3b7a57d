package dev.linformer.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.io.internal.Named;
import dev.linformer.ops.ParameterFactory;
import java.util.List;
import org.tensorflow.types.family.TFloating;

/**
 * A classifier of token sequences: the encoder's keys, and these.
 *
 * <pre>{@code
 * LinformerConfig encoder = LinformerConfig.builder(2048, 64, 128).depth(4).build(); // n, c, k
 * var config = LinformerClassifierConfig.builder(encoder, 256, 10).build(); // tokens, classes
 * }</pre>
 *
 * @param encoder the encoder between embedding and logits
 * @param vocabularySize [num_tokens] tokens are 0 … num_tokens − 1
 * @param classes [num_classes] at least 2
 * @param pooling [pooling] mean unless set
 * @param tokenDropout [dropout_tokens] on the embedded tokens, in [0,1); 0.1 unless set
 */
public record LinformerClassifierConfig(
    LinformerConfig encoder, int vocabularySize, int classes, Pooling pooling, double tokenDropout)
    implements ModelConfig {

  /** The value of {@value ModelConfig#MODEL_TYPE}. */
  public static final String TYPE = "classifier";

  /**
   * Makes every check.
   *
   * @throws InvalidInputException if a value is out of its range
   */
  public LinformerClassifierConfig {
    ConfigChecks.requireAtLeastOne("num_tokens", vocabularySize);
    ConfigChecks.refuseIf(classes < 2, "num_classes", classes, "at least 2");
    ConfigChecks.requireWeight("num_tokens", vocabularySize, "channels", encoder.channels());
    ConfigChecks.requireWeight("num_classes", classes, "channels", encoder.channels());
    ConfigChecks.requireRate("dropout_tokens", tokenDropout);
  }

  /**
   * Begins a configuration with what has no default.
   *
   * @param vocabularySize tokens are 0 … vocabularySize − 1
   * @param classes at least 2
   */
  public static Builder builder(LinformerConfig encoder, int vocabularySize, int classes) {
    return new Builder(encoder, vocabularySize, classes);
  }

  static LinformerClassifierConfig take(JsonObjectReader keys, DataSizes sizes) {
    LinformerConfig encoder = LinformerConfig.take(keys);
    Builder builder = builder(encoder, sizes.tokens(keys), sizes.classes(keys));
    return builder
        .pooling(keys.choice("pooling", builder.pooling))
        .tokenDropout(keys.number("dropout_tokens", builder.tokenDropout))
        .build();
  }

  @Override
  public String modelType() {
    return TYPE;
  }

  @Override
  public List<LinformerConfig> stacks() {
    return List.of(encoder);
  }

  @Override
  public LinformerClassifierConfig at(CheckpointLevel level) {
    return new LinformerClassifierConfig(
        encoder.at(level), vocabularySize, classes, pooling, tokenDropout);
  }

  @Override
  public ObjectNode toJson() {
    return encoder
        .toJson()
        .put(MODEL_TYPE, TYPE)
        .put("num_tokens", vocabularySize)
        .put("num_classes", classes)
        .put("pooling", Named.key(pooling))
        .put("dropout_tokens", tokenDropout);
  }

  @Override
  public <T extends TFloating> LinformerClassifier<T> declare(
      ParameterFactory<T> parameters, String prefix) {
    return LinformerClassifier.declare(parameters, prefix, this);
  }

  @Override
  public <T extends TFloating> LinformerClassifier<T> declare(ParameterFactory<T> parameters) {
    return declare(parameters, "");
  }

  /** Collects the values of a classifier. */
  public static final class Builder {

    private final LinformerConfig encoder;
    private final int vocabularySize;
    private final int classes;
    private Pooling pooling = Pooling.MEAN;
    private double tokenDropout = 0.1;

    private Builder(LinformerConfig encoder, int vocabularySize, int classes) {
      this.encoder = encoder;
      this.vocabularySize = vocabularySize;
      this.classes = classes;
    }

    /** How one vector is made of a sequence; MEAN unless set. */
    public Builder pooling(Pooling value) {
      pooling = value;
      return this;
    }

    /** On the embedded tokens, in [0,1); 0.1 unless set. */
    public Builder tokenDropout(double value) {
      tokenDropout = value;
      return this;
    }

    /**
     * @throws InvalidInputException if a value is out of its range
     */
    public LinformerClassifierConfig build() {
      return new LinformerClassifierConfig(encoder, vocabularySize, classes, pooling, tokenDropout);
    }
  }
}
