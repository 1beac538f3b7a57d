package dev.linformer.ops.jmh;

import dev.linformer.ops.Activation;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.LayerNorm;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.attention.AttentionSpec;
import dev.linformer.ops.attention.MultiHeadAttention;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.attention.CausalLinearAttention;
import dev.linformer.ops.projection.LearnedProjection;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** What takes a model's time, each by itself, in the sizes of the README's example. */
public enum Operation {
  /** All of a multi-head attention: compressing, scores, softmax, mixing, the output's map. */
  ATTENTION {
    @Override
    Operand<TFloat32> call(Ops tf, Resident values, long n) {
      LearnedProjection<TFloat32> e = values.projection(K, n);
      return MultiHeadAttention.declare(values, "attention", new AttentionSpec(C, H, D), e, e)
          .call(tf, values.of("x", 1, n, C), 0, null); // [1,n,c]
    }
  },
  /** E·x. */
  COMPRESS {
    @Override
    Operand<TFloat32> call(Ops tf, Resident values, long n) {
      LearnedProjection<TFloat32> e = values.projection(K, n);
      return e.addBias(tf, e.compress(tf, values.of("x", 1, n, C))); // [1,k,c]
    }
  },
  /** Over the compressed positions of each head. */
  SOFTMAX {
    @Override
    Operand<TFloat32> call(Ops tf, Resident values, long n) {
      return Float32Math.softmax(tf, values.of("scores", 1, n, H, K)); // [1,n,h,k]
    }
  },
  /** Prefix by prefix. */
  CAUSAL {
    @Override
    Operand<TFloat32> call(Ops tf, Resident values, long n) {
      LearnedProjection<TFloat32> e = values.projection(K, n);
      return CausalLinearAttention.call(
          tf,
          values.of("queries", 1, H, n, D),
          values.of("keys", 1, H, n, D),
          values.of("values", 1, H, n, D),
          e,
          e,
          CausalLinearAttention.chunkFor(n, K, D),
          0,
          null); // [1,h,n,d]
    }
  },
  LAYER_NORM {
    @Override
    Operand<TFloat32> call(Ops tf, Resident values, long n) {
      return LayerNorm.declare(values, "norm", C).call(tf, values.of("x", 1, n, C)); // [1,n,c]
    }
  },
  GELU {
    @Override
    Operand<TFloat32> call(Ops tf, Resident values, long n) {
      return Activation.GELU.call(tf, values.of("x", 1, n, F)); // [1,n,f]
    }
  },
  /** Of a tenth. */
  DROPOUT {
    @Override
    Operand<TFloat32> call(Ops tf, Resident values, long n) {
      RandomKey key = new RandomKey(tf.constant(new long[] {1, 1}));
      return Dropout.apply(tf, values.of("x", 1, n, C), 0.1, key); // [1,n,c]
    }
  };

  static final int C = 64;
  static final int H = 4;
  static final int D = 256;
  static final int K = 128;
  static final int F = 128;

  abstract Operand<TFloat32> call(Ops tf, Resident values, long n);
}
