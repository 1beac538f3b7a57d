package dev.linformer.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.Named;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.ops.ParameterFactory;
import java.util.List;
import org.tensorflow.types.family.TFloating;

/**
 * A classifier of token sequences: the encoder's keys, and these.
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

  /** Makes every check. */
  public LinformerClassifierConfig {
    if (vocabularySize < 1) {
      throw new InvalidInputException(
          "num_tokens = %d, but at least 1 is expected".formatted(vocabularySize));
    }
    if (classes < 2) {
      throw new InvalidInputException(
          "num_classes = %d, but at least 2 is expected".formatted(classes));
    }
    LinformerConfig.requireWeight("num_tokens", vocabularySize, "channels", encoder.channels());
    LinformerConfig.requireWeight("num_classes", classes, "channels", encoder.channels());
    LinformerConfig.requireRate("dropout_tokens", tokenDropout);
  }

  static LinformerClassifierConfig take(JsonObjectReader keys) {
    return new LinformerClassifierConfig(
        LinformerConfig.take(keys),
        keys.integer("num_tokens"),
        keys.integer("num_classes"),
        keys.choice("pooling", Pooling.MEAN),
        keys.number("dropout_tokens", 0.1));
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
  public <T extends TFloating> LinformerClassifier<T> declare(ParameterFactory<T> parameters) {
    return LinformerClassifier.declare(parameters, this);
  }
}
