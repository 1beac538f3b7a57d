package dev.linformer.ops.gradient;

import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.tensorflow.ExecutionEnvironment;
import org.tensorflow.Operation;

/**
 * The gradients of a graph's operations, and when they may be forgotten: when it is closed.
 *
 * <p>A gradient refers to its graph, so weak references would hold it for ever, and a graph tells
 * nobody that it is closed. It can be asked; but that waits for its lock, which it has while
 * gradients are built, so a thread that builds another graph's gradients must not ask. A thread
 * that has no lock does, each time that a graph comes in, and ends when there is nothing to do.
 *
 * @param any operation of the graph
 * @param byName the gradients, by the operations' names
 */
record GraphGradients(Operation any, Map<String, GradientOverrides.Gradient> byName) {

  private static final ThreadPoolExecutor SWEEPER =
      new ThreadPoolExecutor(
          0,
          1,
          1,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(1),
          GraphGradients::thread,
          new ThreadPoolExecutor.DiscardPolicy()); // one sweep that has not begun is enough

  private static Thread thread(Runnable work) {
    Thread thread = new Thread(work, "linformer-closed-graphs");
    thread.setDaemon(true);
    return thread;
  }

  /** Adds a gradient of an operation; where its graph is a new one, closed ones go. */
  static void put(
      Map<ExecutionEnvironment, GraphGradients> graphs,
      Operation operation,
      String name,
      GradientOverrides.Gradient gradient) {
    ExecutionEnvironment graph = operation.env();
    GraphGradients known = graphs.get(graph);
    if (known == null) {
      known =
          graphs.computeIfAbsent(
              graph, key -> new GraphGradients(operation, new ConcurrentHashMap<>()));
      SWEEPER.execute(() -> graphs.values().removeIf(GraphGradients::closed));
    }
    known.byName.put(name, gradient);
  }

  private boolean closed() {
    try {
      any.env();
      return false;
    } catch (IllegalStateException e) {
      return true;
    }
  }
}
