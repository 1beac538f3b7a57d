package dev.linformer.ops.gradient;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Identity;
import org.tensorflow.op.core.Slice;
import org.tensorflow.op.math.Add;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * Makes what a part sees of its inputs wait until other work is done. Without it TensorFlow would
 * find that the part equals one that was computed before, and keep that one's insides instead.
 *
 * <p>Two edges hold it: a control edge, which TensorFlow's own executor respects, and for {@link
 * #tied} inputs a data edge, which XLA respects too: with e the first value of the witness (0 if it
 * has none), 0 if e = e and NaN if not is added. That changes no value unless e is NaN, and then
 * the gradients are lost anyway.
 *
 * @param after what is waited for
 * @param witness one of them, floating; null if there is nothing to wait for
 */
record Barrier(List<? extends Operand<?>> after, @Nullable Operand<? extends TFloating> witness) {

  static final Barrier NONE = new Barrier(List.of(), null);

  /** Waits for all of these, the first of which is floating. */
  static Barrier after(List<? extends Operand<?>> after) {
    return new Barrier(after, floating(after.get(0)));
  }

  @SuppressWarnings("unchecked") // so the callers say
  private static Operand<? extends TFloating> floating(Operand<?> x) {
    return (Operand<? extends TFloating>) x;
  }

  /** What a part sees of an input, with a control edge. */
  Operand<?> held(Ops tf, SlicedInput input, int part) {
    if (input.whole()) {
      return after.isEmpty() ? input.operand() : held(tf, input.operand());
    }
    int[] begin = new int[input.shape().numDimensions()];
    int[] size = new int[begin.length];
    Arrays.fill(size, -1); // all that is left
    begin[input.axis()] = Math.toIntExact(input.from(part));
    size[input.axis()] = Math.toIntExact(input.length(part));
    OperationBuilder builder = tf.scope().opBuilder(Slice.OP_NAME, "part");
    builder.addInput(input.operand().asOutput());
    builder.addInput(tf.constant(begin).asOutput());
    builder.addInput(tf.constant(size).asOutput());
    return waiting(builder);
  }

  /** An operand with a control edge. */
  Operand<?> held(Ops tf, Operand<?> x) {
    OperationBuilder builder = tf.scope().opBuilder(Identity.OP_NAME, "held");
    builder.addInput(x.asOutput());
    return waiting(builder);
  }

  private Operand<?> waiting(OperationBuilder builder) {
    after.forEach(operand -> builder.addControlInput(operand.op()));
    return builder.build().output(0);
  }

  /** The same with a data edge too, for floating and integer inputs. */
  Operand<?> tied(Ops tf, SlicedInput input, int part) {
    Operand<?> held = held(tf, input, part);
    Class<? extends TType> type = held.type();
    if (witness == null || !TNumber.class.isAssignableFrom(type)) {
      return held;
    }
    double otherwise = input.differentiable() ? Double.NaN : 1;
    OperationBuilder builder = tf.scope().opBuilder(Add.OP_NAME, "tied");
    builder.addInput(held.asOutput());
    builder.addInput(
        tf.dtypes.cast(zero(tf, witness, otherwise), type.asSubclass(TNumber.class)).asOutput());
    return builder.build().output(0);
  }

  /** 0 that nobody can know to be 0. */
  private static <W extends TFloating> Operand<TFloat32> zero(
      Ops tf, Operand<W> witness, double otherwise) {
    Operand<W> flat = tf.reshape(witness, tf.constant(new int[] {-1}));
    Operand<W> first = tf.stridedSlice(flat, Indices.slice(0, 1)); // [1], [0] of an empty batch
    Operand<W> e = tf.sum(first, tf.constant(0)); // scalar
    Operand<TBool> known = tf.math.equal(e, e);
    return tf.select(known, tf.constant(0f), tf.constant((float) otherwise));
  }
}
