package dev.linformer.export;

import dev.linformer.model.InvalidInputException;
import dev.linformer.model.LanguageModelConfig;
import dev.linformer.model.ModelConfig;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.tensorflow.ndarray.Shape;

/**
 * Sequences that an exported causal language model takes token by token, in O(k·d) a layer, side by
 * side. For one thread; others may have theirs on the same model.
 */
public final class Decoder {

  private final Supplier<Request> requests;
  private final int length;
  private final int vocabulary;
  private final int batch;
  private final String output;
  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private final Map<String, float[]> state = new LinkedHashMap<>();
  private int seen;

  Decoder(
      Supplier<Request> requests,
      ExportedLinformer.Function function,
      ModelConfig config,
      int batch) {
    if (batch < 1) {
      throw new InvalidInputException("a batch of %d, but at least 1 is expected".formatted(batch));
    }
    this.requests = requests;
    this.batch = batch;
    LanguageModelConfig model = (LanguageModelConfig) config;
    length = model.encoder().sequenceLength();
    vocabulary = model.vocabularySize();
    output = function.outputs().get(0).name();
    function
        .inputs()
        .forEach(
            (name, input) -> {
              if (name.startsWith(DecodeSignature.STATE)) {
                long[] shape = input.entry().shape().asArray();
                shape[0] = batch;
                shapes.put(name, shape);
              }
            });
  }

  /** How many tokens each sequence has so far. */
  public int seen() {
    return seen;
  }

  /**
   * One token more for each sequence.
   *
   * @param tokens [b]
   * @return logits of the next ones, [b,vocabulary], or embeddings
   * @throws InvalidInputException if that are not b tokens, if one is out of range, or if the
   *     sequences are full
   */
  public float[] next(int... tokens) {
    if (seen == length) {
      throw new InvalidInputException(
          "the sequence has input_size = %d tokens already".formatted(length));
    }
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new InvalidInputException(
            "token %d, but 0 to num_tokens - 1 = %d is expected".formatted(token, vocabulary - 1));
      }
    }
    Request request =
        requests
            .get()
            .with(DecodeSignature.TOKEN, tokens, batch, 1)
            .with(DecodeSignature.POSITION, (long) seen);
    shapes.forEach(
        (name, shape) ->
            request.with(name, state.computeIfAbsent(name, ignored -> zeros(shape)), shape));
    Answer answer = request.run();
    state.replaceAll((name, before) -> answer.values(name));
    seen++;
    return answer.values(output);
  }

  private static float[] zeros(long[] shape) {
    return new float[Math.toIntExact(Shape.of(shape).size())];
  }
}
