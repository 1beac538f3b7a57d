package dev.linformer.model;

import dev.linformer.ops.RandomKey;
import dev.linformer.ops.internal.Shapes;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * Fills an input up to the model's length, masks what it added, and cuts the result back: the same
 * numbers as the model on the short input itself. For a graph whose length must be fixed.
 */
public final class Padder {

  private Padder() {}

  /**
   * An encoder on a padded input.
   *
   * @param x [b,m,c], m at most {@code length}
   * @param length n
   * @return [b,m,c]
   */
  public static <T extends TFloating> Operand<T> encode(
      Ops tf, Linformer<T> model, Operand<T> x, long length, @Nullable RandomKey key) {
    long m = x.shape().get(1);
    Operand<T> padded = Shapes.padTo(tf, "Padder", x, 1, length); // [b,n,c]
    Operand<T> y =
        model.call(tf, padded, Context.withMask(mask(tf, padded, m, length)), key); // [b,n,c]
    return Shapes.slice(tf, y, 1, 0, m); // [b,m,c]
  }

  /**
   * A language model on padded tokens.
   *
   * @param tokens [b,m], m at most {@code length}
   * @param length n
   * @return [b,m,vocabulary], or embeddings
   */
  public static <T extends TFloating> Operand<T> language(
      Ops tf, LinformerLM<T> model, Operand<TInt32> tokens, long length, @Nullable RandomKey key) {
    long m = tokens.shape().get(1);
    Shapes.requireAtMost("Padder", tokens, 1, length, "sequence length");
    long[][] paddings = {{0, 0}, {0, length - m}};
    Operand<TInt32> padded = tf.pad(tokens, tf.constant(paddings), tf.constant(0)); // [b,n]
    Operand<T> y =
        model.call(tf, padded, Context.withMask(mask(tf, padded, m, length)), key); // [b,n,v]
    return Shapes.slice(tf, y, 1, 0, m); // [b,m,v]
  }

  /** True at the first m positions of each sequence, [b,n]. */
  private static Operand<TBool> mask(Ops tf, Operand<?> padded, long m, long length) {
    Operand<TInt64> batch =
        tf.slice(
            tf.shape(padded, TInt64.class),
            tf.constant(new long[] {0}),
            tf.constant(new long[] {1})); // [1]
    Operand<TInt64> shape =
        tf.concat(List.of(batch, tf.constant(new long[] {length})), tf.constant(0)); // [2]
    Operand<TInt64> positions =
        tf.range(tf.constant(0L), tf.constant(length), tf.constant(1L)); // [n]
    return tf.broadcastTo(tf.math.less(positions, tf.constant(m)), shape); // [b,n]
  }
}
