package dev.linformer.ops.gradient;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/**
 * A segment of {@link Recompute}: its forward pass now, its backward pass when somebody asks for
 * gradients.
 *
 * @param inputs of which the first is tied, see {@link Barrier}
 * @param bystanders shapes of operands that are not inputs, and that the body asked for in the
 *     forward pass
 */
record Segment<T extends TFloating>(
    ChunkPlan parts,
    List<SlicedInput> inputs,
    SegmentBody<T> body,
    Map<Output<?>, Shape> bystanders) {

  Segment(ChunkPlan parts, List<SlicedInput> inputs, SegmentBody<T> body) {
    this(parts, inputs, body, new HashMap<>());
  }

  Operand<T> build(Ops tf) {
    Operand<T> y = forward(tf);
    SlicedInput output =
        SlicedInput.of(
            parts.outputAxis() == ChunkPlan.SUM
                ? SegmentInput.whole(y)
                : SegmentInput.along(y, parts.outputAxis()),
            parts);
    return CustomGradient.of(
        tf,
        y,
        inputs.stream().filter(SlicedInput::differentiable).map(SlicedInput::operand).toList(),
        (inner, dy) -> backward(inner, output.of(dy)));
  }

  /** The parts, each waiting for the one before. */
  private Operand<T> forward(Ops tf) {
    List<Operand<T>> outputs = new ArrayList<>();
    boolean sum = parts.outputAxis() == ChunkPlan.SUM;
    GradientSum total = new GradientSum();
    Barrier barrier = Barrier.NONE;
    for (int p = 0; p < parts.count(); p++) {
      List<Operand<?>> seen = see(tf, barrier, p);
      Substitution substitution = new Substitution(this::bystander);
      for (int i = 0; i < seen.size(); i++) {
        substitution.put(inputs.get(i).operand(), seen.get(i));
      }
      Operand<T> y = body.call(tf, substitution);
      outputs.add(y);
      barrier = Barrier.after(List.of(sum ? total.add(tf, y) : y));
    }
    if (outputs.size() == 1) {
      return outputs.get(0);
    }
    return sum ? typed(total.get(tf)) : tf.concat(outputs, tf.constant(parts.outputAxis()));
  }

  @SuppressWarnings("unchecked") // a sum has its addends' type
  private Operand<T> typed(Operand<?> sum) {
    return (Operand<T>) sum;
  }

  private Operand<?> bystander(Operand<?> operand) {
    bystanders.put(operand.asOutput(), operand.shape());
    return operand;
  }

  /** What a part sees of each input. Integers are tied too, for they may be seeds. */
  private List<Operand<?>> see(Ops tf, Barrier barrier, int part) {
    List<Operand<?>> seen = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      SlicedInput input = inputs.get(i);
      seen.add(
          i == 0 || !input.differentiable()
              ? barrier.tied(tf, input, part)
              : barrier.held(tf, input, part));
    }
    return seen;
  }

  /**
   * Forward and backward pass of each part, the last part first, each waiting for the one before.
   */
  private List<Operand<?>> backward(Ops tf, SlicedInput dy) {
    String prefix =
        tf.scope().makeOpName("recomputed") + "/"; // unique, and inside the gradients' scope
    Map<Long, Backward> backwards = new HashMap<>(); // by units of a part, which make its shapes
    List<Sum> sums = inputs.stream().map(Sum::new).toList();
    Barrier barrier = Barrier.after(List.of(dy.operand()));
    for (int p = parts.count() - 1; p >= 0; p--) {
      int part = p;
      Backward backward =
          backwards.computeIfAbsent(
              parts.length(p),
              units ->
                  Backward.of(
                      body, bystanders, inputs, inputs.stream().map(i -> i.shape(part)).toList()));
      var dx = backward.add(tf, prefix + p + "/", see(tf, barrier, p), barrier.held(tf, dy, part));
      List<Operand<?>> done = new ArrayList<>();
      for (int i = 0; i < inputs.size(); i++) {
        Output<?> gradient = dx.get(i);
        if (gradient != null) {
          done.add(sums.get(i).add(tf, gradient));
        }
      }
      if (!done.isEmpty()) {
        barrier = Barrier.after(done);
      }
    }
    List<Operand<?>> gradients = new ArrayList<>();
    for (Sum sum : sums) {
      if (sum.input.differentiable()) {
        gradients.add(sum.total(tf));
      }
    }
    // Work further back begins when all of this is done: else its insides and these exist together.
    gradients.set(0, Barrier.after(gradients).held(tf, gradients.get(0)));
    return gradients;
  }

  /** The gradient of one input, put together from its parts. */
  private static final class Sum {
    final SlicedInput input;
    private final GradientSum total = new GradientSum();
    private final List<Operand<?>> pieces = new ArrayList<>(); // the last part's first

    Sum(SlicedInput input) {
      this.input = input;
    }

    Operand<?> add(Ops tf, Operand<?> gradient) {
      if (input.whole()) {
        return total.add(tf, gradient);
      }
      pieces.add(gradient);
      return gradient;
    }

    Operand<?> total(Ops tf) {
      if (!total.isEmpty()) {
        return total.get(tf);
      }
      if (pieces.isEmpty()) {
        return tf.zerosLike(input.operand());
      }
      return pieces.size() == 1 ? pieces.get(0) : concat(tf);
    }

    @SuppressWarnings("unchecked") // all pieces have the input's type
    private Operand<?> concat(Ops tf) {
      List<Operand<TType>> inOrder = new ArrayList<>();
      pieces.forEach(piece -> inOrder.add(0, (Operand<TType>) piece));
      return tf.concat(inOrder, tf.constant(input.axis()));
    }
  }
}
