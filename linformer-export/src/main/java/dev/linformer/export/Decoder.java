package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.tensorflow.ndarray.Shape;

/**
 * Sequences that an exported causal language model or decoder takes token by token, in O(k·d) a
 * layer, side by side. For one thread; others may have theirs on the same model.
 */
public final class Decoder {

  private final Supplier<Request> requests;
  private final int length;
  private final int vocabulary;
  private final int batch;
  private final String output;
  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private final Map<String, float[]> state = new LinkedHashMap<>();
  private final Map<String, float[]> sources = new LinkedHashMap<>();
  private int seen;

  /**
   * @param source what {@code encode} gave, with the batch of it; null for a model without one
   */
  Decoder(
      Supplier<Request> requests,
      LoadedSignature function,
      ModelConfig config,
      int batch,
      @Nullable SignatureOutputs source) {
    if (batch < 1) {
      throw new InvalidInputException("a batch of %s, but at least 1 is expected".formatted(batch));
    }
    this.requests = requests;
    this.batch = batch;
    LinformerLMConfig model = DecodeSignature.decoder(config).orElseThrow();
    length = model.stack().sequenceLength();
    vocabulary = model.vocabularySize();
    output = function.outputs().get(0).name();
    for (var input : function.inputs().entrySet()) {
      String name = input.getKey();
      long[] shape = input.getValue().entry().shape().asArray();
      if (name.startsWith(DecodeSignature.STATE)) {
        shape[0] = batch;
        shapes.put(name, shape);
        state.put(name, new float[Math.toIntExact(Shape.of(shape).size())]);
      } else if (name.startsWith(EncodeSignature.CROSS)) {
        if (source == null) {
          throw new InvalidInputException(
              "the decoder has a source: make it of what request(SignatureName.ENCODE) gives for it");
        }
        shapes.put(name, source.shape(name).asArray());
        sources.put(name, source.values(name));
      }
    }
  }

  /** How many tokens each sequence has so far. */
  public int seen() {
    return seen;
  }

  /**
   * One token more for each sequence.
   *
   * @param tokens one for each sequence, [b]
   * @return logits of the next ones, [b,vocabulary]; of a model without logits embeddings [b,e]
   * @throws InvalidInputException if that are not b tokens, if one is out of range, or if the
   *     sequences are full
   */
  public float[] next(int... tokens) {
    if (seen == length) {
      throw new InvalidInputException(
          "the sequence has input_size = %s tokens already".formatted(length));
    }
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new InvalidInputException(
            "token %s, but 0 to num_tokens - 1 = %s is expected".formatted(token, vocabulary - 1));
      }
    }
    Request request =
        requests
            .get()
            .with(DecodeSignature.TOKEN, tokens, batch, 1)
            .with(DecodeSignature.POSITION, (long) seen);
    state.forEach((name, values) -> request.with(name, values, shape(name)));
    sources.forEach((name, values) -> request.with(name, values, shape(name)));
    SignatureOutputs answer = request.run();
    state.replaceAll((name, before) -> answer.values(name));
    seen++;
    return answer.values(output);
  }

  private long[] shape(String name) {
    return shapes.getOrDefault(name, new long[0]);
  }
}
