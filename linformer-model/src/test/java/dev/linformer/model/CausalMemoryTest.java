package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * The loss and the gradients of a causal encoder with 65,536 positions never hold a matrix [k,d] a
 * position: all together they take less than the keys of every prefix alone would. In processes of
 * their own, whose heap is all resident from the start; a short sequence tells what the rest of a
 * process takes.
 */
class CausalMemoryTest {

  private static final int N = 65_536;
  private static final int SHORT = 64;

  @Test
  @EnabledOnOs(OS.LINUX)
  void growsWithoutAMatrixAPosition() throws IOException, InterruptedException {
    long small = residentKilobytes(SHORT);
    long large = residentKilobytes(N);
    long tensor =
        (long) N
            * LongCausalStep.PROJECTED
            * LongCausalStep.HEAD_DIM
            * LongCausalStep.HEADS
            * Float.BYTES
            / 1024;
    System.out.printf("causal memory: %,d kB more; [n,k,d] is %,d kB%n", large - small, tensor);
    assertTrue(large - small < tensor, "%,d kB more than %,d kB".formatted(large - small, small));
  }

  private static long residentKilobytes(int n) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms128m",
                "-Xmx128m",
                "-XX:+AlwaysPreTouch",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                LongCausalStep.class.getName(),
                Integer.toString(n))
            .redirectErrorStream(true)
            .start();
    String output;
    try (var stream = process.getInputStream()) {
      output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
    assertEquals(0, process.waitFor(), output);
    assertTrue(Double.isFinite(number(output, "loss")), output);
    assertTrue(number(output, "gradients") > 0, output);
    return (long) number(output, "resident");
  }

  private static double number(String output, String name) {
    var found = Pattern.compile(name + " (\\S+)").matcher(output);
    assertTrue(found.find(), output);
    return Double.parseDouble(found.group(1));
  }
}
