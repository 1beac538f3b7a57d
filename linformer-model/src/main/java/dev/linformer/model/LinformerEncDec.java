package dev.linformer.model;

import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;

/** From one token sequence to logits of another: an encoder, and a decoder that attends to it. */
public final class LinformerEncDec<T extends TFloating> {

  private final LinformerLM<T> encoder;
  private final LinformerLM<T> decoder;

  private LinformerEncDec(LinformerLM<T> encoder, LinformerLM<T> decoder) {
    this.encoder = encoder;
    this.decoder = decoder;
  }

  /** Asks for the weights of both, under {@code encoder.} and {@code decoder.}. */
  public static <T extends TFloating> LinformerEncDec<T> declare(
      ParameterFactory<T> parameters, EncoderDecoderConfig config) {
    return new LinformerEncDec<>(
        LinformerLM.declare(parameters, "encoder.", config.encoder()),
        LinformerLM.declare(parameters, "decoder.", config.decoder()));
  }

  /**
   * Adds the model to the graph.
   *
   * @param source tokens [b,s]
   * @param target tokens [b,n]; position t of the output sees those up to t
   * @param sourceMask [b,s], true at real positions; null if all are
   * @param targetMask [b,n], true at real positions; null if all are
   * @param key source of the dropout masks; null outside training
   * @return logits [b,n,vocabulary]
   */
  public Operand<T> call(
      Ops tf,
      Operand<TInt32> source,
      Operand<TInt32> target,
      @Nullable Operand<TBool> sourceMask,
      @Nullable Operand<TBool> targetMask,
      @Nullable RandomKey key) {
    Operand<T> embeddings =
        encoder.call(
            tf, source, Context.masked(sourceMask), key == null ? null : key.fold(0)); // [b,s,e]
    return decoder.call(
        tf,
        target,
        new Context<>(targetMask, embeddings, sourceMask),
        key == null ? null : key.fold(1)); // [b,n,vocabulary]
  }
}
