package dev.linformer.ops.internal.attention;

import dev.linformer.ops.internal.fused.FusedAttention;
import org.tensorflow.Operand;

/**
 * The order of an attention's products. All orders are the same function; their costs differ by
 * factors.
 *
 * @param compressFirst keys and values are made of E·x, (E·x)·W, and not E of the keys and values
 *     of all positions, E·(x·W)
 * @param foldQueries scores are x·(W_Q·K'ᵀ), and not (x·W_Q)·K'ᵀ
 * @param foldOutput the output is P̄·(V'·W_O), and not (P̄·V')·W_O
 * @param kernel scores, softmax and mixture are one kernel, which changes no other choice: scores
 *     have h·k columns in every order
 */
public record ContractionPlan(
    boolean compressFirst, boolean foldQueries, boolean foldOutput, boolean kernel) {

  /** How many multiplications and additions take as long as moving a byte, on a GPU. */
  private static final double OPERATIONS_A_BYTE = 100;

  private static final int BYTES = Float.BYTES;
  private static final int BACKWARD = 3; // a product has two gradients, each as dear as itself

  /** An order without a kernel. */
  public ContractionPlan(boolean compressFirst, boolean foldQueries, boolean foldOutput) {
    this(compressFirst, foldQueries, foldOutput, false);
  }

  /**
   * Sizes of an attention.
   *
   * @param n positions with queries
   * @param s positions with keys and values
   * @param c channels
   * @param h heads
   * @param keyHeads heads of keys and values
   * @param d width of a head
   * @param k compressed length
   * @param out width of the output's first map
   * @param projections different E's: 1 if E = F for all heads, 2 if they differ, 2·h if each head
   *     has its own
   */
  public record Sizes(
      long n, long s, long c, long h, long keyHeads, long d, long k, long out, long projections) {}

  /**
   * The cheapest order by operations and bytes of a sequence. All sequences of a batch cost the
   * same, so the batch's size has no part in it.
   *
   * @param training whether there is a backward pass, which costs each product twice more, but not
   *     what is made of weights alone
   */
  public static ContractionPlan choose(Sizes sizes, boolean training) {
    return new ContractionPlan(
        compressing(sizes, true) <= compressing(sizes, false),
        scoring(sizes, true, training) < scoring(sizes, false, training),
        mixing(sizes, true, training) < mixing(sizes, false, training));
  }

  /**
   * This order, in one kernel if there is one for it.
   *
   * @param x queries' source, [b,n,c]
   */
  ContractionPlan inKernel(Sizes z, Operand<?> x) {
    long p = foldQueries ? z.c : z.d;
    long r = foldOutput ? z.out : z.d;
    return new ContractionPlan(
        compressFirst, foldQueries, foldOutput, FusedAttention.fits(x, z.h, z.k, p, r));
  }

  /**
   * The cost of this order for one sequence, in bytes moved: operations count as the bytes that a
   * GPU moves meanwhile.
   */
  public double cost(Sizes sizes, boolean training) {
    return (training ? BACKWARD : 1) * compressing(sizes, compressFirst)
        + scoring(sizes, foldQueries, training)
        + mixing(sizes, foldOutput, training);
  }

  /** Keys and values of k positions. */
  private static double compressing(Sizes z, boolean first) {
    boolean perHead = z.projections > 2;
    long width = (perHead ? z.h : z.keyHeads) * z.d; // of K' and of V'
    return first
        ? product(z.projections * z.k, z.s, z.c) + 2 * product(z.k, z.c, width)
        : 2 * (product(z.s, z.c, z.keyHeads * z.d) + product(z.k, z.s, width));
  }

  /** Scores of n positions against k, given K'. */
  private static double scoring(Sizes z, boolean folded, boolean training) {
    double times = training ? BACKWARD : 1;
    long hd = z.h * z.d;
    long hk = z.h * z.k;
    return times
        * (folded
            ? product(z.c, z.d, hk) + product(z.n, z.c, hk)
            : product(z.n, z.c, hd) + product(z.n, z.d, hk));
  }

  /** The output of n positions, given P̄ and V'. */
  private static double mixing(Sizes z, boolean folded, boolean training) {
    double times = training ? BACKWARD : 1;
    long hd = z.h * z.d;
    long hk = z.h * z.k;
    return times
        * (folded
            ? product(hk, z.d, z.out) + product(z.n, hk, z.out)
            : product(z.n, z.k, hd) + product(z.n, hd, z.out));
  }

  /** [p,q]·[q,r]: operations, and its output written and read once. */
  private static double product(long p, long q, long r) {
    return 2.0 * p * q * r / OPERATIONS_A_BYTE + 2.0 * BYTES * p * r;
  }

  /** In words. */
  @Override
  public String toString() {
    return "%s, %s, %s%s"
        .formatted(
            compressFirst ? "(E·x)·W" : "E·(x·W)",
            foldQueries ? "x·(W_Q·K'ᵀ)" : "(x·W_Q)·K'ᵀ",
            foldOutput ? "P·(V'·W_O)" : "(P·V')·W_O",
            kernel ? ", in one kernel" : "");
  }
}
