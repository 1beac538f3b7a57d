package dev.linformer.model;

import dev.linformer.ops.Dense;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Shapes;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;

/** Token and position embedding, dropout, encoder, pooling, logits. */
public final class LinformerClassifier<T extends TFloating> implements Model<TInt32, T> {

  private final ClassifierConfig config;
  private final Operand<T> tokenEmbedding; // [vocabulary,c]
  private final Operand<T> positionEmbedding; // [n,c]
  private final Linformer<T> encoder;
  private final Dense<T> logits; // c → classes

  private LinformerClassifier(
      ClassifierConfig config,
      Operand<T> tokenEmbedding,
      Operand<T> positionEmbedding,
      Linformer<T> encoder,
      Dense<T> logits) {
    this.config = config;
    this.tokenEmbedding = tokenEmbedding;
    this.positionEmbedding = positionEmbedding;
    this.encoder = encoder;
    this.logits = logits;
  }

  /**
   * Asks for {@code to_token_emb.weight}, {@code pos_emb.weight}, the encoder's weights under
   * {@code linformer.} and {@code to_logits.*}.
   */
  public static <T extends TFloating> LinformerClassifier<T> declare(
      ParameterFactory<T> parameters, ClassifierConfig config) {
    int n = config.encoder().sequenceLength();
    int c = config.encoder().channels();
    return new LinformerClassifier<>(
        config,
        parameters.create(
            new Parameter(
                "to_token_emb.weight",
                Shape.of(config.vocabularySize(), c),
                Initialization.normal(1))),
        parameters.create(
            new Parameter("pos_emb.weight", Shape.of(n, c), Initialization.normal(1))),
        Linformer.declare(parameters, "linformer.", config.encoder()),
        Dense.declare(parameters, "to_logits", c, config.classes()));
  }

  @Override
  public String inputName() {
    return "tokens";
  }

  @Override
  public String outputName() {
    return "logits";
  }

  @Override
  public Class<TInt32> inputType() {
    return TInt32.class;
  }

  /** [b,n]. */
  @Override
  public Shape inputShape() {
    return Shape.of(Shape.UNKNOWN_SIZE, config.encoder().sequenceLength());
  }

  /**
   * @param tokens [b,n]
   * @return logits [b,classes]
   * @throws IllegalArgumentException if tokens have another length
   */
  @Override
  public Operand<T> call(Ops tf, Operand<TInt32> tokens, @Nullable RandomKey key) {
    Shapes.requireRank("LinformerClassifier input", tokens, 2);
    int n = config.encoder().sequenceLength();
    Shapes.requireAxis("LinformerClassifier input", tokens, 1, n, "input_size");
    Operand<T> embedded = tf.gather(tokenEmbedding, tokens, tf.constant(0)); // [b,n,c]
    Operand<T> x = tf.math.add(embedded, positionEmbedding); // [b,n,c]
    x = Dropout.apply(tf, x, config.tokenDropout(), key == null ? null : key.fold(0)); // [b,n,c]
    Operand<T> y = encoder.call(tf, x, key == null ? null : key.fold(1)); // [b,n,c]
    Operand<T> pooled =
        switch (config.pooling()) {
          case MEAN -> tf.math.mean(y, tf.constant(1)); // [b,c]
          case FIRST -> tf.gather(y, tf.constant(0), tf.constant(1)); // [b,c]
        };
    return logits.call(tf, pooled); // [b,classes]
  }
}
