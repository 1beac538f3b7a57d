package dev.linformer.ops.jmh;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** That what the benchmarks measure runs; a session throws if it doesn't. */
class RunningTest {

  private static final long N = 37;

  @ParameterizedTest
  @EnumSource
  void everyOperationAndItsGradients(Operation operation) {
    for (boolean backward : new boolean[] {false, true}) {
      try (Running running = new Running((tf, values) -> operation.call(tf, values, N), backward)) {
        running.step();
      }
    }
  }

  @Test
  void decoding() {
    try (Running running = new Running((tf, values) -> Decoding.step(tf, values, N), false)) {
      running.step();
    }
  }
}
