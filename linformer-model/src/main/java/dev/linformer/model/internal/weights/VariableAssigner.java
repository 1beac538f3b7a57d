package dev.linformer.model.internal.weights;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.types.TFloat32;

/**
 * Values for a session's variables, many in one run: TensorFlow plans its whole graph anew for
 * every other set of them, so that one run a variable takes minutes in deep models.
 */
public final class VariableAssigner implements AutoCloseable {

  /** Bytes that wait at most, besides the last value. */
  private static final long MOST = 64L << 20;

  private record Assignment(Operand<TFloat32> initial, Op initializer, TFloat32 value) {}

  private final Session session;
  private final List<Assignment> waiting = new ArrayList<>();
  private long bytes;

  /** None yet. */
  public VariableAssigner(Session session) {
    this.session = session;
  }

  /**
   * A variable's value, set now or with the next ones.
   *
   * @param initial the placeholder that takes it
   * @param initializer assigns what the placeholder takes
   * @param value closed after it was set
   */
  public void add(Operand<TFloat32> initial, Op initializer, TFloat32 value) {
    waiting.add(new Assignment(initial, initializer, value));
    bytes += value.numBytes();
    if (bytes >= MOST) {
      run();
    }
  }

  /** Sets those that wait. */
  public void run() {
    if (waiting.isEmpty()) {
      return;
    }
    Session.Runner runner = session.runner();
    for (Assignment each : waiting) {
      runner.feed(each.initial, each.value).addTarget(each.initializer);
    }
    try (Result none = runner.run()) {
      assert none.size() == 0;
    }
    close();
  }

  /** Forgets those that wait. */
  @Override
  public void close() {
    waiting.forEach(each -> each.value.close());
    waiting.clear();
    bytes = 0;
  }
}
