package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An error that rounding doesn't explain is seen, at few positions and at many. */
class OracleTest {

  @TempDir private Path folder = Path.of("");

  @ParameterizedTest
  @ValueSource(ints = {22, 65_536})
  void aFewTimesTheBoundIsTooMuch(int n) throws IOException {
    LinformerConfig config =
        LinformerConfig.builder(n, 3, 5).heads(1).headDim(2).feedForwardDim(7).depth(1).build();
    ModelDirectory model = Models.save(config, 5, folder.resolve("model"));
    try (Oracle oracle = Oracle.of(model, Set.of());
        InferenceGraph live = InferenceGraph.load(model)) {
      Feed feed = Feed.random(live.inputs(), 1, 0, 2);
      float[] found = feed.run(live);
      oracle.assertClose("live", feed, found);
      int at = found.length / 2;
      double bound = Oracle.ROUNDINGS * Oracle.UNIT * oracle.magnitude(feed, at);
      assertTrue(bound < 1e-4, String.format(Locale.ROOT, "a bound of %.2g sees nothing", bound));
      found[at] += (float) (3 * bound);
      AssertionError error =
          assertThrows(AssertionError.class, () -> oracle.assertClose("live", feed, found));
      assertTrue(String.valueOf(error.getMessage()).startsWith("live is "), error::toString);
    }
  }

  @Test
  void weightsInBfloat16AreAnotherModel() throws IOException {
    ModelDirectory model = Models.save(ModelZoo.stack().build(), 5, folder.resolve("model"));
    try (Oracle whole = Oracle.of(model, StoragePrecision.FLOAT32);
        Oracle rounded = Oracle.of(model, StoragePrecision.BFLOAT16);
        InferenceGraph live = InferenceGraph.load(model)) {
      Feed feed = Feed.random(live.inputs(), 2, 0, 1);
      float[] found = feed.run(live);
      whole.assertClose("live", feed, found);
      assertThrows(AssertionError.class, () -> rounded.assertClose("live", feed, found));
      assertEquals(found.length, whole.values(feed).length);
    }
  }
}
