package dev.linformer.ops.internal;

import java.util.Arrays;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/** Changes of layout that the parts of an attention share. */
public final class HeadLayout {

  private HeadLayout() {}

  /** [b,1,k,d] → [b,h,k,d], the same for all heads; what has h heads stays. */
  public static <T extends TFloating> Operand<T> ofHeads(Ops tf, Operand<T> x, long heads) {
    int[] sizes = Arrays.stream(x.shape().asArray()).mapToInt(Math::toIntExact).toArray();
    if (sizes[1] == heads) {
      return x;
    }
    sizes[1] = Math.toIntExact(heads);
    return tf.broadcastTo(
        x, tf.constant(sizes)); // [b,h,k,d]; with sizes of 64 bits it has no gradient
  }

  /** [b,n,h·d] → [b,h,n,d]. */
  public static <T extends TFloating> Operand<T> splitHeads(Ops tf, Operand<T> x, long d) {
    long length = x.shape().get(1);
    long heads = x.shape().get(2) / d;
    return swapHeads(tf, Shapes.reshape(tf, x, x.shape().get(0), length, heads, d)); // [b,h,n,d]
  }

  /** [b,h,n,d] → [b,n,h·d]. */
  public static <T extends TFloating> Operand<T> joinHeads(Ops tf, Operand<T> x) {
    long[] sizes = x.shape().asArray();
    return Shapes.reshape(tf, swapHeads(tf, x), sizes[0], sizes[2], sizes[1] * sizes[3]);
  }

  /** [b,n,h,d] ↔ [b,h,n,d]; with one head nothing moves. */
  public static <T extends TFloating> Operand<T> swapHeads(Ops tf, Operand<T> x) {
    long[] sizes = x.shape().asArray();
    return sizes[1] == 1 || sizes[2] == 1
        ? Shapes.reshape(tf, x, sizes[0], sizes[2], sizes[1], sizes[3])
        : tf.linalg.transpose(x, tf.constant(new int[] {0, 2, 1, 3}));
  }
}
