package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerConfigBuilder;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.ProjectionMethod;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Decoding token by token gives the logits of the whole pass. */
class GeneratorTest {

  private static final int N = 29;
  private static final int VOCABULARY = 31;

  @TempDir private Path folder = Path.of("");

  @ParameterizedTest
  @EnumSource
  void everySharing(ParameterSharing sharing) throws IOException {
    compare(Positions.SINUSOID, 14, builder().parameterSharing(sharing).build());
  }

  @Test
  void otherOptions() throws IOException {
    compare(
        Positions.LEARNED,
        11,
        builder()
            .projectionMethod(ProjectionMethod.NO_PARAMS)
            .preNorm(true)
            .oneKeyValueHead(true)
            .gatedFeedForward(true)
            .outputIntermediateDim(19)
            .build());
    compare(
        Positions.NONE,
        14,
        builder()
            .parameterSharing(ParameterSharing.HEADWISE)
            .projectedLengthStep(2)
            .oneKeyValueHead(true)
            .feedForwardIntermediate(17)
            .build());
  }

  private static LinformerConfigBuilder builder() {
    return LinformerConfig.builder(N, 14, 5)
        .headDim(7)
        .heads(3)
        .feedForwardDim(13)
        .depth(3)
        .causal(true);
  }

  private ModelDirectory directory(LinformerLMConfig config) throws IOException {
    ModelDirectory directory = ModelDirectory.create(folder.resolve("model" + config.hashCode()));
    directory.writeConfig(config);
    try (InferenceGraph inference = InferenceGraph.untrained(config, 3)) {
      inference.saveWeights(directory.weightsFile());
    }
    return directory;
  }

  private void compare(Positions positions, int embeddingDim, LinformerConfig encoder)
      throws IOException {
    var config =
        LinformerLMConfig.builder(encoder, VOCABULARY)
            .embeddingDim(embeddingDim)
            .tokenDropout(0)
            .positions(positions)
            .build();
    ModelDirectory directory = directory(config);
    try (Oracle oracle = Oracle.of(directory, Set.of());
        InferenceGraph inference = InferenceGraph.load(directory);
        Generator generator = Generator.load(directory)) {
      Feed feed = Feed.random(inference.inputs(), 1, 0, 5);
      oracle.assertClose("whole", feed, feed.run(inference));
      int[] tokens = feed.value("tokens").ints();
      float[] steps = new float[N * VOCABULARY]; // [n,v]
      for (int t = 0; t < N; t++) {
        System.arraycopy(generator.next(tokens[t]), 0, steps, t * VOCABULARY, VOCABULARY);
      }
      oracle.assertClose("step by step", feed, steps);
      assertThrows(InvalidInputException.class, () -> generator.next(0), "the sequence is full");
    }
  }

  @Test
  void equalSeedsGenerateEqualTokensAndStopAtTheEnd() throws IOException {
    var config =
        LinformerLMConfig.builder(builder().build(), VOCABULARY)
            .embeddingDim(14)
            .tokenDropout(0)
            .build();
    ModelDirectory directory = directory(config);
    List<List<Integer>> runs = new ArrayList<>();
    for (long seed : new long[] {1, 1, 2}) {
      List<Integer> chosen = new ArrayList<>();
      try (Generator generator = Generator.load(directory)) {
        int added =
            generator.generate(new int[] {1, 2}, 1000, new Sampler(1, 0, seed), chosen::add);
        assertEquals(N - 2 + 1, added);
      }
      assertEquals(N - 2 + 1, chosen.size());
      runs.add(chosen);
    }
    assertEquals(runs.get(0), runs.get(1));
    assertEquals(2, runs.stream().distinct().count());
  }

  /** When 29 tokens are there, the last 14 of them are a new sequence. */
  @ParameterizedTest
  @EnumSource
  void aSlidingWindowReadsTheLastHalfAgain(Positions positions) throws IOException {
    var config =
        LinformerLMConfig.builder(builder().build(), VOCABULARY)
            .embeddingDim(14)
            .tokenDropout(0)
            .positions(positions)
            .build();
    ModelDirectory directory = directory(config);
    Sampler likeliest = new Sampler(0, 0, 1);
    List<Integer> text = new ArrayList<>(List.of(1, 2));
    try (Generator generator = Generator.load(directory)) {
      assertEquals(60, generator.generate(new int[] {1, 2}, 60, likeliest, true, text::add));
    }
    assertEquals(62, text.size());
    for (int begin : new int[] {0, 15, 30, 45}) { // 29 − 14 tokens are left behind each time
      try (Generator fresh = Generator.load(directory)) {
        for (int at = begin; at < Math.min(begin + N, text.size() - 1); at++) {
          int next = likeliest.choose(fresh.next(text.get(at)));
          if (at + 1 > (begin == 0 ? 1 : begin + N / 2)) {
            assertEquals(next, text.get(at + 1), "token " + (at + 1));
          }
        }
      }
    }
  }

  @Test
  void aSlidingWindowReadsTheEndOfALongPrompt() throws IOException {
    var config =
        LinformerLMConfig.builder(builder().build(), VOCABULARY)
            .embeddingDim(14)
            .tokenDropout(0)
            .build();
    ModelDirectory directory = directory(config);
    int[] prompt = new SplittableRandom(5).ints(3 * N, 0, VOCABULARY).toArray();
    List<List<Integer>> texts = new ArrayList<>();
    for (int[] each : new int[][] {prompt, Arrays.copyOfRange(prompt, 2 * N, 3 * N)}) {
      List<Integer> text = new ArrayList<>();
      try (Generator generator = Generator.load(directory)) {
        generator.generate(each, 9, new Sampler(1, 0, 1), true, text::add);
      }
      texts.add(text);
    }
    assertEquals(texts.get(0), texts.get(1));
    try (Generator generator = Generator.load(directory)) {
      var error =
          assertThrows(
              InvalidInputException.class,
              () -> generator.generate(prompt, 9, new Sampler(1, 0, 1), token -> {}));
      assertEquals(
          "a prompt of 1 to 29 tokens is expected, found 87; a sliding window takes longer ones",
          error.getMessage());
    }
  }

  @Test
  void refusesWhatIsNotCausal() throws IOException {
    var config =
        LinformerLMConfig.builder(builder().causal(false).build(), VOCABULARY)
            .embeddingDim(14)
            .tokenDropout(0)
            .build();
    ModelDirectory directory = directory(config);
    var error = assertThrows(InvalidInputException.class, () -> Generator.load(directory));
    assertEquals(true, String.valueOf(error.getMessage()).contains("causal = true is expected"));
  }
}
