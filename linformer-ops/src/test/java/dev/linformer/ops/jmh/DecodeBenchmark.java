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

/** Time of one position more of a causal attention; the length behind it has no part in it. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class DecodeBenchmark {

  /** Positions of the whole. */
  @Param({"4096", "65536"})
  public long n;

  @SuppressWarnings("NullAway.Init") // by open
  private Running running;

  /** Builds the graph. */
  @Setup
  public void open() {
    running = new Running((tf, values) -> Decoding.step(tf, values, n), false);
  }

  /** Decodes one. */
  @Benchmark
  public void step() {
    running.step();
  }

  /** Frees the graph. */
  @TearDown
  public void close() {
    running.close();
  }
}
