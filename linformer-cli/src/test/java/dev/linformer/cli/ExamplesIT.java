package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The examples compile and run as they stand there. */
class ExamplesIT {

  private static final Path EXAMPLES = Path.of("..", "examples");

  /** What an example prints: java FILE.java compiles the file in memory and runs it. */
  private static String output(String file) throws Exception {
    Path example = EXAMPLES.resolve(file);
    assumeTrue(Files.isRegularFile(example), "there is no such example");
    try (Child child = Child.start(Child.java("-Xmx3g", example.toString()))) {
      assertEquals(0, child.end(Child.PATIENCE), child::output);
      return child.output();
    }
  }

  @Test
  void longSequence() throws Exception {
    String output = output("LongSequence.java");
    assertTrue(output.contains("[1, 262144, 64]"), output);
  }

  @Test
  void ownTrainingStep() throws Exception {
    String output = output("OwnTrainingStep.java");
    assertTrue(loss(output, 300) < loss(output, 0) / 2, output);
  }

  private static double loss(String output, int step) {
    Matcher line = Pattern.compile("step %s: loss (\\S+)".formatted(step)).matcher(output);
    assertTrue(line.find(), output);
    return Double.parseDouble(line.group(1));
  }
}
