package dev.linformer.model;

import dev.linformer.model.train.Sessions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * The loss and the gradients of a causal encoder on one long sequence, in a process of its own
 * whose memory {@link CausalMemoryTest} looks at.
 */
final class LongCausalStep {

  static final int CHANNELS = 16;
  static final int HEADS = 2;
  static final int HEAD_DIM = 32;
  static final int PROJECTED = 64;

  private LongCausalStep() {}

  /** Prints the loss, the sum of the gradients' squares, and the largest resident size in kB. */
  public static void main(String... arguments) throws IOException {
    int n = Integer.parseInt(arguments[0]);
    LinformerConfig config =
        LinformerConfig.builder(n, CHANNELS, PROJECTED)
            .heads(HEADS)
            .headDim(HEAD_DIM)
            .feedForwardDim(CHANNELS)
            .dropout(0)
            .feedForwardDropout(0)
            .causal(true)
            .build();
    try (Graph graph = new Graph();
        Session session = Sessions.open(graph, 2)) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat32.class, 1);
      var model = config.declare(variables);
      Operand<TFloat32> x =
          tf.random.statelessRandomNormal(
              tf.constant(new int[] {1, n, CHANNELS}), tf.constant(new long[] {1, 2}));
      Operand<TFloat32> y = model.call(tf, x, null);
      Operand<TFloat32> cotangent =
          tf.random.statelessRandomNormal(
              tf.constant(new int[] {1, n, CHANNELS}), tf.constant(new long[] {3, 4}));
      Operand<TFloat32> loss =
          tf.math.mean(tf.math.mul(y, cotangent), tf.constant(new int[] {0, 1, 2}));
      var values = variables.weights().stream().map(Variables.Weight::value).toList();
      var gradients = tf.gradients(loss, values);
      List<Operand<TFloat32>> squares = new ArrayList<>();
      for (int i = 0; i < values.size(); i++) {
        Operand<TFloat32> gradient = gradients.dy(i);
        var flat = tf.reshape(gradient, tf.constant(new int[] {-1}));
        squares.add(tf.sum(tf.math.square(flat), tf.constant(0)));
      }
      session.initialize();
      List<double[]> found = Values.fetch(session, List.of(loss, tf.math.addN(squares)));
      System.out.println("loss " + found.get(0)[0]);
      System.out.println("gradients " + found.get(1)[0]);
    }
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        System.out.println("resident " + line.replaceAll("\\D", ""));
      }
    }
  }
}
