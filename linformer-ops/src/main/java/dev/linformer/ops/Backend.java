package dev.linformer.ops;

/**
 * What computes the layers of a model. It is chosen once, where the weights come from: layers that
 * are declared from {@link ParameterFactory#on} have its backend.
 *
 * <pre>{@code
 * Model<TFloat32> model = config.declare(variables.on(Backend.GPU_KERNELS));
 * }</pre>
 */
public enum Backend {

  /** TensorFlow's own operations, on any device. */
  PORTABLE,

  /**
   * Kernels for graphs that run on an NVIDIA GPU with XLA, and nowhere else. Where there is a
   * kernel for their sizes and type,
   *
   * <ul>
   *   <li>an attention is one kernel, so that no scores [b,h,n,k] are written to memory; those with
   *       dropout on P̄, causal ones and those that a mask hides positions from are not;
   *   <li>a {@link LayerNorm} reads its input once;
   *   <li>the GELU of a {@link FeedForward} and the bias before it are one kernel, outside training
   *       the product before that too.
   * </ul>
   *
   * The rest is as with {@link #PORTABLE}. Batches must have a known size.
   */
  GPU_KERNELS
}
