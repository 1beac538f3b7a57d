package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/** Inputs that don't fit are refused before TensorFlow sees them; threads don't disturb another. */
class RequestTest {

  @TempDir private Path folder = Path.of("");

  private ExportedLinformer export(String name, Lengths lengths) throws IOException {
    return export(name, ExportOptions.savedModel().withLengths(lengths));
  }

  private ExportedLinformer export(String name, ExportOptions options) throws IOException {
    Path here = Files.createTempDirectory(folder, "export");
    return ExportedLinformer.load(
        ModelExporter.export(
            Models.save(Objects.requireNonNull(ModelZoo.all().get(name)), 5, here.resolve("model")),
            here.resolve("export"),
            options));
  }

  @Test
  void refusesWhatDoesNotFit() throws IOException {
    try (ExportedLinformer exported = export("classifier, LEARNABLE", Lengths.ANY)) {
      refused(
          () -> request(exported).with("tokens", new int[5]),
          "input tokens takes sequences of any length, [b, m]: give the shape of the values, too");
      refused(
          () -> request(exported).with("tokens", new int[23], 1, 23),
          "input tokens takes [b, m] with at most [b, 22], given were 23 values of shape [1, 23]");
      refused(
          () -> request(exported).with("tokens", new int[5], 1, 4),
          "input tokens takes [b, m] with at most [b, 22], given were 5 values of shape [1, 4]");
      for (int token : new int[] {-1, 19}) {
        refused(
            () -> request(exported).with("tokens", new int[] {0, token}, 1, 2),
            "input tokens: token %s, but 0 to num_tokens - 1 = 18 is expected".formatted(token));
      }
      refused(
          () -> request(exported).with("tokens", new int[5], 1, 5).run(),
          "signature serving_default: input mask is missing");
      refused(
          () ->
              request(exported)
                  .with("tokens", new int[5], 1, 5)
                  .with("mask", new boolean[4], 1, 4)
                  .run(),
          "input mask has 4 positions, but tokens has 5; shapes are [1, 4] and [1, 5]");
      refused(
          () ->
              request(exported)
                  .with("tokens", new int[5], 1, 5)
                  .with("mask", new boolean[10], 2, 5)
                  .run(),
          "input mask has a batch of 2, but tokens of 1");
      refused(
          () -> request(exported).with("source", new int[5], 1, 5),
          "signature serving_default has no input source, but tokens, mask");
      refused(
          () -> request(exported).with("mask", new int[5], 1, 5),
          "input mask is bool [b, m], but int32 was given");
      SignatureOutputs answer =
          request(exported)
              .with("tokens", new int[5], 1, 5)
              .with("mask", new boolean[] {true, true, true, true, false}, 1, 5)
              .run();
      refused(() -> answer.values("outputs"), "no output outputs, but logits");
      String message =
          String.valueOf(
              assertThrows(InvalidInputException.class, () -> exported.decoder(1)).getMessage());
      assertTrue(message.contains("has no signature decode, but serving_default"), message);
    }
  }

  private static Request request(ExportedLinformer exported) {
    return exported.request(SignatureName.SERVING_DEFAULT);
  }

  @Test
  void aDecoderRefusesWhatDoesNotFit() throws IOException {
    try (ExportedLinformer exported = export("causal language model, KV", Lengths.FIXED)) {
      refused(() -> exported.decoder(0), "a batch of 0, but at least 1 is expected");
      Decoder decoder = exported.decoder(2);
      refused(() -> decoder.next(1, 19), "token 19, but 0 to num_tokens - 1 = 18 is expected");
      refused(
          () -> decoder.next(1),
          "input token takes [b, 1] with at most [b, 1], given were 1 values of shape [2, 1]");
      for (int t = 0; t < ModelZoo.N; t++) {
        assertEquals(2 * ModelZoo.VOCABULARY, decoder.next(1, 2).length);
      }
      refused(() -> decoder.next(1, 2), "the sequence has input_size = 22 tokens already");
    }
  }

  /** A step by hand is checked like a decoder's. */
  @Test
  void aStepRefusesWhatDoesNotFit() throws IOException {
    try (ExportedLinformer exported = export("causal language model, KV", Lengths.FIXED)) {
      Request request = exported.request(SignatureName.DECODE);
      for (long position : new long[] {-1, 22, 1L << 32, Long.MAX_VALUE}) {
        refused(
            () -> request.with("position", position),
            "input position: %s, but 0 to input_size - 1 = 21 is expected".formatted(position));
      }
      refused(
          () -> request.with("token", new int[] {19}),
          "input token: token 19, but 0 to num_tokens - 1 = 18 is expected");
      request.with("position", 21).with("token", new int[] {18});
    }
  }

  /** On a CPU, which looks for itself; docs/export.md says who doesn't. */
  @Test
  void theGraphOfAStepHasNoFurtherPosition() throws IOException {
    try (ExportedLinformer exported = export("causal language model, KV", Lengths.FIXED);
        TInt32 token = TInt32.tensorOf(Shape.of(1, 1), DataBuffers.of(new int[1]));
        TInt64 position = TInt64.scalarOf(22)) {
      Session.Runner runner =
          exported
              .session()
              .runner()
              .feed("in.token", token)
              .feed("in.position", position)
              .fetch("out.logits");
      List<TFloat32> states = new ArrayList<>();
      try {
        for (Manifest.ManifestTensor entry : entries(exported)) {
          long[] shape = entry.shape().asArray();
          shape[0] = 1;
          TFloat32 zeros = TFloat32.tensorOf(Shape.of(shape));
          states.add(zeros);
          runner.feed(entry.node(), zeros);
        }
        String message =
            String.valueOf(
                assertThrows(TFInvalidArgumentException.class, runner::run).getMessage());
        assertTrue(message.contains("22 is not in [0, 22)"), message);
      } finally {
        states.forEach(TFloat32::close);
      }
    }
  }

  private static List<Manifest.ManifestTensor> entries(ExportedLinformer exported) {
    return exported.function(SignatureName.DECODE).inputs().values().stream()
        .map(LoadedSignature.SignatureInput::entry)
        .filter(entry -> entry.name().startsWith(DecodeSignature.STATE))
        .toList();
  }

  @Test
  void aDecoderWithASourceRefusesWhatDoesNotFit() throws IOException {
    try (ExportedLinformer exported =
        export(
            "encoder and decoder",
            ExportOptions.savedModel()
                .withLengths(Lengths.MASKED)
                .withSignatures(
                    SignatureName.SERVING_DEFAULT, SignatureName.ENCODE, SignatureName.DECODE))) {
      Request request = exported.request(SignatureName.ENCODE).with("source", new int[2 * 13]);
      refused(request::run, "signature encode: input source_mask is missing");
      refused(
          () -> request.with("source", new int[] {23}, 1, 1),
          "input source takes [b, 13] with at most [b, 13], given were 1 values of shape [1, 1]");
      int[] tokens = new int[13];
      tokens[5] = 23;
      refused(
          () -> request.with("source", tokens),
          "input source: token 23, but 0 to num_tokens - 1 = 22 is expected");
      refused(
          () -> request.with("tokens", tokens),
          "signature encode has no input tokens, but source, source_mask");
      refused(
          () -> exported.decoder(2),
          "the decoder has a source: make it of what request(SignatureName.ENCODE) gives for it");
      SignatureOutputs source =
          exported
              .request(SignatureName.ENCODE)
              .with("source", new int[2 * 13])
              .withFullMasks()
              .run();
      SignatureOutputs logits =
          request(exported)
              .with("tokens", new int[ModelZoo.N])
              .with("source", new int[13])
              .withFullMasks()
              .run();
      refused(
          () -> exported.decoder(logits),
          "a decoder takes what signature encode of the same export gave, found an answer of signature serving_default");
      Decoder decoder = exported.decoder(source);
      refused(() -> decoder.next(1, 19), "token 19, but 0 to num_tokens - 1 = 18 is expected");
      refused(
          () -> decoder.next(1, 2, 3),
          "input token takes [b, 1] with at most [b, 1], given were 3 values of shape [2, 1]");
      for (int t = 0; t < ModelZoo.N; t++) {
        assertEquals(2 * ModelZoo.VOCABULARY, decoder.next(1, 2).length);
      }
      refused(() -> decoder.next(1, 2), "the sequence has input_size = 22 tokens already");
    }
  }

  /** Keys and values of other weights, of the same shapes; and a model without a source. */
  @Test
  void aDecoderRefusesTheSourceOfAnotherModel() throws IOException {
    ExportOptions options =
        ExportOptions.savedModel().withSignatures(SignatureName.ENCODE, SignatureName.DECODE);
    try (ExportedLinformer exported = export("encoder and decoder", options);
        ExportedLinformer other = export("encoder and decoder, NONE", options);
        ExportedLinformer causal = export("causal language model, KV", Lengths.FIXED)) {
      SignatureOutputs source =
          other.request(SignatureName.ENCODE).with("source", new int[13]).run();
      refused(
          () -> exported.decoder(source),
          "a decoder takes what signature encode of the same export gave, found an answer of another export");
      String message =
          String.valueOf(
              assertThrows(InvalidInputException.class, () -> causal.decoder(source)).getMessage());
      assertTrue(message.contains("has no signature encode, but serving_default, emb"), message);
    }
  }

  /** Twelve decoders, each with a state of its own, on one model. */
  @Test
  void threadsDecodeSideBySide() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(12);
    try (ExportedLinformer exported = export("causal language model, NONE", Lengths.FIXED)) {
      List<Future<float[]>> last = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        int start = i % 4;
        last.add(pool.submit(() -> decode(exported, start)));
      }
      for (int i = 0; i < 12; i++) {
        Close.assertClose("thread " + i, decode(exported, i % 4), last.get(i).get());
      }
      assertTrue(Close.difference(last.get(0).get(), last.get(1).get()) > 1e-3);
    } finally {
      pool.shutdownNow();
    }
  }

  private static float[] decode(ExportedLinformer exported, int start) {
    Decoder decoder = exported.decoder(1);
    float[] logits = {};
    for (int t = 0; t < ModelZoo.N; t++) {
      logits = decoder.next((start * (t + 1)) % ModelZoo.VOCABULARY);
    }
    return logits;
  }

  private static void refused(Executable call, String message) {
    assertEquals(
        message, String.valueOf(assertThrows(InvalidInputException.class, call).getMessage()));
  }
}
