package dev.linformer.ops.jmh;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Time of an operation, forward alone or with the gradients of all that it reads. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class OperationBenchmark {

  /** What is computed. */
  @Param public Operation operation = Operation.ATTENTION;

  /** Whether the gradients are, too. */
  @Param({"false", "true"})
  public boolean backward;

  /** Positions. */
  @Param("4096")
  public long n;

  @SuppressWarnings("NullAway.Init") // by open
  private Running running;

  /** Builds the graph. */
  @Setup
  public void open() {
    running = new Running((tf, values) -> operation.call(tf, values, n), backward);
  }

  /** Runs it once. */
  @Benchmark
  public void step() {
    running.step();
  }

  /** Frees it. */
  @TearDown
  public void close() {
    running.close();
  }
}
