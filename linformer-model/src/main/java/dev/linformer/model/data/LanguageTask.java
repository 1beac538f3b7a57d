package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.DataSizes;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Language modelling on text files. The last tenth of the text is held out: its first half to watch
 * on, its second to measure on.
 *
 * @param kind what is predicted
 * @param data files and folders
 * @param tokenizer how text becomes tokens
 * @param validation number of windows of n tokens to watch on, at most
 * @param test number of windows to measure on, at most
 * @param seed of windows and masks
 */
public record LanguageTask(
    Kind kind, List<String> data, Tokenizer tokenizer, int validation, int test, long seed)
    implements Task {

  static final String MASKED_NAME = "masked-lm";
  static final String CAUSAL_NAME = "causal-lm";

  /** What is predicted. */
  public enum Kind {
    /**
     * 15 % of the tokens, of which 80 % are replaced by a token of their own, whose id is the
     * tokenizer's size, 10 % by any token, and 10 % left (Devlin et al., arXiv 1810.04805).
     */
    MASKED(MASKED_NAME),
    /** Every token's next one. */
    CAUSAL(CAUSAL_NAME);

    private final String word;

    Kind(String word) {
      this.word = word;
    }

    /** The task's word on the command line. */
    public String word() {
      return word;
    }
  }

  private static final int MOST_EXAMPLES = 1 << 24;

  /** Makes every check that needs no file. */
  public LanguageTask {
    data = List.copyOf(data);
    examples("num_validation", validation);
    examples("num_test", test);
  }

  static LanguageTask take(JsonObjectReader keys, Kind kind) {
    return new LanguageTask(
        kind,
        keys.texts("data"),
        keys.choice("tokenizer", Tokenizer.BYTES),
        keys.integer("num_validation", 64),
        keys.integer("num_test", 256),
        keys.longInteger("seed", 1));
  }

  static void atLeast(String key, int value, int least) {
    if (value < least) {
      throw new InvalidInputException(
          "%s = %s, but at least %s is expected".formatted(key, value, least));
    }
  }

  /**
   * Refuses a number, of examples for instance, that would never be done with, or not fit into
   * memory.
   */
  static void examples(String key, int value) {
    atLeast(key, value, 1);
    if (value > MOST_EXAMPLES) {
      throw new InvalidInputException(
          "%s = %s, but at most %s is expected".formatted(key, value, MOST_EXAMPLES));
    }
  }

  /** Refuses what isn't a language model of so many tokens. */
  static void checkModel(ModelConfig model, String source, String task, int tokens) {
    LinformerLMConfig language =
        ModelKinds.require(LinformerLMConfig.class, LinformerLMConfig.TYPE, model, source, task);
    if (language.returnEmbeddings() || language.stack().decoderMode()) {
      throw new InvalidInputException(
          "%s: the task %s needs logits and has no source: leave out return_emb and decoder_mode"
              .formatted(source, task));
    }
    ModelKinds.requireTokens(source, language.vocabularySize(), "the task " + task, tokens);
  }

  /** Id of the token that stands for a hidden one. */
  int mask() {
    return tokenizer.size();
  }

  private int tokens() {
    return kind == Kind.MASKED ? mask() + 1 : tokenizer.size();
  }

  @Override
  public String name() {
    return kind.word;
  }

  @Override
  public DataSizes sizes() {
    return new DataSizes(tokens(), 0);
  }

  @Override
  public Objective objective() {
    return Objective.classPerPosition(false);
  }

  @Override
  public void check(ModelConfig model, String source) {
    if (data.isEmpty()) {
      throw new InvalidInputException(
          "the task %s needs text: name files or folders with --data".formatted(kind.word));
    }
    checkModel(model, source, name(), tokens());
    if (kind == Kind.CAUSAL && !model.stacks().get(0).causal()) {
      throw new InvalidInputException(
          "%s: causal = false, but the task %s needs true: the model would see what it is to predict"
              .formatted(source, name()));
    }
  }

  /**
   * Reads all files once; bytes are then read where they lie, what is in gzip and other tokens from
   * a file aside.
   */
  @Override
  public TaskData open(ModelConfig model) throws IOException {
    var files = TextFiles.expand(data);
    if (tokenizer == Tokenizer.BYTES && files.stream().noneMatch(DataFile::isPacked)) {
      var survey = TextFiles.read(files, part -> {});
      return textData(model, survey, new TokenStore.Bytes(survey.files()));
    }
    TokenStore.Encoded encoded = new TokenStore.Encoded();
    try {
      var survey = TextFiles.read(files, part -> encoded.append(tokenizer.encode(part)));
      encoded.flush();
      return textData(model, survey, encoded);
    } catch (IOException | RuntimeException e) {
      encoded.close();
      throw e;
    }
  }

  private TaskData textData(ModelConfig model, TextFiles.Survey survey, TokenStore store)
      throws IOException {
    return new TextData(this, store, survey, model.stacks().get(0).sequenceLength());
  }

  @Override
  public List<Path> sources() {
    return data.stream().map(Path::of).toList();
  }

  @Override
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put(Task.NAME, name());
    ArrayNode paths = json.putArray("data");
    data.forEach(paths::add);
    return json.put("tokenizer", tokenizer.word())
        .put("num_validation", validation)
        .put("num_test", test)
        .put("seed", seed);
  }
}
