package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.kernel.MatrixBlocks;

/**
 * The sizes of a {@link FusedAttention} and how its kernels cut them into blocks, those that were
 * fastest on an H100. A program has some rows of queries and goes over the keys of a head, block by
 * block, so that scores and their softmax stay in its registers.
 *
 * <p>The three kernels are {@link AttentionForwardKernel}, {@link AttentionQueryGradientKernel} and
 * {@link AttentionKeyGradientKernel}. Forward, S = q·Kᵀ, P = softmax(S), o = P·V, and the logarithm
 * of each row's sum of exponentials is kept. Backward, with P from that logarithm, dP = do·Vᵀ, δ =
 * Σ P∘dP over a row and dS = P∘(dP − δ): dq = dS·K by rows, and dK = dSᵀ·q, dV = Pᵀ·do by keys, in
 * slices of rows that are added afterwards. This is the algebra of FlashAttention-2 (arXiv
 * 2307.08691).
 *
 * @param element {@code f32} or {@code bf16}
 * @param b sequences
 * @param h heads
 * @param n queries
 * @param k keys of a head, the compressed length
 * @param p width of a query and of a key
 * @param r width of a value
 * @param oneQuery whether all heads have the same queries
 * @param sumOutput whether the heads' outputs are added up
 */
record AttentionTiling(
    String element,
    long b,
    int h,
    int n,
    int k,
    int p,
    int r,
    boolean oneQuery,
    boolean sumOutput) {

  private static final int WARPS = 2_112; // 16 for each of an H100's multiprocessors
  private static final int ROWS_OF_A_WARP = 16; // of a product, by its matrix units
  private static final int LEAST_WARPS = 4;
  private static final int MOST_KEPT = 256; // keys, whose scores are in a program's registers
  private static final int KEEPING = 264; // programs: two for each of an H100's multiprocessors

  /** Rows and keys that a program has at a time. */
  record Block(int rows, int keys) {

    /** Programs along n rows. */
    int count(long n) {
      return Math.toIntExact((n - 1) / rows + 1);
    }

    /** Warps of a program that works by rows. */
    int warps() {
      return rows / ROWS_OF_A_WARP;
    }
  }

  /** A width as a product takes it: the next power of two, at least 16. */
  static int padded(int width) {
    return MatrixBlocks.ofFactor(width);
  }

  /**
   * Whether the forward kernel takes values, and the query gradient's kernel keys once more, with
   * their last two axes exchanged: in float32, matrix units take a second factor that way alone.
   */
  boolean transposed() {
    return !isBfloat16();
  }

  private boolean isBfloat16() {
    return element.equals("bf16");
  }

  private Block block(int rows, int keys) {
    return new Block(rows, Math.min(keys, padded(k)));
  }

  /** Of the forward kernel. */
  Block forwardBlock() {
    return keepsKeys() ? block(64, MOST_KEPT) : block(64, 64);
  }

  /**
   * Whether forward a program keeps all keys and values of a head, and goes over some of the rows:
   * no scores are shrunk, since all of a row are there at once.
   */
  boolean keepsKeys() {
    return small() && !oneQuery && !sumOutput && k <= MOST_KEPT;
  }

  /** Programs of the forward kernel along the rows. */
  int forwardPrograms() {
    int blocks = forwardBlock().count(n);
    if (!keepsKeys()) {
      return blocks;
    }
    int turns = Math.toIntExact((blocks * b * h - 1) / KEEPING + 1);
    return (blocks - 1) / turns + 1;
  }

  /** One more than the turns by which the forward kernel's loads are ahead, as fast as it gets. */
  int forwardStages() {
    return keepsKeys() ? 3 : 2;
  }

  /** One more than the turns by which the query gradient's loads are ahead. */
  int rowStages() {
    return small() && sumOutput ? 3 : 1;
  }

  /** One more than the turns by which the key gradient's loads are ahead. */
  int keyStages() {
    return small() ? 3 : 1;
  }

  /** Whether shared memory has room for several turns' factors. */
  private boolean small() {
    return isBfloat16() && Math.max(p, r) <= 64;
  }

  /** Of the query gradient's kernel: if it goes over the keys twice, of as many as can be kept. */
  Block rowBlock() {
    return sumOutput ? block(128, 128) : block(64, 64);
  }

  /** Of the key gradient's kernel. */
  Block keyBlock() {
    return small() ? block(128, 64) : block(64, 128);
  }

  /** Warps of a program that works by keys. */
  int keyWarps() {
    return Math.max(LEAST_WARPS, keyBlock().keys / ROWS_OF_A_WARP);
  }

  /** How many such blocks the keys of a head are. */
  int keyBlocks(Block block) {
    return (k - 1) / block.keys + 1;
  }

  /** Blocks of keys of the key gradient's kernel. */
  int keyBlocks() {
    return keyBlocks(keyBlock());
  }

  /** Slices of the rows for dK and dV. */
  int slices() {
    return (n - 1) / slice() + 1;
  }

  /** Rows of a slice. */
  int slice() {
    long others = b * h * keyBlocks();
    long programs = WARPS / keyWarps();
    long wanted = (programs + others - 1) / others;
    int blocks = keyBlock().count(n);
    return Math.toIntExact((blocks + wanted - 1) / wanted) * keyBlock().rows;
  }
}
