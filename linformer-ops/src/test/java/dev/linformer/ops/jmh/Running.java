package dev.linformer.ops.jmh;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gradients;
import org.tensorflow.types.TFloat32;

/** A graph in a session, to be run again and again. */
final class Running implements AutoCloseable {

  private final Graph graph = new Graph();
  private final Session session = new Session(graph);
  private final List<Op> targets = new ArrayList<>();

  /**
   * @param backward whether the gradients of all that the operation reads are computed, too
   */
  Running(BiFunction<Ops, Resident, Operand<TFloat32>> operation, boolean backward) {
    Ops tf = Ops.create(graph);
    Resident values = new Resident(tf);
    Operand<TFloat32> y = operation.apply(tf, values);
    targets.add(y);
    if (backward) {
      List<Operand<TFloat32>> read = List.copyOf(values.all());
      Operand<TFloat32> dy = values.of("dy", y.shape().asArray());
      Gradients gradients = tf.gradients(List.of(y), read, Gradients.dx(List.of(dy)));
      for (int i = 0; i < read.size(); i++) {
        targets.add(gradients.<TFloat32>dy(i));
      }
    }
    session.initialize();
  }

  /** Once; nothing is fetched, so nothing is copied. */
  void step() {
    Session.Runner runner = session.runner();
    targets.forEach(runner::addTarget);
    runner.run().close();
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
