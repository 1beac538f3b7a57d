package dev.linformer.ops;

import dev.linformer.ops.internal.Scalars;
import dev.linformer.ops.internal.Shapes;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.framework.initializers.Initializer;
import org.tensorflow.framework.initializers.Ones;
import org.tensorflow.framework.initializers.RandomNormal;
import org.tensorflow.framework.initializers.RandomUniform;
import org.tensorflow.framework.initializers.Zeros;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * How a weight starts.
 *
 * @param distribution the family of the values
 * @param scale half the width of a uniform distribution, the standard deviation of a normal one;
 *     the value of blocks; 1/√n of cosines; unused by constants
 */
public record Initialization(Distribution distribution, double scale) {

  private static final long MOST_DRAWN = 1L << 30; // TensorFlow counts draws in int32 on GPUs

  /** A family of initial values. */
  public enum Distribution {
    /** All 0. */
    ZEROS,
    /** All 1. */
    ONES,
    /** Uniform on [-scale, scale). */
    UNIFORM,
    /** Normal with mean 0 and standard deviation {@code scale}. */
    NORMAL,
    /** Of the last two axes [k,n], {@code scale} at column i of row ⌊i·k/n⌋, and 0 elsewhere. */
    BLOCKS,
    /**
     * Of the last two axes [k,n], the first k rows of the orthonormal discrete cosine transform
     * (DCT-II): at column i of row r, √2·{@code scale}·cos(π·(2i + 1)·r/(2n)), and {@code scale} in
     * row 0.
     */
    COSINES;

    /** Whether values are drawn at random; others depend on their place. */
    private boolean isRandom() {
      return switch (this) {
        case UNIFORM, NORMAL -> true;
        case ZEROS, ONES, BLOCKS, COSINES -> false;
      };
    }
  }

  /** All values 0. */
  public static final Initialization ZEROS = new Initialization(Distribution.ZEROS, 0);

  /** All values 1. */
  public static final Initialization ONES = new Initialization(Distribution.ONES, 0);

  /** Uniform on ±1/√fanIn: what PyTorch gives the weight and the bias of a Linear. */
  public static Initialization linear(long fanIn) {
    return new Initialization(Distribution.UNIFORM, 1 / Math.sqrt((double) fanIn));
  }

  /** Xavier (Glorot) normal: variance 2/(fanIn + fanOut). Used for E and F. */
  public static Initialization xavierNormal(long fanIn, long fanOut) {
    return normal(Math.sqrt(2.0 / (fanIn + fanOut)));
  }

  /** Rows that sum n/k neighbouring positions each, of norm 1 if k divides n. */
  public static Initialization blocks(long k, long n) {
    return new Initialization(Distribution.BLOCKS, Math.sqrt((double) k / n));
  }

  /** Rows of the discrete cosine transform of n values, of norm 1 and orthogonal to each other. */
  public static Initialization cosines(long n) {
    return new Initialization(Distribution.COSINES, 1 / Math.sqrt((double) n));
  }

  /** Normal with mean 0 and the given standard deviation. */
  public static Initialization normal(double standardDeviation) {
    return new Initialization(Distribution.NORMAL, standardDeviation);
  }

  /**
   * The initial value as an operand. Equal seeds give equal values, on every platform.
   *
   * @param shape of the weight; for {@link Distribution#BLOCKS} [...,k,n]
   * @param seed used by the random families only
   * @return of that shape
   */
  public <T extends TFloating> Operand<T> operand(Ops tf, Shape shape, Class<T> type, long seed) {
    return operand(tf, shape, type, seed, 1);
  }

  /**
   * @param distance of what is too large to be drawn at once, how far the seed of the second half
   *     is from the first's; twice as far in each half, so that no two parts have the same
   */
  private <T extends TFloating> Operand<T> operand(
      Ops tf, Shape shape, Class<T> type, long seed, long distance) {
    // What is not drawn needs no halves, and may depend on the number of rows.
    if (distribution.isRandom() && shape.size() > MOST_DRAWN && shape.get(0) > 1) {
      long half = shape.get(0) / 2;
      Shape second = shape.tail().prepend(shape.get(0) - half);
      return tf.concat(
          List.of(
              operand(tf, shape.tail().prepend(half), type, seed, 2 * distance),
              operand(tf, second, type, seed + distance, 2 * distance)),
          tf.constant(0));
    }
    Initializer<T> initializer =
        switch (distribution) {
          case ZEROS -> new Zeros<>();
          case ONES -> new Ones<>();
          case UNIFORM -> new RandomUniform<>(-scale, scale, seed);
          case NORMAL -> new RandomNormal<>(0, scale, seed);
          case BLOCKS -> (ops, dims, valueType) -> blocks(ops, shape, valueType);
          case COSINES -> (ops, dims, valueType) -> cosines(ops, shape, valueType);
        };
    return initializer.call(tf, tf.constant(shape.asArray()), type);
  }

  private <T extends TFloating> Operand<T> blocks(Ops tf, Shape shape, Class<T> type) {
    long k = shape.get(shape.numDimensions() - 2);
    long n = shape.get(shape.numDimensions() - 1);
    Operand<TInt64> step = tf.constant(1L);
    Operand<TInt64> rows =
        Shapes.reshape(tf, tf.range(tf.constant(0L), tf.constant(k), step), k, 1);
    Operand<TInt64> columns = tf.range(tf.constant(0L), tf.constant(n), step); // [n]
    Operand<TInt64> owners =
        tf.math.floorDiv(tf.math.mul(columns, tf.constant(k)), tf.constant(n)); // [n]
    Operand<TBool> own = tf.math.equal(rows, owners); // [k,n]
    Operand<T> values =
        tf.select(own, Scalars.of(tf, scale, type), Scalars.of(tf, 0, type)); // [k,n]
    return tf.broadcastTo(values, tf.constant(shape.asArray()));
  }

  private <T extends TFloating> Operand<T> cosines(Ops tf, Shape shape, Class<T> type) {
    long k = shape.get(shape.numDimensions() - 2);
    long n = shape.get(shape.numDimensions() - 1);
    Operand<TInt64> one = tf.constant(1L);
    Operand<TInt64> rows = Shapes.reshape(tf, tf.range(tf.constant(0L), tf.constant(k), one), k, 1);
    Operand<TInt64> odd = tf.range(one, tf.constant(2 * n + 1), tf.constant(2L)); // [n], 2i + 1
    // The cosine has the period 4n: whole numbers below it lose nothing to the size of the product.
    Operand<TInt64> steps = tf.math.floorMod(tf.math.mul(rows, odd), tf.constant(4 * n)); // [k,n]
    Operand<TFloat64> angles =
        tf.math.mul(tf.dtypes.cast(steps, TFloat64.class), tf.constant(Math.PI / (2 * n))); // [k,n]
    Operand<TFloat64> scales =
        tf.select(
            tf.math.equal(rows, tf.constant(0L)),
            tf.constant(scale),
            tf.constant(Math.sqrt(2) * scale)); // [k,1]
    Operand<T> values = tf.dtypes.cast(tf.math.mul(tf.math.cos(angles), scales), type); // [k,n]
    return tf.broadcastTo(values, tf.constant(shape.asArray()));
  }
}
