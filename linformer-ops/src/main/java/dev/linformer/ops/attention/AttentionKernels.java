package dev.linformer.ops.attention;

import dev.linformer.ops.kernel.KernelText;
import dev.linformer.ops.kernel.Tile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of {@link FusedAttention} for given sizes: a program has some rows of queries and all
 * k keys of a head, so that scores and their softmax stay in its registers.
 *
 * <p>Forward, S = q·Kᵀ, P = softmax(S), o = P·V, and the logarithm of each row's sum of
 * exponentials is kept. Backward, with P from that logarithm, dP = do·Vᵀ, δ = Σ P∘dP over a row and
 * dS = P∘(dP − δ): dq = dS·K by rows, and dK = dSᵀ·q, dV = Pᵀ·do by keys, in slices of rows that
 * are added afterwards. This is the algebra of FlashAttention-2 (arXiv 2307.08691), for few keys.
 *
 * @param element {@code f32} or {@code bf16}
 * @param h heads
 * @param n queries
 * @param k keys
 * @param p width of a query and of a key
 * @param r width of a value
 * @param oneQuery whether all heads have the same queries
 * @param sumOutput whether the heads' outputs are added up
 */
record AttentionKernels(
    String element,
    long b,
    int h,
    int n,
    int k,
    int p,
    int r,
    boolean oneQuery,
    boolean sumOutput) {

  private static final int SCORES =
      1 << 14; // that a program of 256 threads holds: 64 registers each
  private static final int ROWS = Integer.getInteger("rows", 128);
  private static final int KEYS =
      Integer.getInteger("keys", 128); // of a program that makes dK and dV
  private static final int SOME_ROWS = Integer.getInteger("some", 64); // at a time, of the same
  private static final int PROGRAMS =
      264; // two for each multiprocessor of the largest GPU of today

  /** The power of two that holds x, at least what a matrix unit takes. */
  static int padded(int x) {
    return Math.max(16, x == 1 ? 1 : Integer.highestOneBit(x - 1) * 2);
  }

  /** Rows of a program that works by rows. */
  int rows() {
    return Math.max(16, Math.min(ROWS, SCORES / padded(k)));
  }

  /** Programs along the rows. */
  int blocks() {
    return (n + rows() - 1) / rows();
  }

  /** Blocks of keys of a program that works by keys. */
  int keyBlocks() {
    return (padded(k) + KEYS - 1) / KEYS;
  }

  private int keyBlock() {
    return Math.min(KEYS, padded(k));
  }

  /** Slices of the rows for dK and dV. */
  int slices() {
    long others = b * h * keyBlocks();
    int most = (n - 1) / SOME_ROWS + 1;
    return (int) Math.max(1, Math.min(most, (PROGRAMS + others - 1) / others));
  }

  /** Rows of a slice. */
  private int slice() {
    int each = (n + slices() - 1) / slices();
    return (each + SOME_ROWS - 1) / SOME_ROWS * SOME_ROWS;
  }

  /** Where rows of a matrix of one sequence lie, and which of them there are. */
  private record Rows(Tile first, Tile numbers, @Nullable Tile there) {}

  private Rows rowsFrom(KernelText t, Tile first, int count) {
    Tile numbers = t.range(count);
    Tile there = n % count == 0 ? null : t.less(t.add(numbers, first), t.number(n));
    return new Rows(first, numbers, there);
  }

  /** Columns of a matrix that is padded to a power of two. */
  private static @Nullable Tile inside(KernelText t, Tile columns, int width) {
    return columns.shape().get(0) == width ? null : t.less(columns, t.number(width));
  }

  private static @Nullable Tile both(KernelText t, @Nullable Tile rows, @Nullable Tile columns) {
    if (rows == null) {
      return columns == null ? null : t.row(columns);
    }
    return columns == null ? t.column(rows) : t.and(t.column(rows), t.row(columns));
  }

  /**
   * Pointers to [rows, width] of a matrix with a stride; the first row may be far from the start.
   */
  private static Tile matrix(KernelText t, Tile start, Rows rows, Tile columns, int stride) {
    Tile far = t.multiply(t.wide(rows.first), t.wide(t.number(stride)));
    Tile near = t.add(t.multiply(t.column(rows.numbers), t.number(stride)), t.row(columns));
    return t.offset(t.offset(start, far), near);
  }

  /** Start of a part of a buffer, the parts of equal size. */
  private static Tile part(KernelText t, Tile start, Tile number, long size) {
    Tile wide = t.wide(number);
    Tile by = t.multiply(wide, t.wide(t.number(Math.toIntExact(size))));
    return t.offset(start, by);
  }

  /** A head's keys or values, [k,width], zero where padded. */
  private Tile side(KernelText t, Tile start, Tile pair, Rows rows, int width) {
    Tile columns = t.range(padded(width));
    Tile pointers = matrix(t, part(t, start, pair, (long) k * width), rows, columns, width);
    return t.load(pointers, both(t, rows.there, inside(t, columns, width)));
  }

  /** Rows of queries, of outputs or of their gradients. */
  private Tile rowsOf(
      KernelText t, Tile start, Tile batch, Tile head, Rows rows, boolean one, int width) {
    int stride = one ? width : h * width;
    Tile columns = t.range(padded(width));
    Tile from = part(t, start, batch, (long) n * stride);
    Tile at = one ? from : part(t, from, head, width);
    return t.load(
        matrix(t, at, rows, columns, stride), both(t, rows.there, inside(t, columns, width)));
  }

  private void storeRows(
      KernelText t,
      Tile start,
      Tile batch,
      Tile head,
      Rows rows,
      boolean one,
      int width,
      Tile values) {
    int stride = one ? width : h * width;
    Tile columns = t.range(padded(width));
    Tile from = part(t, start, batch, (long) n * stride);
    Tile at = one ? from : part(t, from, head, width);
    t.store(
        matrix(t, at, rows, columns, stride),
        values,
        both(t, rows.there, inside(t, columns, width)));
  }

  /** Numbers a row of a head, [b,h,n]. */
  private Tile numbers(KernelText t, Tile start, Tile pair, Rows rows) {
    return t.offset(t.offset(part(t, start, pair, n), t.wide(rows.first)), rows.numbers);
  }

  private Rows allKeys(KernelText t) {
    Tile numbers = t.range(padded(k));
    return new Rows(t.number(0), numbers, padded(k) == k ? null : t.less(numbers, t.number(k)));
  }

  /** What a turn over the heads does. */
  private interface Turn {
    List<Tile> of(Tile head, List<Tile> before);
  }

  /**
   * All heads in a program if they share something that it adds up, else one, in a loop too: outside
   * of one, XLA of TensorFlow 2.18 crashes at a product whose left factor is rounded to bfloat16.
   *
   * @param together whether they do
   */
  private List<Tile> heads(
      KernelText t, boolean together, Tile second, List<Tile> start, Turn turn) {
    Tile from = together ? t.number(0) : t.rest(second, t.number(h));
    Tile to = together ? t.number(h) : t.least(t.add(from, t.number(1)), t.number(h));
    return t.loop(from, to, 1, start, turn::of);
  }

  private Tile batch(KernelText t, boolean together, Tile second) {
    return together ? second : t.divide(second, t.number(h));
  }

  /**
   * Arguments: q [b,n,p or h·p], K [b,h,k,p], V [b,h,k,r]; results: o [b,n,r or h·r], log Σ exp
   * [b,h,n] in float32. Grid: {@link #blocks}, b or b·h.
   */
  String forward(String name) {
    KernelText t = new KernelText(name);
    Tile q = t.pointer(element);
    Tile keys = t.pointer(element);
    Tile values = t.pointer(element);
    Tile output = t.pointer(element);
    Tile logs = t.pointer("f32");
    Rows rows = rowsFrom(t, t.multiply(t.programId('x'), t.number(rows())), rows());
    Tile second = t.programId('y');
    Tile batch = batch(t, sumOutput, second);
    Tile shared = oneQuery ? rowsOf(t, q, batch, second, rows, true, p) : null; // [m,p]
    Rows all = allKeys(t);
    Tile none = t.filled(0, rows(), padded(r));
    List<Tile> sum =
        heads(
            t,
            sumOutput,
            second,
            List.of(none),
            (head, before) -> {
              Tile pair = t.add(t.multiply(batch, t.number(h)), head);
              Tile query =
                  shared == null ? rowsOf(t, q, batch, head, rows, false, p) : shared; // [m,p]
              Tile s = t.dot(query, t.transpose(side(t, keys, pair, all, p))); // [m,k]
              if (all.there != null) {
                s =
                    t.select(
                        t.row(all.there), s, t.filled(Float.NEGATIVE_INFINITY, rows(), padded(k)));
              }
              Tile most = t.greatest(s, 1); // [m]
              Tile e = t.exp(t.subtract(s, t.column(most))); // [m,k]
              Tile total = t.sum(e, 1); // [m]
              Tile mixture = t.cast(t.divide(e, t.column(total)), element); // [m,k]
              t.store(numbers(t, logs, pair, rows), t.add(most, t.log(total)), rows.there);
              return List.of(t.dot(mixture, side(t, values, pair, all, r), before.get(0))); // [m,r]
            });
    Tile head = t.rest(second, t.number(h));
    storeRows(t, output, batch, head, rows, sumOutput, r, sum.get(0));
    return t.toString();
  }

  /**
   * Arguments: q, K, V, do, log Σ exp; results: dq, of the shape of q, and δ [b,h,n] in float32.
   * Grid: {@link #blocks}, b or b·h.
   */
  String backwardByRows(String name) {
    KernelText t = new KernelText(name);
    Tile q = t.pointer(element);
    Tile keys = t.pointer(element);
    Tile values = t.pointer(element);
    Tile dOutput = t.pointer(element);
    Tile logs = t.pointer("f32");
    Tile dQuery = t.pointer(element);
    Tile deltas = t.pointer("f32");
    Rows rows = rowsFrom(t, t.multiply(t.programId('x'), t.number(rows())), rows());
    Tile second = t.programId('y');
    Tile batch = batch(t, oneQuery, second);
    Tile query = oneQuery ? rowsOf(t, q, batch, second, rows, true, p) : null; // [m,p]
    Tile dOut = sumOutput ? rowsOf(t, dOutput, batch, second, rows, true, r) : null; // [m,r]
    Rows all = allKeys(t);
    List<Tile> sum =
        heads(
            t,
            oneQuery,
            second,
            List.of(t.filled(0, rows(), padded(p))),
            (head, before) -> {
              Tile pair = t.add(t.multiply(batch, t.number(h)), head);
              Tile x = query == null ? rowsOf(t, q, batch, head, rows, false, p) : query;
              Tile dy = dOut == null ? rowsOf(t, dOutput, batch, head, rows, false, r) : dOut;
              Tile key = side(t, keys, pair, all, p); // [k,p]
              Tile s = t.dot(x, t.transpose(key)); // [m,k]
              Tile log = t.load(numbers(t, logs, pair, rows), rows.there); // [m]
              Tile probability = t.exp(t.subtract(s, t.column(log))); // [m,k]
              Tile dP = t.dot(dy, t.transpose(side(t, values, pair, all, r))); // [m,k]
              Tile product = t.multiply(probability, dP); // [m,k]
              Tile delta = t.sum(product, 1); // [m]
              t.store(numbers(t, deltas, pair, rows), delta, rows.there);
              Tile dS = t.subtract(product, t.multiply(probability, t.column(delta))); // [m,k]
              return List.of(t.dot(t.cast(dS, element), key, before.get(0))); // [m,p]
            });
    Tile head = t.rest(second, t.number(h));
    storeRows(t, dQuery, batch, head, rows, oneQuery, p, sum.get(0));
    return t.toString();
  }

  /**
   * Arguments: q, K, V, do, log Σ exp, δ; results: dK [slices,b,h,k,p] and dV [slices,b,h,k,r] in
   * float32. Grid: {@link #slices}, b·h, {@link #keyBlocks}.
   */
  String backwardByKeys(String name) {
    KernelText t = new KernelText(name);
    Tile q = t.pointer(element);
    Tile keys = t.pointer(element);
    Tile values = t.pointer(element);
    Tile dOutput = t.pointer(element);
    Tile logs = t.pointer("f32");
    Tile deltas = t.pointer("f32");
    Tile dKeys = t.pointer("f32");
    Tile dValues = t.pointer("f32");
    Tile slice = t.programId('x');
    Tile pair = t.programId('y');
    Tile batch = t.divide(pair, t.number(h));
    Tile head = t.rest(pair, t.number(h));
    Tile first = t.multiply(t.programId('z'), t.number(keyBlock()));
    Tile keyNumbers = t.range(keyBlock());
    boolean full = padded(k) == k;
    Rows some =
        new Rows(first, keyNumbers, full ? null : t.less(t.add(keyNumbers, first), t.number(k)));
    Tile key = side(t, keys, pair, some, p); // [k,p]
    Tile value = side(t, values, pair, some, r); // [k,r]
    Tile from = t.multiply(slice, t.number(slice()));
    Tile to = t.least(t.add(from, t.number(slice())), t.number(n));
    List<Tile> sums =
        t.loop(
            from,
            to,
            SOME_ROWS,
            List.of(t.filled(0, keyBlock(), padded(p)), t.filled(0, keyBlock(), padded(r))),
            (row, before) -> {
              Rows rows = rowsFrom(t, row, SOME_ROWS);
              Tile x = rowsOf(t, q, batch, head, rows, oneQuery, p); // [m,p]
              Tile dy = rowsOf(t, dOutput, batch, head, rows, sumOutput, r); // [m,r]
              Tile log = t.load(numbers(t, logs, pair, rows), rows.there); // [m]
              Tile delta = t.load(numbers(t, deltas, pair, rows), rows.there); // [m]
              Tile s = t.dot(key, t.transpose(x)); // [k,m]
              Tile probability = t.exp(t.subtract(s, t.row(log))); // [k,m]
              Tile dV = t.dot(t.cast(probability, element), dy, before.get(1)); // [k,r]
              Tile dP = t.dot(value, t.transpose(dy)); // [k,m]
              Tile dS = t.multiply(probability, t.subtract(dP, t.row(delta))); // [k,m]
              return List.of(t.dot(t.cast(dS, element), x, before.get(0)), dV); // [k,p]
            });
    Tile sliceAndPair = t.add(t.multiply(slice, t.number(Math.toIntExact(b * h))), pair);
    storeSide(t, dKeys, sliceAndPair, some, p, sums.get(0));
    storeSide(t, dValues, sliceAndPair, some, r, sums.get(1));
    return t.toString();
  }

  private void storeSide(KernelText t, Tile start, Tile number, Rows rows, int width, Tile values) {
    Tile columns = t.range(padded(width));
    t.store(
        matrix(t, part(t, start, number, (long) k * width), rows, columns, width),
        values,
        both(t, rows.there, inside(t, columns, width)));
  }
}
