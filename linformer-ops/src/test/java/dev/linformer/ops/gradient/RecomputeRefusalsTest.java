package dev.linformer.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.IdentityN;
import org.tensorflow.types.TFloat64;

/** What cannot be recomputed, and living with other custom gradients. */
class RecomputeRefusalsTest {

  private static <E extends Exception> void refused(
      Class<E> type, String message, Executable executable) {
    String found = String.valueOf(assertThrows(type, executable).getMessage());
    assertTrue(found.contains(message), found);
  }

  private static Operand<TFloat64> x(Ops tf) {
    return Graphs.constant(tf, Shape.of(7, 5), Graphs.normal(1, 35));
  }

  @Test
  void operationsWithAState() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = x(tf);
      Operand<TFloat64> y =
          Recompute.call(
              tf,
              List.of(x),
              (inner, of) ->
                  inner.math.mul(
                      of.get(x),
                      inner.random.randomUniform(
                          inner.constant(new int[] {7, 5}), TFloat64.class)));
      refused(
          Exception.class,
          "(RandomUniform) keeps a state and cannot be computed again",
          () -> tf.gradients(y, List.of(x)));
    }
  }

  @Test
  void operandsThatAreNotInputs() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = x(tf);
      Operand<TFloat64> other = tf.withName("other").constant(3.0);
      refused(
          IllegalArgumentException.class,
          "other is used in a recomputed segment and is not one of its inputs",
          () ->
              Recompute.call(
                  tf, List.of(x), (inner, of) -> inner.math.mul(of.get(x), of.get(other))));
    }
  }

  @Test
  void operandsThatBypassTheSubstitution() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = x(tf);
      Operand<TFloat64> other = tf.withName("other").constant(3.0);
      Operand<TFloat64> y =
          Recompute.call(tf, List.of(x), (inner, of) -> inner.math.mul(of.get(x), other));
      refused(Exception.class, "other", () -> tf.gradients(y, List.of(x)));
    }
  }

  @Test
  void axesThatCannotBeCut() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = x(tf);
      SegmentBody<TFloat64> body = (inner, of) -> inner.math.tanh(of.get(x));
      refused(
          IllegalArgumentException.class,
          "Recompute: axis 0 of an input must be a multiple of 3, found 7 in [7, 5]",
          () ->
              Recompute.parts(tf, new ChunkPlan(3, 2, 0), List.of(SegmentInput.along(x, 0)), body));
      refused(
          IllegalArgumentException.class,
          "Recompute: axis 1 of an input must be 4, found 5 in [7, 5]",
          () -> Recompute.parts(tf, new ChunkPlan(7, 2, 0), List.of(SegmentInput.row(x, 1)), body));
      refused(
          IllegalArgumentException.class,
          "Parts: at least 1 unit and 1 a part expected, found 7 and 0",
          () -> new ChunkPlan(7, 0, 0));
    }
  }

  @Test
  void windows() {
    refused(
        UnsupportedOperationException.class,
        "TensorFlow Java has no custom gradients on Windows",
        () -> GradientOverrides.register("Windows 10"));
  }

  @Test
  void oneSlotIsEnough() throws Exception {
    String output = slotsTaken(9, 0);
    assertTrue(output.contains("gradient 6.0"), output);
  }

  @Test
  void allSlotsTaken() throws Exception {
    String output = slotsTaken(10, 1);
    assertTrue(
        output.contains(
            "IllegalStateException: all ten slots for custom gradients of TensorFlow Java are taken"),
        output);
    assertTrue(output.contains("product 6.0"), output); // goes without
  }

  /** Output of {@link SlotsTaken} in a process of its own. */
  private static String slotsTaken(int taken, int exitCode)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
            "-XX:ErrorFile=target/slots-taken.log",
            "-cp",
            System.getProperty("java.class.path"),
            SlotsTaken.class.getName(),
            Integer.toString(taken));
    builder.environment().put("TF_CPP_MIN_LOG_LEVEL", "3");
    Process process = builder.redirectErrorStream(true).start();
    String output;
    try (var stream = process.getInputStream()) {
      output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
    assertTrue(process.waitFor(10, TimeUnit.MINUTES));
    assertEquals(exitCode, process.exitValue(), output);
    return output;
  }

  @Test
  void identitiesOfOthersKeepTheirGradient() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = x(tf);
      // Registers ours.
      Operand<TFloat64> y =
          Recompute.call(tf, List.of(x), (inner, of) -> inner.math.square(of.get(x)));
      IdentityN both = tf.identityN(List.of(y, x));
      Operand<TFloat64> first = both.op().output(0);
      Operand<TFloat64> second = both.op().output(1);
      Operand<TFloat64> z =
          tf.math.add(tf.math.mul(first, tf.constant(3.0)), tf.math.mul(second, tf.constant(5.0)));
      Operand<TFloat64> dx = tf.gradients(z, List.of(x)).dy(0);
      double[] expected = Graphs.normal(1, 35);
      for (int i = 0; i < expected.length; i++) {
        expected[i] = 6 * expected[i] + 5;
      }
      assertArrayEquals(expected, Graphs.evaluate(graph, dx), 1e-14);
    }
  }

  @Test
  void identitiesOfWhichOneOutputIsUsed() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = x(tf);
      Operand<TFloat64> y =
          Recompute.call(tf, List.of(x), (inner, of) -> inner.math.square(of.get(x)));
      Operand<TFloat64> second = tf.identityN(List.of(y, x)).op().output(1);
      Operand<TFloat64> dx = tf.gradients(tf.math.mul(second, tf.constant(5.0)), List.of(x)).dy(0);
      double[] expected = new double[35];
      Arrays.fill(expected, 5);
      assertArrayEquals(expected, Graphs.evaluate(graph, dx), 1e-14);
    }
  }
}
