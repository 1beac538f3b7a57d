package dev.linformer.ops.gradient;

import dev.linformer.ops.internal.product.BatchProduct;
import java.util.List;
import java.util.function.BiFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.TensorFlow;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

/**
 * A program that registers as many custom gradients as its argument says and then takes a gradient
 * through a product in training and one through a recomputed segment: prints them.
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
      throw new AssertionError("%s types without a gradient, not %s".formatted(taken, wanted));
    }
    print("product", (tf, x) -> BatchProduct.trained(tf, row(tf, x), row(tf, x), true, true));
    print(
        "gradient",
        (tf, x) -> Recompute.call(tf, List.of(x), (inner, of) -> inner.math.square(of.get(x))));
  }

  /** [1,1,1]. */
  private static Operand<TFloat64> row(Ops tf, Operand<TFloat64> x) {
    return tf.reshape(x, tf.constant(new int[] {1, 1, 1}));
  }

  /** The gradient of something at 3. */
  private static void print(String what, BiFunction<Ops, Operand<TFloat64>, Operand<TFloat64>> of) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = tf.constant(3.0);
      Operand<TFloat64> dx = tf.gradients(of.apply(tf, x), List.of(x)).dy(0);
      try (Session session = new Session(graph);
          var result = session.runner().fetch(dx).run()) {
        System.out.println(what + " " + ((TFloat64) result.get(0)).getDouble());
      }
    }
  }
}
