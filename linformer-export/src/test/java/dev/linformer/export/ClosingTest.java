package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Pooling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Closing refuses new calls at once, waits for those under way, and happens once. */
class ClosingTest {

  @TempDir private Path folder = Path.of("");

  private ModelDirectory classifier() throws IOException {
    return Models.save(Models.classifier(Pooling.MEAN), 7, folder.resolve("model"));
  }

  @Test
  void anExport() throws Exception {
    Path saved = ModelExporter.export(classifier(), folder.resolve("export"));
    ExportedLinformer exported = ExportedLinformer.load(saved);
    int[] tokens = Models.tokens(1, 1);
    check(exported.calls(), exported::close, () -> exported.logits(tokens));
  }

  @Test
  void aDecoder() throws Exception {
    ModelDirectory model =
        Models.save(
            Objects.requireNonNull(ModelZoo.all().get("causal language model, KV")),
            5,
            folder.resolve("causal"));
    ExportedLinformer exported =
        ExportedLinformer.load(ModelExporter.export(model, folder.resolve("export")));
    Decoder decoder = exported.decoder(1);
    check(exported.calls(), exported::close, () -> decoder.next(1));
    assertEquals(1, decoder.seen());
  }

  @Test
  void aLiveGraph() throws Exception {
    InferenceGraph live = InferenceGraph.load(classifier());
    int[] tokens = Models.tokens(1, 1);
    check(live.calls(), live::close, () -> Models.run(live, tokens));
  }

  @Test
  void probes() throws Exception {
    ModelDirectory model = classifier();
    Path saved = ModelExporter.export(model, folder.resolve("export"));
    int[] tokens = Models.tokens(1, 1);
    for (Path from : new Path[] {model.path(), saved}) {
      AttentionProbe probe = AttentionProbe.load(from);
      check(probe.calls(), probe::close, () -> probe.weights(tokens));
    }
  }

  @Test
  void aGenerator() throws Exception {
    ModelDirectory model =
        Models.save(
            Objects.requireNonNull(ModelZoo.all().get("causal language model, KV")),
            5,
            folder.resolve("causal"));
    Generator generator = Generator.load(model);
    check(generator.calls(), generator::close, () -> generator.next(1));
    assertEquals(1, generator.seen());
  }

  private static void check(Calls calls, Runnable close, Runnable call) throws Exception {
    call.run();
    calls.enter(); // stands for a call that takes as long as the test likes
    AtomicInteger closed = new AtomicInteger();
    Thread closing =
        new Thread(
            () -> {
              close.run();
              closed.incrementAndGet();
            });
    closing.start();
    while (closing.getState() != Thread.State.WAITING) {
      assertTrue(closing.isAlive(), "it was closed under a call");
      Thread.sleep(1);
    }
    refused(call);
    assertEquals(0, closed.get());
    calls.leave();
    closing.join();
    assertEquals(1, closed.get());
    refused(call);
    close.run();
  }

  private static void refused(Runnable call) {
    String message =
        String.valueOf(assertThrows(IllegalStateException.class, call::run).getMessage());
    assertTrue(message.startsWith("closed"), message);
  }
}
