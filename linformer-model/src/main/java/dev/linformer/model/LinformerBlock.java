package dev.linformer.model;

import dev.linformer.ops.FeedForward;
import dev.linformer.ops.LayerNorm;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.attention.MultiHeadAttention;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * A layer of the encoder, post-norm: x = LayerNorm(x + Attention(x)), then x = LayerNorm(x +
 * FeedForward(x)).
 */
record LinformerBlock<T extends TFloating>(
    MultiHeadAttention<T> attention,
    LayerNorm<T> attentionNorm,
    FeedForward<T> feedForward,
    LayerNorm<T> feedForwardNorm) {

  /** [b,n,c] → [b,n,c]. */
  Operand<T> call(Ops tf, Operand<T> x, LinformerConfig config, @Nullable RandomKey key) {
    Operand<T> attended =
        attention.call(tf, x, config.dropout(), key == null ? null : key.fold(0)); // [b,n,c]
    Operand<T> y = attentionNorm.call(tf, tf.math.add(x, attended)); // [b,n,c]
    Operand<T> fed =
        feedForward.call(
            tf, y, config.feedForwardDropout(), key == null ? null : key.fold(1)); // [b,n,c]
    return feedForwardNorm.call(tf, tf.math.add(y, fed)); // [b,n,c]
  }
}
