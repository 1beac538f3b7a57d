package dev.linformer.ops.gradient;

import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.TensorFlow;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

/**
 * A program that registers as many custom gradients as its argument says and then takes a gradient
 * through a recomputed segment: prints it.
 */
final class SlotsTaken {

  /** Of which at least ten have no gradient in TensorFlow. */
  private static final List<String> TYPES =
      List.of(
          "Erfc",
          "TopKV2",
          "ListDiff",
          "PlaceholderWithDefault",
          "Bincount",
          "Unique",
          "Where",
          "Bitcast",
          "Betainc",
          "Cross",
          "InvertPermutation",
          "Zeta",
          "Bucketize",
          "Qr");

  private SlotsTaken() {}

  public static void main(String[] arguments) {
    int wanted = Integer.parseInt(arguments[0]);
    long taken =
        TYPES.stream()
            .filter(
                type -> TensorFlow.registerCustomGradient(type, (tf, operation, dy) -> List.of()))
            .limit(wanted)
            .count();
    if (taken != wanted) {
      throw new AssertionError("%d types without a gradient, not %d".formatted(taken, wanted));
    }
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = tf.constant(3.0);
      Operand<TFloat64> y =
          Recompute.call(tf, List.of(x), (inner, of) -> inner.math.square(of.get(x)));
      Operand<TFloat64> dx = tf.gradients(y, List.of(x)).dy(0);
      try (Session session = new Session(graph);
          var result = session.runner().fetch(dx).run()) {
        System.out.println("gradient " + ((TFloat64) result.get(0)).getDouble());
      }
    }
  }
}
