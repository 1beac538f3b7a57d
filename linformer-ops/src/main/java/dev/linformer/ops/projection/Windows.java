package dev.linformer.ops.projection;

import dev.linformer.ops.internal.Shapes;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/** Cutting of a sequence into k windows of n/k positions. */
final class Windows {

  private Windows() {}

  /** [b,n,c] → [b,k,w,c], or [b,h,n,d] → [b,h,k,w,d]; a shorter x is filled up with zeros. */
  static <T extends TFloating> Operand<T> cut(
      Ops tf, String what, Operand<T> x, int axis, long n, long k) {
    Shapes.requireRank(what, x, axis + 2);
    Operand<T> whole = Shapes.padTo(tf, what, x, axis, n); // [b,n,c] or [b,h,n,d]
    long[] sizes = x.shape().asArray();
    long[] cut = new long[sizes.length + 1];
    System.arraycopy(sizes, 0, cut, 0, axis);
    cut[axis] = k;
    cut[axis + 1] = n / k;
    cut[axis + 2] = sizes[axis + 1];
    return Shapes.reshape(tf, whole, cut);
  }
}
