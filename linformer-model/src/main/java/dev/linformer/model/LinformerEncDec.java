package dev.linformer.model;

import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.projection.CompressedKeyValues;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;

/**
 * From one token sequence to logits of another: an encoder, and a decoder that attends to it.
 *
 * <pre>{@code
 * LinformerConfig source = LinformerLMConfig.stackBuilder(512, 64, 128).build(); // n, c, k
 * LinformerConfig target = LinformerLMConfig.stackBuilder(512, 64, 128).build();
 * var config = LinformerEncDecConfig.builder(source, 256, target, 256).build();
 * var model = LinformerEncDec.declare(weights, config); // weights: Variables of a graph
 * var logits = model.call(tf, read, written, null); // [b,s], [b,n] → [b,n,256]
 * }</pre>
 *
 * @param <T> type of weights and output
 */
public final class LinformerEncDec<T extends TFloating> implements Model<T> {

  private final LinformerLM<T> encoder;
  private final LinformerLM<T> decoder;

  private LinformerEncDec(LinformerLM<T> encoder, LinformerLM<T> decoder) {
    this.encoder = encoder;
    this.decoder = decoder;
  }

  /**
   * Asks for the weights of both, under {@code encoder.} and {@code decoder.}.
   *
   * @param prefix before every name and key
   */
  public static <T extends TFloating> LinformerEncDec<T> declare(
      ParameterFactory<T> parameters, String prefix, LinformerEncDecConfig config) {
    return new LinformerEncDec<>(
        LinformerLM.declare(parameters, prefix + "encoder.", config.encoder()),
        LinformerLM.declare(parameters, prefix + "decoder.", config.decoder()));
  }

  /** {@link #declare(ParameterFactory, String, LinformerEncDecConfig)} without a prefix. */
  public static <T extends TFloating> LinformerEncDec<T> declare(
      ParameterFactory<T> parameters, LinformerEncDecConfig config) {
    return declare(parameters, "", config);
  }

  /** {@code tokens} [b,n], the target; {@code source} [b,s], tokens too; a mask for each. */
  @Override
  public List<Input> inputs() {
    Input source = encoder.inputs().get(0);
    Input target = decoder.inputs().get(0);
    return List.of(
        target,
        Input.tokens(Linformer.SOURCE, source.shape().get(1), source.vocabulary()),
        Input.mask(Linformer.MASK, target.shape().get(1)),
        Input.mask(Linformer.SOURCE_MASK, source.shape().get(1)));
  }

  @Override
  public String outputName() {
    return decoder.outputName();
  }

  @Override
  public Operand<T> call(Ops tf, Map<String, Operand<?>> inputs, @Nullable RandomKey key) {
    return call(
        tf,
        Model.require(inputs, Linformer.SOURCE),
        Model.require(inputs, LinformerLM.TOKENS),
        Model.find(inputs, Linformer.SOURCE_MASK),
        Model.find(inputs, Linformer.MASK),
        key);
  }

  @Override
  public Operand<T> embed(Ops tf, Map<String, Operand<?>> inputs, @Nullable RandomKey key) {
    return embed(
        tf,
        Model.require(inputs, Linformer.SOURCE),
        Model.require(inputs, LinformerLM.TOKENS),
        Model.find(inputs, Linformer.SOURCE_MASK),
        Model.find(inputs, Linformer.MASK),
        key); // [b,n,e]
  }

  @Override
  public Operand<T> head(Ops tf, Operand<T> embeddings) {
    return decoder.head(tf, embeddings); // [b,n,vocabulary]
  }

  /** {@link #call(Ops, Operand, Operand, Operand, Operand, RandomKey)} without padding. */
  public Operand<T> call(
      Ops tf, Operand<TInt32> source, Operand<TInt32> target, @Nullable RandomKey key) {
    return call(tf, source, target, null, null, key); // [b,n,vocabulary]
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
    return head(tf, embed(tf, source, target, sourceMask, targetMask, key)); // [b,n,vocabulary]
  }

  /** The part that goes step by step, with a source from {@link #compress}. */
  public LinformerLM<T> decoder() {
    return decoder;
  }

  /**
   * A source as each layer of the decoder attends to it, for {@link LinformerLM#step}.
   *
   * @param inputs {@code source} tokens [b,s] and, if not all of them are real, {@code source_mask}
   *     [b,s]
   * @return one for each layer, of {@link LinformerLM#sourceShapes} with b in the place of 1
   */
  public List<CompressedKeyValues<T>> compress(Ops tf, Map<String, Operand<?>> inputs) {
    Operand<TInt32> source = Model.require(inputs, Linformer.SOURCE);
    Operand<TBool> mask = Model.find(inputs, Linformer.SOURCE_MASK);
    Operand<T> embeddings = encoder.call(tf, source, Context.withMask(mask), null); // [b,s,e]
    return decoder.compress(tf, embeddings, mask);
  }

  private Operand<T> embed(
      Ops tf,
      Operand<TInt32> source,
      Operand<TInt32> target,
      @Nullable Operand<TBool> sourceMask,
      @Nullable Operand<TBool> targetMask,
      @Nullable RandomKey key) {
    Operand<T> embeddings =
        encoder.call(
            tf, source, Context.withMask(sourceMask), key == null ? null : key.fold(0)); // [b,s,e]
    return decoder.embed(
        tf,
        target,
        new Context<>(targetMask, embeddings, sourceMask),
        key == null ? null : key.fold(1)); // [b,n,e]
  }
}
