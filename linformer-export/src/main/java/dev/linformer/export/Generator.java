package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.CheckpointLevel;
import dev.linformer.model.LinformerLM;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Variables;
import dev.linformer.model.WeightFile;
import dev.linformer.ops.attention.IncrementalDecoding.State;
import dev.linformer.runtime.Sessions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * A causal language model token by token. What it has seen is in a state of [h,k,d] a layer, so a
 * token costs O(k·d) a layer, wherever in the sequence it stands. Not for several threads at once;
 * but any may close it, after which calls throw an {@link IllegalStateException}.
 *
 * <pre>{@code
 * try (Generator generator = Generator.load(ModelDirectory.open(Path.of("runs/my-model")))) {
 *   int[] prompt = Tokenizer.BYTES.encode("Once upon a time");
 *   generator.generate(prompt, 100, new Sampler(0.8, 40, 0.95, 1), token -> System.out.println(token));
 * }
 * }</pre>
 */
public final class Generator implements AutoCloseable {

  private final Graph graph = new Graph();
  private final Session session;
  private final int length;
  private final int vocabulary;
  private final Placeholder<TInt32> token;
  private final Placeholder<TInt64> position;
  private final List<Placeholder<TFloat32>> before = new ArrayList<>();
  private final List<Operand<TFloat32>> after = new ArrayList<>();
  private final Operand<TFloat32> logits;
  private final List<TFloat32> state = new ArrayList<>();
  private final Calls calls = new Calls();
  private final int[] tokens; // those of the sequence, the first of them as many as were seen
  private int seen;

  /**
   * The model of a directory, at the beginning of a sequence.
   *
   * @param directory with a causal language model
   * @throws InvalidInputException if it is no language model, not causal, or without logits
   * @throws IOException if a file cannot be read
   */
  public static Generator load(ModelDirectory directory) throws IOException {
    if (!(directory.config() instanceof LinformerLMConfig config)
        || config.returnEmbeddings()
        || !config.stack().causal()
        || config.stack().fullAttention()
        || config.stack().decoderMode()) {
      throw new InvalidInputException(
          "%s: a language model (model_type lm) with causal = true is expected, without full_attention, decoder_mode and return_emb"
              .formatted(directory.configFile()));
    }
    return new Generator(config, directory);
  }

  private Generator(LinformerLMConfig config, ModelDirectory directory) throws IOException {
    length = config.stack().sequenceLength();
    vocabulary = config.vocabularySize();
    tokens = new int[length];
    Ops tf = Ops.create(graph);
    Variables<TFloat32> variables = Variables.toBeLoaded(tf, TFloat32.class);
    LinformerLM<TFloat32> model = LinformerLM.declare(variables, config.at(CheckpointLevel.C0));
    token = tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(1, 1)));
    position = tf.placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
    List<State<TFloat32>> states = new ArrayList<>();
    for (Shape shape : model.stateShapes()) {
      states.add(new State<>(stateInput(tf, shape), stateInput(tf, shape)));
    }
    logits = model.step(tf, token, position, states, List.of()); // [1,1,vocabulary]
    for (State<TFloat32> each : states) {
      after.add(each.keys());
      after.add(each.values());
    }
    session = Sessions.open(graph, Sessions.ALL_THREADS);
    try {
      WeightFile.load(session, variables.weights(), directory.weightsFile());
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private Placeholder<TFloat32> stateInput(Ops tf, Shape shape) {
    Placeholder<TFloat32> input = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
    before.add(input);
    float[] zeros = new float[Math.toIntExact(shape.size())];
    state.add(TFloat32.tensorOf(shape, DataBuffers.of(zeros)));
    return input;
  }

  /** How many tokens a sequence can have. */
  public int length() {
    return length;
  }

  /** How many tokens it has so far. */
  public int seen() {
    return seen;
  }

  /**
   * Takes one token more.
   *
   * @param nextToken 0 to vocabulary − 1
   * @return logits of the next one, [vocabulary]
   * @throws InvalidInputException if the token is out of range, or the sequence is full
   */
  public float[] next(int nextToken) {
    if (nextToken < 0 || nextToken >= vocabulary) {
      throw new InvalidInputException(
          "token %s, but 0 to num_tokens - 1 = %s is expected"
              .formatted(nextToken, vocabulary - 1));
    }
    if (seen == length) {
      throw new InvalidInputException(
          "the sequence has input_size = %s tokens already".formatted(length));
    }
    calls.enter();
    try {
      return step(nextToken);
    } finally {
      calls.leave();
    }
  }

  private float[] step(int nextToken) {
    Session.Runner runner = session.runner().fetch(logits);
    after.forEach(runner::fetch);
    for (int i = 0; i < before.size(); i++) {
      runner.feed(before.get(i), state.get(i));
    }
    float[] values = new float[vocabulary];
    try (TInt32 in = TInt32.tensorOf(Shape.of(1, 1), one -> one.setInt(nextToken, 0, 0));
        TInt64 at = TInt64.scalarOf(seen);
        Result result = runner.feed(token, in).feed(position, at).run()) {
      ((TFloat32) result.get(0)).asRawTensor().data().asFloats().read(values);
      for (int i = 0; i < after.size(); i++) {
        ((TFloat32) result.get(1 + i)).copyTo(state.get(i));
      }
    }
    tokens[seen++] = nextToken;
    return values;
  }

  /** A new sequence, which begins with the last half of the tokens of the full one. */
  private void slide() {
    int[] last = Arrays.copyOfRange(tokens, length - length / 2, length);
    calls.enter();
    try {
      for (TFloat32 each : state) {
        each.copyFrom(DataBuffers.of(new float[Math.toIntExact(each.size())]));
      }
      seen = 0;
    } finally {
      calls.leave();
    }
    for (int each : last) {
      next(each);
    }
  }

  /**
   * Continues a prompt until the sequence is full.
   *
   * @param prompt at least one token
   * @param count how many to add at most; fewer if the sequence is full before
   * @param sampler chooses each
   * @param listener hears each as soon as it is chosen
   * @return how many were added
   * @throws InvalidInputException if the prompt is empty, has a token out of range, or doesn't fit
   */
  public int generate(int[] prompt, int count, Sampler sampler, IntConsumer listener) {
    return generate(prompt, count, sampler, false, listener);
  }

  /**
   * Continues a prompt.
   *
   * @param prompt at least one token
   * @param count how many to add; at most so many if the window doesn't slide
   * @param sampler chooses each
   * @param sliding whether to go on when the sequence is full, as a new one that begins with the
   *     last n/2 tokens of it, read again from position 0 on. Of a prompt of more than n tokens the
   *     last n are read
   * @param listener hears each as soon as it is chosen
   * @return how many were added
   * @throws InvalidInputException if the prompt is empty, has a token out of range, or doesn't fit
   */
  public int generate(
      int[] prompt, int count, Sampler sampler, boolean sliding, IntConsumer listener) {
    if (prompt.length == 0 || (!sliding && prompt.length > length - seen)) {
      throw new InvalidInputException(
          "a prompt of 1 to %s tokens is expected, found %s%s"
              .formatted(
                  length - seen,
                  prompt.length,
                  prompt.length == 0 ? "" : "; a sliding window takes longer ones"));
    }
    float[] scores = new float[0];
    for (int i = Math.max(0, prompt.length - length); i < prompt.length; i++) {
      scores = next(prompt[i], sliding);
    }
    for (int i = 0; i < count; i++) {
      int chosen = sampler.choose(scores);
      listener.accept(chosen);
      if (i + 1 == count || (seen == length && !sliding)) {
        return i + 1;
      }
      scores = next(chosen, sliding);
    }
    return 0;
  }

  private float[] next(int token, boolean sliding) {
    if (sliding && seen == length) {
      slide();
    }
    return next(token);
  }

  /** The calls under way. */
  Calls calls() {
    return calls;
  }

  /** Waits for a token that is under way. */
  @Override
  public void close() {
    calls.close(
        () -> {
          state.forEach(TFloat32::close);
          session.close();
          graph.close();
        });
  }
}
