package dev.linformer.ops.gradient;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.tensorflow.ExecutionEnvironment;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.TensorFlow;
import org.tensorflow.op.Ops;
import org.tensorflow.op.RawCustomGradient;
import org.tensorflow.op.core.IdentityN;

/**
 * Operations with gradients of our own. TensorFlow Java lets a process register ten custom
 * gradients, each for a whole type of operation, so there is one registration, for IdentityN, which
 * has no gradient in TensorFlow's C++ library, and it looks the gradient up by the operation's
 * name. An IdentityN of somebody else's gets the gradient that it should have: what comes in.
 */
final class GradientOverrides {

  private static final String TYPE = IdentityN.OP_NAME;
  private static final String PREFIX = "gradient_override_";

  /** By graph; those that were closed after the newest came included. */
  static final Map<ExecutionEnvironment, GraphGradients> GRADIENTS = new ConcurrentHashMap<>();

  private static final AtomicLong NEXT = new AtomicLong();
  private static boolean registered;

  private GradientOverrides() {}

  /** The gradient of an operation whose first output alone is used. */
  @FunctionalInterface
  interface Gradient {

    /**
     * Called under the lock of the graph: it may add operations through {@code tf}, and must not
     * ask the graph anything.
     *
     * @param dy gradient of the loss with respect to the first output
     * @return one for each input
     */
    List<Operand<?>> of(Ops tf, Output<?> dy);
  }

  /**
   * The first of {@code inputs}, with {@code gradient} in place of TensorFlow's.
   *
   * @throws UnsupportedOperationException where TensorFlow Java has no custom gradients
   * @throws IllegalStateException if others have taken all slots for them
   */
  static Output<?> identity(Ops tf, List<Operand<?>> inputs, Gradient gradient) {
    register(System.getProperty("os.name", ""));
    String name = PREFIX + NEXT.getAndIncrement();
    Output<?> y = tf.withName(name).identityN(inputs).output().get(0);
    if (y.op() instanceof GraphOperation operation) { // nobody can ask for an eager one's
      GraphGradients.put(GRADIENTS, operation, name, gradient);
    }
    return y;
  }

  /** Whether {@link #identity} would find a place. */
  static boolean isAvailable() {
    try {
      register(System.getProperty("os.name", ""));
      return true;
    } catch (UnsupportedOperationException | IllegalStateException e) {
      return false;
    }
  }

  /** Once in a process. */
  static synchronized void register(String system) {
    if (system.toLowerCase(Locale.ROOT).startsWith("windows")) {
      throw new UnsupportedOperationException(
          "TensorFlow Java has no custom gradients on Windows: build the graph with checkpoint_level C0, or on Linux or macOS");
    }
    if (registered) {
      return;
    }
    requireSlot();
    if (!TensorFlow.registerCustomGradient(TYPE, GradientOverrides::dispatch)) {
      throw new IllegalStateException(
          "a custom gradient of %s is registered already, by other code in this process; checkpoint levels and fused gradients need it"
              .formatted(TYPE));
    }
    registered = true;
  }

  /**
   * Using one gradient more than there are slots for would crash the process. An adapter is never
   * null itself: its first word is the address of the native function that a slot provides.
   */
  private static void requireSlot() {
    RawCustomGradient probe = (tf, operation, dy) -> List.of();
    try (Pointer adapter = RawCustomGradient.adapter(probe)) {
      if (new LongPointer(adapter).get() == 0) {
        throw new IllegalStateException(
            "all ten slots for custom gradients of TensorFlow Java are taken; build a graph with a checkpoint level once before other code registers its own, or use checkpoint_level C0");
      }
    }
  }

  private static List<Operand<?>> dispatch(Ops tf, GraphOperation operation, List<Output<?>> dy) {
    String name = operation.name();
    String last = name.substring(name.lastIndexOf('/') + 1);
    if (!last.startsWith(PREFIX)) {
      return new ArrayList<>(dy);
    }
    GraphGradients known = GRADIENTS.get(operation.env());
    Gradient gradient = known == null ? null : known.byName().get(last);
    if (gradient == null) {
      throw new IllegalStateException(
          "the gradient of %s is not known: its graph was loaded, or it is part of a gradient itself; build the model in this graph, and ask for first derivatives alone"
              .formatted(name));
    }
    return gradient.of(tf, dy.get(0));
  }
}
