package dev.linformer.ops.attention;

import dev.linformer.ops.internal.kernel.KernelText;
import dev.linformer.ops.internal.kernel.MatrixBlocks;
import dev.linformer.ops.internal.kernel.Tile;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of {@link FusedAttention} for given sizes: a program has some rows of queries and the
 * keys of a head, block by block, so that scores and their softmax stay in its registers.
 *
 * <p>Forward, S = q·Kᵀ, P = softmax(S), o = P·V, and the logarithm of each row's sum of
 * exponentials is kept. Backward, with P from that logarithm, dP = do·Vᵀ, δ = Σ P∘dP over a row and
 * dS = P∘(dP − δ): dq = dS·K by rows, and dK = dSᵀ·q, dV = Pᵀ·do by keys, in slices of rows that
 * are added afterwards. This is the algebra of FlashAttention-2 (arXiv 2307.08691).
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

  private static final int WARPS = 2_112; // 16 for each of an H100's multiprocessors
  private static final int ROWS_OF_A_WARP = 16; // of a product, by its matrix units
  private static final int LEAST_WARPS = 4;
  private static final int MOST_KEPT = 256; // keys, whose scores are in a program's registers
  private static final int LEAST_KEYS = 64; // of a half
  private static final int KEEPING = 264; // programs: two for each of an H100's multiprocessors

  /** Rows and keys that a program has at a time; those that were fastest on an H100. */
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

  private static int padded(int x) {
    return MatrixBlocks.ofFactor(x);
  }

  /**
   * Whether the forward kernel takes values, and the backward kernel by rows keys once more, with
   * their last two axes exchanged: in float32, matrix units take a second factor that way alone.
   */
  boolean turned() {
    return !narrow();
  }

  private boolean narrow() {
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

  /** The same of the backward kernel by rows. */
  int rowStages() {
    return small() && sumOutput ? 3 : 1;
  }

  /** The same of the backward kernel by keys. */
  int keyStages() {
    return small() ? 3 : 1;
  }

  /** Whether shared memory has room for several turns' factors. */
  private boolean small() {
    return narrow() && Math.max(p, r) <= 64;
  }

  /** Of the backward kernel by rows: if it goes over the keys twice, of as many as can be kept. */
  Block backwardBlock() {
    return sumOutput ? block(128, 128) : block(64, 64);
  }

  /** Of the backward kernel by keys. */
  private Block keyBlock() {
    return small() ? block(128, 64) : block(64, 128);
  }

  /** Warps of a program that works by keys. */
  int keyWarps() {
    return Math.max(LEAST_WARPS, keyBlock().keys / ROWS_OF_A_WARP);
  }

  private int keyBlocks(Block block) {
    return (k - 1) / block.keys + 1;
  }

  /** Blocks of keys of the kernel that works by keys. */
  int keyBlocks() {
    return keyBlocks(keyBlock());
  }

  /** Slices of the rows for dK and dV. */
  int slices() {
    return (n - 1) / slice() + 1;
  }

  /** Rows of a slice. */
  private int slice() {
    long others = b * h * keyBlocks();
    long programs = WARPS / keyWarps();
    long wanted = (programs + others - 1) / others;
    int some = keyBlock().count(n);
    return Math.toIntExact((some + wanted - 1) / wanted) * keyBlock().rows;
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

  /**
   * Pointers to [rows, width] of a matrix with a stride; the first row may be far from the start.
   */
  private static Tile matrix(KernelText t, Tile start, Rows rows, Tile columns, int stride) {
    Tile far = t.multiply(t.wide(rows.first), t.wide(t.number(stride)));
    Tile near = t.add(t.multiply(t.column(rows.numbers), t.number(stride)), t.row(columns));
    return t.offset(t.offset(start, far), near);
  }

  /** Start of a part of a buffer, the parts of so many rows of a width. */
  private static Tile part(KernelText t, Tile start, Tile number, int rows, int width) {
    Tile first = t.multiply(t.wide(number), t.wide(t.number(rows)));
    return t.offset(start, t.multiply(first, t.wide(t.number(width))));
  }

  /** A head's keys or values, [k,width], zero where padded. */
  private Tile side(KernelText t, Tile start, Tile pair, Rows rows, int width) {
    Tile columns = t.range(padded(width));
    Tile pointers = matrix(t, part(t, start, pair, k, width), rows, columns, width);
    return factor(t, t.load(pointers, t.both(rows.there, inside(t, columns, width))));
  }

  /** The same from a matrix that lies transposed, [width,k]. */
  private Tile turned(KernelText t, Tile start, Tile pair, Rows some, int width) {
    Tile numbers = t.range(padded(width));
    Tile near = t.add(t.multiply(t.column(numbers), t.number(k)), t.row(some.numbers)); // [width,k]
    Tile from = t.offset(part(t, start, pair, width, k), t.wide(some.first));
    Tile there = t.both(inside(t, numbers, width), some.there);
    return t.transpose(factor(t, t.load(t.offset(from, near), there))); // [k,width]
  }

  /** Rows of queries, of outputs or of their gradients. */
  private Tile rowsOf(
      KernelText t, Tile start, Tile batch, Tile head, Rows rows, boolean one, int width) {
    int stride = one ? width : h * width;
    Tile columns = t.range(padded(width));
    Tile from = part(t, start, batch, n, stride);
    Tile at = one ? from : part(t, from, head, 1, width);
    return factor(
        t,
        t.load(
            matrix(t, at, rows, columns, stride), t.both(rows.there, inside(t, columns, width))));
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
    Tile from = part(t, start, batch, n, stride);
    Tile at = one ? from : part(t, from, head, 1, width);
    t.store(
        matrix(t, at, rows, columns, stride),
        values,
        t.both(rows.there, inside(t, columns, width)));
  }

  /** As a product's factor, in the type of q. */
  private Tile factor(KernelText t, Tile x) {
    return element.equals("f32") ? t.rounded(x) : t.cast(x, element);
  }

  /** Numbers a row of a head, [b,h,n]. */
  private Tile numbers(KernelText t, Tile start, Tile pair, Rows rows) {
    return t.offset(t.offset(part(t, start, pair, n, 1), t.wide(rows.first)), rows.numbers);
  }

  /** A block of keys. */
  private Rows keysFrom(KernelText t, Tile first, Block block) {
    Tile numbers = t.range(block.keys);
    Tile there = k % block.keys == 0 ? null : t.less(t.add(numbers, first), t.number(k)); // [keys]
    return new Rows(first, numbers, there);
  }

  /** What a turn over heads, or over blocks of keys, does. */
  private interface Turn {
    List<Tile> of(Tile number, List<Tile> before);
  }

  /** All keys, a block at a time. */
  private List<Tile> blocksOfKeys(KernelText t, Block block, List<Tile> start, Turn turn) {
    Tile none = t.number(0);
    return keyBlocks(block) == 1
        ? turn.of(none, start)
        : t.loop(none, t.number(k), block.keys, start, turn::of);
  }

  /**
   * All heads in a program if they share something that it adds up, else one, in a loop too:
   * outside of one, XLA of TensorFlow 2.18 crashes at a product whose left factor is rounded to
   * bfloat16.
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

  /** Scores of a block of keys, −∞ where padded, [m,k]: no weight, however small the others are. */
  private Tile scores(KernelText t, Tile query, Tile key, Rows some) {
    Tile s = t.dot(query, t.transpose(key)); // [m,k]
    if (some.there == null) {
      return s;
    }
    return t.select(
        t.row(some.there),
        s,
        t.filled(Float.NEGATIVE_INFINITY, s.shape().toArray(new Integer[0]))); // [m,k]
  }

  /**
   * Arguments: q [b,n,p or h·p], K [b,h,k,p], V [b,h,k,r], or [b,h,r,k] if {@link #turned};
   * results: o [b,n,r or h·r], log Σ exp [b,h,n] in float32. Grid: {@link #forwardPrograms}, b or
   * b·h.
   */
  String forward(String name) {
    KernelText t = new KernelText(name);
    Tile q = t.pointer(element);
    Tile keys = t.pointer(element);
    Tile values = t.pointer(element);
    Tile output = t.pointer(element);
    Tile logs = t.pointer("f32");
    if (keepsKeys()) {
      forwardWithKeys(t, q, keys, values, output, logs);
    } else {
      forwardByBlocks(t, q, keys, values, output, logs);
    }
    return t.toString();
  }

  /** Some keys of a head and their values, [k,p] and [k,r]. */
  private record Side(Rows some, Tile key, Tile value) {}

  /**
   * The keys of a head are loaded once for many blocks of rows, in two halves: a lane goes through
   * its scores one by one, for the greatest and for the sum, and through half as many if those of
   * both halves meet first. The last rows, which the product before may have left in the cache,
   * come first; the sum, for which threads wait for each other, comes after the products.
   */
  private void forwardWithKeys(
      KernelText t, Tile q, Tile keys, Tile values, Tile output, Tile logs) {
    Block block = forwardBlock();
    int m = block.rows;
    Tile pair = t.programId('y');
    Tile batch = t.divide(pair, t.number(h));
    Tile head = t.rest(pair, t.number(h));
    Block half = block.keys < 2 * LEAST_KEYS ? block : new Block(m, block.keys / 2);
    List<Side> halves = new ArrayList<>();
    for (int first = 0; first < block.keys; first += half.keys) {
      Rows some = keysFrom(t, t.number(first), half);
      halves.add(
          new Side(some, side(t, keys, pair, some, p), side(t, values, pair, some, r))); // [k,·]
    }
    Tile start = t.filled(0, m); // a loop carries something
    Tile last = t.number((block.count(n) - 1) * m);
    t.loop(
        t.multiply(t.programId('x'), t.number(m)),
        t.number(n),
        m * forwardPrograms(),
        List.of(start),
        (row, before) -> {
          Rows rows = rowsFrom(t, t.subtract(last, row), m);
          Tile query = rowsOf(t, q, batch, head, rows, false, p); // [m,p]
          List<Tile> s = halves.stream().map(a -> scores(t, query, a.key, a.some)).toList();
          Tile most = t.greatest(s.stream().reduce(t::greater).orElseThrow(), 1); // [m]
          Tile scaled = t.column(binary(t, most)); // [m,1]
          List<Tile> e = s.stream().map(a -> t.exp2(t.subtract(binary(t, a), scaled))).toList();
          Tile sums = e.stream().reduce(t::add).orElseThrow(); // [m,k]
          Tile mixed = t.filled(0, m, padded(r)); // [m,r]
          for (int i = 0; i < halves.size(); i++) {
            mixed = t.dot(factor(t, e.get(i)), halves.get(i).value, mixed); // [m,r]
          }
          Tile total = t.sum(sums, 1); // [m]
          t.store(numbers(t, logs, pair, rows), t.add(most, t.log(total)), rows.there);
          Tile share = t.column(t.divide(t.filled(1, m), total)); // [m,1]
          storeRows(t, output, batch, head, rows, false, r, t.multiply(mixed, share));
          return before;
        });
  }

  /** As a power of two, what is one of e. */
  private static Tile binary(KernelText t, Tile x) {
    return t.multiply(x, t.filled((float) (1 / Math.log(2)), x.shape().toArray(new Integer[0])));
  }

  /** A block of keys after another, and what is known of a row so far is shrunk each time. */
  private void forwardByBlocks(
      KernelText t, Tile q, Tile keys, Tile values, Tile output, Tile logs) {
    Block block = forwardBlock();
    int m = block.rows;
    Rows rows = rowsFrom(t, t.multiply(t.programId('x'), t.number(m)), m);
    Tile second = t.programId('y');
    Tile batch = batch(t, sumOutput, second);
    Tile shared = oneQuery ? rowsOf(t, q, batch, second, rows, true, p) : null; // [m,p]
    Tile none = t.filled(0, m, padded(r)); // [m,r]
    List<Tile> start =
        List.of(t.filled(Float.NEGATIVE_INFINITY, m), t.filled(0, m), none); // [m], [m], [m,r]
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
              List<Tile> state =
                  blocksOfKeys(
                      t,
                      block,
                      start,
                      (first, so) -> {
                        Rows some = keysFrom(t, first, block);
                        Tile s = scores(t, query, side(t, keys, pair, some, p), some); // [m,k]
                        Tile most = t.greater(so.get(0), t.greatest(s, 1)); // [m]
                        Tile e = t.exp(t.subtract(s, t.column(most))); // [m,k]
                        Tile shrunk = t.exp(t.subtract(so.get(0), most)); // [m]
                        Tile total = t.add(t.multiply(so.get(1), shrunk), t.sum(e, 1)); // [m]
                        Tile kept = t.multiply(so.get(2), t.column(shrunk)); // [m,r]
                        Tile value =
                            turned()
                                ? turned(t, values, pair, some, r)
                                : side(t, values, pair, some, r); // [k,r]
                        return List.of(most, total, t.dot(factor(t, e), value, kept));
                      });
              Tile log = t.add(state.get(0), t.log(state.get(1))); // [m]
              t.store(numbers(t, logs, pair, rows), log, rows.there);
              Tile share = t.divide(t.filled(1, m), state.get(1)); // [m]
              return List.of(
                  t.add(before.get(0), t.multiply(state.get(2), t.column(share)))); // [m,r]
            });
    Tile head = t.rest(second, t.number(h));
    storeRows(t, output, batch, head, rows, sumOutput, r, sum.get(0));
  }

  /**
   * Arguments: q, K, V [b,h,k,r], do, log Σ exp, o unless it is a sum over heads, and Kᵀ [b,h,p,k]
   * if {@link #turned}; results: dq, of the shape of q, and δ [b,h,n] in float32. Grid: blocks of
   * rows, b or b·h.
   */
  String backwardByRows(String name) {
    KernelText t = new KernelText(name);
    Block block = backwardBlock();
    int m = block.rows;
    Tile q = t.pointer(element);
    Tile keys = t.pointer(element);
    Tile values = t.pointer(element);
    Tile dOutput = t.pointer(element);
    Tile logs = t.pointer("f32");
    Tile output = sumOutput ? null : t.pointer(element);
    Tile turnedKeys = turned() ? t.pointer(element) : null;
    Tile dQuery = t.pointer(element);
    Tile deltas = t.pointer("f32");
    Rows rows = rowsFrom(t, t.multiply(t.programId('x'), t.number(m)), m);
    Tile second = t.programId('y');
    Tile batch = batch(t, oneQuery, second);
    Tile query = oneQuery ? rowsOf(t, q, batch, second, rows, true, p) : null; // [m,p]
    Tile dOut = sumOutput ? rowsOf(t, dOutput, batch, second, rows, true, r) : null; // [m,r]
    List<Tile> sum =
        heads(
            t,
            oneQuery,
            second,
            List.of(t.filled(0, m, padded(p))),
            (head, before) -> {
              Tile pair = t.add(t.multiply(batch, t.number(h)), head);
              Tile x = query == null ? rowsOf(t, q, batch, head, rows, false, p) : query; // [m,p]
              Tile dy =
                  dOut == null ? rowsOf(t, dOutput, batch, head, rows, false, r) : dOut; // [m,r]
              Tile log = t.load(numbers(t, logs, pair, rows), rows.there); // [m]
              Mixture only =
                  keyBlocks(block) == 1
                      ? mixture(t, keys, values, pair, t.number(0), x, dy, log)
                      : null;
              Turn products =
                  (first, so) -> {
                    Mixture mixture =
                        only == null ? mixture(t, keys, values, pair, first, x, dy, log) : only;
                    Tile product = t.multiply(mixture.p, mixture.dP); // [m,k]
                    return List.of(t.add(so.get(0), t.sum(product, 1))); // [m]
                  };
              Tile delta; // [m]
              if (output == null) {
                delta = blocksOfKeys(t, block, List.of(t.filled(0, m)), products).get(0);
              } else {
                Tile y = rowsOf(t, output, batch, head, rows, false, r); // [m,r]
                delta = t.sum(t.multiply(t.cast(y, "f32"), t.cast(dy, "f32")), 1);
              }
              t.store(numbers(t, deltas, pair, rows), delta, rows.there);
              return blocksOfKeys(
                  t,
                  block,
                  before,
                  (first, so) -> {
                    Mixture mixture =
                        only == null ? mixture(t, keys, values, pair, first, x, dy, log) : only;
                    Tile dS =
                        t.multiply(mixture.p, t.subtract(mixture.dP, t.column(delta))); // [m,k]
                    Tile key =
                        turnedKeys == null
                            ? mixture.key
                            : turned(t, turnedKeys, pair, keysFrom(t, first, block), p); // [k,p]
                    return List.of(t.dot(factor(t, dS), key, so.get(0))); // [m,p]
                  });
            });
    Tile head = t.rest(second, t.number(h));
    storeRows(t, dQuery, batch, head, rows, oneQuery, p, sum.get(0));
    return t.toString();
  }

  /** P and dP of a block of keys, [m,k], and the keys, [k,p]. */
  private record Mixture(Tile p, Tile dP, Tile key) {}

  private Mixture mixture(
      KernelText t, Tile keys, Tile values, Tile pair, Tile first, Tile x, Tile dy, Tile log) {
    Rows some = keysFrom(t, first, backwardBlock());
    Tile key = side(t, keys, pair, some, p); // [k,p]
    Tile value = side(t, values, pair, some, r); // [k,r], asked for before the scores need time
    Tile s = scores(t, x, key, some); // [m,k]
    Tile dP = t.dot(dy, t.transpose(value)); // [m,k]
    return new Mixture(t.exp(t.subtract(s, t.column(log))), dP, key);
  }

  /**
   * Arguments: q, K, V, do, log Σ exp, δ; results: dK [slices,b,h,k,p] and dV [slices,b,h,k,r] in
   * float32. Grid: {@link #slices}, b·h, {@link #keyBlocks}.
   */
  String backwardByKeys(String name) {
    KernelText t = new KernelText(name);
    Block block = keyBlock();
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
    Rows some = keysFrom(t, t.multiply(t.programId('z'), t.number(block.keys)), block);
    Tile key = side(t, keys, pair, some, p); // [k,p]
    Tile value = side(t, values, pair, some, r); // [k,r]
    Tile from = t.multiply(slice, t.number(slice()));
    Tile to = t.least(t.add(from, t.number(slice())), t.number(n));
    List<Tile> sums =
        t.loop(
            from,
            to,
            block.rows,
            List.of(t.filled(0, block.keys, padded(p)), t.filled(0, block.keys, padded(r))),
            (row, before) -> {
              Rows rows = rowsFrom(t, row, block.rows);
              Tile x = rowsOf(t, q, batch, head, rows, oneQuery, p); // [m,p]
              Tile dy = rowsOf(t, dOutput, batch, head, rows, sumOutput, r); // [m,r]
              Tile log = t.load(numbers(t, logs, pair, rows), rows.there); // [m]
              Tile delta = t.load(numbers(t, deltas, pair, rows), rows.there); // [m]
              Tile s = t.dot(key, t.transpose(x)); // [k,m]
              Tile probability = t.exp(t.subtract(s, t.row(log))); // [k,m]
              Tile dV = t.dot(factor(t, probability), dy, before.get(1)); // [k,r]
              Tile dP = t.dot(value, t.transpose(dy)); // [k,m]
              Tile dS = t.multiply(probability, t.subtract(dP, t.row(delta))); // [k,m]
              return List.of(t.dot(factor(t, dS), x, before.get(0)), dV); // [k,p]
            });
    Tile sliceAndPair = t.add(t.multiply(slice, t.number(Math.toIntExact(b * h))), pair);
    storeSide(t, dKeys, sliceAndPair, some, p, sums.get(0));
    storeSide(t, dValues, sliceAndPair, some, r, sums.get(1));
    return t.toString();
  }

  private void storeSide(KernelText t, Tile start, Tile number, Rows rows, int width, Tile values) {
    Tile columns = t.range(padded(width));
    t.store(
        matrix(t, part(t, start, number, k, width), rows, columns, width),
        values,
        t.both(rows.there, inside(t, columns, width)));
  }
}
