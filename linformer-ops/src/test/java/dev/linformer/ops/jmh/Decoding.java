package dev.linformer.ops.jmh;

import dev.linformer.ops.Visibility;
import dev.linformer.ops.attention.AttentionSpec;
import dev.linformer.ops.attention.IncrementalDecoding;
import dev.linformer.ops.attention.MultiHeadAttention;
import dev.linformer.ops.projection.LearnedProjection;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** The last position of n, on a state of all before it. */
final class Decoding {

  private Decoding() {}

  static Operand<TFloat32> step(Ops tf, Resident values, long n) {
    LearnedProjection<TFloat32> e = values.projection(Operation.K, n);
    AttentionSpec spec =
        new AttentionSpec(Operation.C, Operation.H, Operation.D, null, false, Visibility.CAUSAL);
    var before =
        new IncrementalDecoding.State<>(
            values.of("keys", 1, Operation.H, Operation.K, Operation.D),
            values.of("values", 1, Operation.H, Operation.K, Operation.D)); // [1,h,k,d]
    var attention = MultiHeadAttention.declare(values, "attention", spec, e, e);
    Operand<TFloat32> x = values.of("x", 1, 1, Operation.C);
    return IncrementalDecoding.step(tf, attention, x, tf.constant(n - 1), before)
        .output(); // [1,1,c]
  }
}
