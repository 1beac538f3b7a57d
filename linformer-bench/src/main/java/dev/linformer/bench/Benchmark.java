package dev.linformer.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Model;
import dev.linformer.model.Variables;
import dev.linformer.ops.Backend;
import dev.linformer.ops.RandomKey;
import dev.linformer.runtime.Sessions;
import dev.linformer.runtime.internal.Devices;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.proto.RunOptions;
import org.tensorflow.proto.StepStats;
import org.tensorflow.types.TFloat32;

/**
 * Measures a {@link BenchmarkCase}: the loss is the mean of the output's squares, the update plain
 * gradient descent. To be used once in a process, so that memory is one work's alone.
 */
public final class Benchmark {

  private static final int CALLS = 5_000; // until the JVM has compiled what calls TensorFlow
  private static final double LEAST = 1_000; // milliseconds of steps that are measured

  private Benchmark() {}

  /** Whether there is an NVIDIA GPU. */
  public static boolean hasGpu() {
    return DeviceMemory.now().isPresent();
  }

  /**
   * Refuses a limit that nothing would keep.
   *
   * @param memoryLimit MiB; 0 for none
   * @throws InvalidInputException if there is a limit and no GPU
   */
  public static void requireGpuFor(int memoryLimit) {
    if (memoryLimit > 0 && !hasGpu()) {
      throw new InvalidInputException(
          "a memory limit of %s MiB is for a GPU's memory, and nvidia-smi finds no GPU here; leave it out"
              .formatted(memoryLimit));
    }
  }

  /** The first GPU's name, or the number of cores. */
  public static String device() {
    return DeviceMemory.device()
        .orElse(
            "%s cores, %s"
                .formatted(
                    Runtime.getRuntime().availableProcessors(), System.getProperty("os.arch")));
  }

  /** What a step fetches, what it runs, and what costs nothing to fetch. */
  private record Built(Operand<TFloat32> loss, @Nullable Op update, Operand<TFloat32> nothing) {}

  /**
   * Runs the steps, and traces none.
   *
   * @param work what is measured
   * @return as of {@link #measure(BenchmarkCase, boolean)}, without {@code profile}
   * @throws InvalidInputException if memory is to be limited and there is no GPU
   * @throws IOException if a GPU's memory cannot be asked for
   */
  public static ObjectNode measure(BenchmarkCase work) throws IOException {
    return measure(work, false);
  }

  /**
   * Runs the steps.
   *
   * @param work what is measured
   * @param traced whether steps are traced after those that count
   * @return the work's keys, {@code device}, {@code versions}, {@code times_ms} of the measured
   *     steps in ascending order, {@code median_ms}, {@code min_ms}, {@code first_step_ms}, {@code
   *     peak_mib} (on a GPU, without what CUDA took before), {@code loss}, {@code plan}, and of a
   *     traced step {@code profile}: for each {@code what} (a GPU's kernels of a name, or
   *     operations of a type) {@code count} and {@code us}, the longest first
   * @throws InvalidInputException if memory is to be limited and there is no GPU
   * @throws IOException if a GPU's memory cannot be asked for
   */
  public static ObjectNode measure(BenchmarkCase work, boolean traced) throws IOException {
    return measure(work, traced, System::nanoTime);
  }

  /** As {@link #measure(BenchmarkCase, boolean)}, by a clock of nanoseconds. */
  static ObjectNode measure(BenchmarkCase work, boolean traced, LongSupplier clock)
      throws IOException {
    requireGpuFor(work.memoryLimit());
    ObjectNode json = work.toJson().put("device", device());
    json.putObject("versions")
        .put("tensorflow", TensorFlow.version())
        .put("java", System.getProperty("java.version"));
    OptionalLong before = work.memoryLimit() == 0 ? touch() : OptionalLong.empty();
    double fraction =
        work.memoryLimit() == 0 ? 0 : (double) work.memoryLimit() / DeviceMemory.total();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      long start = clock.getAsLong();
      boolean kernels = work.xla() && work.kernels() && Devices.runKernels(fraction);
      json.put("kernels", kernels);
      Built built = build(tf, work, kernels);
      json.put("build_ms", (clock.getAsLong() - start) / 1e6);
      json.put("nodes", graph.toGraphDef().getNodeCount());
      json.put("plan", work.plan());
      try (Session session = Sessions.open(graph, Sessions.ALL_THREADS, work.xla(), fraction)) {
        session.initialize();
        Steps steps = new Steps(session, built, clock);
        if (before.isEmpty()) {
          steps.warm(work, json);
          steps.measure(work, json);
        } else {
          long most;
          try (DeviceMemory memory = new DeviceMemory()) {
            steps.warm(work, json);
            most = memory.most();
          }
          steps.measure(work, json); // with nobody asking the driver meanwhile
          most = Math.max(most, DeviceMemory.now().orElse(0));
          json.put("peak_mib", most - before.getAsLong());
        }
        if (traced) {
          json.set("profile", steps.profile().toJson());
        }
      }
    }
    return json;
  }

  /** What the device's memory holds once CUDA is there. */
  private static OptionalLong touch() {
    if (DeviceMemory.now().isEmpty()) {
      return OptionalLong.empty();
    }
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var x =
          tf.math.add(
              tf.random.randomUniform(tf.constant(new int[] {8}), TFloat32.class), tf.constant(1f));
      try (Session session = Sessions.open(graph, Sessions.ALL_THREADS)) {
        session.runner().fetch(x).run().close();
        return DeviceMemory.now();
      }
    }
  }

  private static Built build(Ops tf, BenchmarkCase work, boolean kernels) {
    LinformerConfig config = work.config();
    var variables = Variables.random(tf, TFloat32.class, 1);
    Model<TFloat32> model =
        config.declare(variables.on(kernels ? Backend.GPU_KERNELS : Backend.PORTABLE));
    Shape shape = Shape.of(work.batch(), config.sequenceLength(), config.channels());
    Variable<TFloat32> batch = tf.withName("batch").variable(shape, TFloat32.class);
    Ops init = tf.withInitScope();
    init.assign(
        batch,
        init.random.statelessRandomNormal(
            init.constant(shape.asArray()), init.constant(new long[] {1, 2})));
    Operand<TFloat32> x = tf.identity(batch); // [b,n,c]
    RandomKey key = work.training() ? new RandomKey(tf.constant(new long[] {1, 1})) : null;
    Operand<TFloat32> y = model.call(tf, Map.of(model.inputs().get(0).name(), x), key); // [b,n,c]
    Operand<TFloat32> loss = TrainingStep.loss(tf, y);
    return new Built(
        loss, work.training() ? TrainingStep.update(tf, variables, loss) : null, tf.constant(0f));
  }

  /** What is run again and again, and since when. */
  private static final class Steps {

    private final Session session;
    private final Built built;
    private final LongSupplier clock;
    private float loss = Float.NaN;
    private long begin;

    Steps(Session session, Built built, LongSupplier clock) {
      this.session = session;
      this.built = built;
      this.clock = clock;
    }

    /**
     * The first step, and more until it is warm; a slow work is warm after one. Before, the JVM is:
     * in its first hundred calls of TensorFlow it interprets them, which takes 0.2 ms of each.
     */
    void warm(BenchmarkCase work, ObjectNode json) {
      for (int i = 0; i < CALLS; i++) {
        fetch(built.nothing, null);
      }
      json.put("first_step_ms", step()).put("first_loss", loss);
      begin = clock.getAsLong();
      for (int i = 1; i < work.warmup() && seconds() <= work.seconds() / 2.0; i++) {
        step();
      }
    }

    /** The steps that count; of a slow work one has to do, and short ones go on for a second. */
    void measure(BenchmarkCase work, ObjectNode json) {
      List<Double> times = new ArrayList<>();
      long start = clock.getAsLong();
      do {
        times.add(step());
      } while (seconds() <= work.seconds()
          && (times.size() < work.steps() || millis(start) < LEAST));
      Collections.sort(times);
      times.forEach(json.putArray("times_ms")::add);
      json.put("median_ms", times.get(times.size() / 2))
          .put("min_ms", times.get(0))
          .put("loss", loss);
    }

    /** Of the second step that is traced: with the first the tracer begins. */
    Profile profile() {
      traced();
      return Profile.of(traced());
    }

    private StepStats traced() {
      RunOptions trace =
          RunOptions.newBuilder().setTraceLevel(RunOptions.TraceLevel.FULL_TRACE).build();
      Session.Runner runner = runner(built.loss, built.update).setOptions(trace);
      try (Result result = runner.runAndFetchMetadata()) {
        return result.getMetadata().orElseThrow().getStepStats();
      }
    }

    /** Milliseconds. */
    private double step() {
      long start = clock.getAsLong();
      loss = fetch(built.loss, built.update);
      return millis(start);
    }

    private float fetch(Operand<TFloat32> value, @Nullable Op target) {
      try (Result result = runner(value, target).run()) {
        return ((TFloat32) result.get(0)).getFloat();
      }
    }

    private Session.Runner runner(Operand<TFloat32> value, @Nullable Op target) {
      Session.Runner runner = session.runner().fetch(value);
      return target == null ? runner : runner.addTarget(target);
    }

    private double seconds() {
      return millis(begin) / 1e3;
    }

    private double millis(long since) {
      return (clock.getAsLong() - since) / 1e6;
    }
  }
}
