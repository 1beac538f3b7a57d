package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The example that the README shows compiles and runs as it stands there. */
class LongSequenceIT {

  private static final Path EXAMPLE = Path.of("..", "examples", "LongSequence.java");

  @Test
  void runs() throws Exception {
    assumeTrue(Files.isRegularFile(EXAMPLE), "there is no such example");
    // java FILE.java compiles the file in memory and runs it.
    try (Child child = Child.start(Child.java("-Xmx3g", EXAMPLE.toString()))) {
      assertEquals(0, child.end(Child.PATIENCE), child::output);
      assertTrue(child.output().contains("[1, 262144, 64]"), child::output);
    }
  }
}
