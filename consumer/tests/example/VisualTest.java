package example;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.visual.Curves;
import org.junit.jupiter.api.Test;

class VisualTest {

  @Test
  void draws() {
    assertTrue(
        new Curves("step", "loss").add("loss", 0, 2).add("loss", 1, 1).draw().getWidth() > 0);
  }
}
