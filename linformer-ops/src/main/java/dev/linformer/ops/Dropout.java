package dev.linformer.ops;

import dev.linformer.ops.internal.Scalars;
import dev.linformer.ops.internal.Shapes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Bitcast;
import org.tensorflow.op.core.Stack;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * Dropout whose mask is a pure function of a key: y = x·m/(1 − rate), m = 1 with probability 1 −
 * rate.
 *
 * <p>The draws of a position depend on the key, the position, its place in the batch and the
 * batch's size, and the draws of a head on its number as well: a part of the sequence, or of the
 * heads, computed by itself draws what it would draw in the whole, and with XLA what it draws
 * without.
 */
public final class Dropout {

  private static final int PHILOX = 1;
  private static final int VALUES_A_COUNT = 4; // what Philox draws at each value of its counter

  /**
   * Of Philox's bits the low ones, as whole numbers: TensorFlow makes floats of the low ones, XLA
   * of the high ones, and a part that is computed again may be compiled where the first was not.
   */
  private static final int DRAWS = 1 << 23;

  private static final long HEADS_APART = 0x9E3779B97F4A7C15L; // odd, so no two are equal

  private Dropout() {}

  /**
   * Sets values to zero, and divides the others by 1 − rate.
   *
   * @param x [b,n,w] or [b,h,n,w], of which only b may be unknown; or without positions, [b,w], [w]
   * @param rate share of values set to zero, in [0,1)
   * @param key null outside training: then, and at rate 0, no operation is added
   * @return the shape of x
   * @throws IllegalArgumentException if the rate is out of its range
   */
  public static <T extends TFloating> Operand<T> apply(
      Ops tf, Operand<T> x, double rate, @Nullable RandomKey key) {
    requireRate(rate);
    if (key == null || rate == 0) {
      return x;
    }
    Shape shape = x.shape();
    return switch (shape.numDimensions()) {
      case 1 -> {
        Operand<T> row = Shapes.reshape(tf, x, 1, 1, shape.get(0)); // [1,1,w]
        yield Shapes.reshape(tf, apply(tf, row, rate, key), shape.get(0)); // [w]
      }
      case 2 -> {
        Operand<T> rows = Shapes.reshape(tf, x, shape.get(0), 1, shape.get(1)); // [b,1,w]
        yield Shapes.reshape(tf, apply(tf, rows, rate, key), shape.asArray()); // [b,w]
      }
      case 3 -> {
        Operand<TBool> keep =
            keep(
                tf,
                batch(tf, x),
                shape.get(0),
                shape.get(1),
                shape.get(2),
                null,
                rate,
                key); // [b,n,w]
        yield drop(tf, x, keep, rate); // [b,n,w]
      }
      default -> ofHeads(tf, x, 1, null, rate, key); // [b,h,n,w]
    };
  }

  /**
   * Dropout of a product and its bias, which are added up if something is to be dropped.
   *
   * @param x [b,n,w], or without positions, [b,w]
   * @param rate share of values set to zero, in [0,1)
   * @param key null outside training
   * @return the shape of x
   * @throws IllegalArgumentException if the rate is out of its range
   */
  public static <T extends TFloating> LinearOutput<T> apply(
      Ops tf, LinearOutput<T> x, double rate, @Nullable RandomKey key) {
    requireRate(rate);
    return key == null || rate == 0 ? x : LinearOutput.none(apply(tf, x.sum(tf), rate, key));
  }

  /**
   * Dropout of some of the heads.
   *
   * @param x [b,h,n,w], or [b,n,h,w]
   * @param headAxis 1 or 2
   * @param numbers of these heads in the whole, [h]; null for 0 … h − 1
   * @param rate share of values set to zero, in [0,1)
   * @param key null outside training
   * @return the shape of x
   * @throws IllegalArgumentException if the rate is out of its range
   */
  public static <T extends TFloating> Operand<T> ofHeads(
      Ops tf,
      Operand<T> x,
      int headAxis,
      @Nullable Operand<TInt64> numbers,
      double rate,
      @Nullable RandomKey key) {
    requireRate(rate);
    if (key == null || rate == 0) {
      return x;
    }
    Shape shape = x.shape();
    Operand<TInt64> b = batch(tf, x);
    long n = shape.get(3 - headAxis);
    List<Operand<TBool>> keep = new ArrayList<>();
    for (int i = 0; i < shape.get(headAxis); i++) {
      Operand<TInt64> number =
          numbers == null ? tf.constant(new long[] {i}) : part(tf, numbers, i); // [1]
      keep.add(keep(tf, b, shape.get(0), n, shape.get(3), number, rate, key)); // [b,n,w]
    }
    return drop(tf, x, stack(tf, keep, headAxis), rate);
  }

  private static Operand<TBool> stack(Ops tf, List<Operand<TBool>> heads, int axis) {
    return heads.size() == 1
        ? tf.expandDims(heads.get(0), tf.constant(axis))
        : tf.stack(heads, Stack.axis((long) axis)); // [b,h,n,w], [b,n,h,w]
  }

  private static void requireRate(double rate) {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException("Dropout: rate in [0,1) expected, found " + rate);
    }
  }

  private static <T extends TFloating> Operand<TInt64> batch(Ops tf, Operand<T> x) {
    long b = x.shape().get(0);
    return b == Shape.UNKNOWN_SIZE
        ? tf.slice(
            tf.shape(x, TInt64.class), tf.constant(new int[] {0}), tf.constant(new int[] {1}))
        : tf.constant(new long[] {b}); // [1]
  }

  private static <T extends TFloating> Operand<T> drop(
      Ops tf, Operand<T> x, Operand<TBool> keep, double rate) {
    Class<T> type = x.type();
    Operand<T> scaled = tf.math.mul(x, Scalars.of(tf, 1 / (1 - rate), type));
    return tf.select(keep, scaled, Scalars.of(tf, 0, type));
  }

  /**
   * [b,n,w]. Draws are made position by position, n first, so that those of a part lie together and
   * their first is found by setting Philox's counter.
   *
   * @param b [1]
   * @param head [1], or null for draws that are not a head's
   */
  private static Operand<TBool> keep(
      Ops tf,
      Operand<TInt64> b,
      long staticB,
      long n,
      long w,
      @Nullable Operand<TInt64> head,
      double rate,
      RandomKey key) {
    long counts = (w + VALUES_A_COUNT - 1) / VALUES_A_COUNT; // a position and sequence
    long drawn = counts * VALUES_A_COUNT;
    Operand<TInt64> shape =
        tf.concat(
            List.of(tf.constant(new long[] {n}), b, tf.constant(new long[] {drawn})),
            tf.constant(0)); // [3]
    Operand<TInt64> first = tf.constant(new long[] {0});
    if (key.from() != null) {
      Operand<TInt64> skipped = tf.math.mul(b, tf.constant(new long[] {counts}));
      first = tf.math.mul(tf.reshape(key.from(), tf.constant(new int[] {1})), skipped); // [1]
    }
    Operand<TInt64> seed = part(tf, key.seed(), 0); // [1]
    Operand<TInt64> step = part(tf, key.seed(), 1); // [1]
    seed = tf.math.add(seed, tf.constant(new long[] {key.salt()})); // [1]
    if (head != null) {
      seed = tf.math.add(seed, tf.math.mul(head, tf.constant(new long[] {HEADS_APART}))); // [1]
    }
    Output<?> philoxKey = unsigned(tf, seed);
    Output<?> counter = unsigned(tf, tf.concat(List.of(first, step), tf.constant(0)));
    Operand<TInt32> bits =
        tf.random.statelessRandomUniformFullIntV2(
            shape, philoxKey, counter, tf.constant(PHILOX), TInt32.class); // [n,b,drawn]
    Operand<TInt32> low = tf.bitwise.bitwiseAnd(bits, tf.constant(DRAWS - 1)); // [n,b,drawn]
    int dropped = (int) Math.ceil((float) rate * (double) DRAWS); // of the equally likely draws
    Operand<TBool> keep = tf.math.greaterEqual(low, tf.constant(dropped)); // [n,b,drawn]
    if (drawn != w) {
      keep = Shapes.slice(tf, keep, 2, 0, w); // [n,b,w]
    }
    return staticB == 1
        ? Shapes.reshape(tf, keep, 1, n, w) // [1,n,w]
        : tf.linalg.transpose(keep, tf.constant(new int[] {1, 0, 2})); // [b,n,w]
  }

  private static Operand<TInt64> part(Ops tf, Operand<TInt64> seed, int i) {
    return tf.slice(seed, tf.constant(new int[] {i}), tf.constant(new int[] {1})); // [1]
  }

  /** TensorFlow Java has no class for uint64. */
  private static Output<?> unsigned(Ops tf, Operand<TInt64> x) {
    var builder = tf.scope().opBuilder(Bitcast.OP_NAME, "unsigned");
    builder.addInput(x.asOutput());
    builder.setAttr("type", DataType.DT_UINT64);
    return builder.build().output(0);
  }
}
