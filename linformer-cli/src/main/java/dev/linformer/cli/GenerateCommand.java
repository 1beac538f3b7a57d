package dev.linformer.cli;

import dev.linformer.export.Generator;
import dev.linformer.export.Sampler;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer generate}: text that continues a prompt. */
@Command(
    name = "generate",
    description = "Continues a prompt with a causal language model of bytes or of GPT-2's tokens.",
    footer = {
      "  linformer generate --model runs/books --prompt \"Once upon a time\" --top-p 0.9",
      "  linformer generate --model runs/books --prompt - < beginning.txt"
    },
    mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {

  @Option(names = "--model", required = true, description = "A model directory.")
  private Path model = Path.of("");

  @Option(
      names = "--prompt",
      required = true,
      description = "Text, at least a character; - reads it from standard input.")
  private String prompt = "";

  @Option(names = "--max-tokens", description = "Tokens to add; ${DEFAULT-VALUE} unless given.")
  private int maxTokens = 200;

  @Option(
      names = "--temperature",
      description =
          "Below 1 likelier tokens, above 1 more of the others; 0: always the likeliest. ${DEFAULT-VALUE} unless given.")
  private double temperature = 1;

  @Option(names = "--top-k", description = "Draw from the K likeliest; 0, the default: from all.")
  private int topK = 0;

  @Option(
      names = "--top-p",
      description =
          "Draw from the fewest of these, the likeliest first, whose probabilities reach P together; 1, the default: from all.")
  private double topP = 1;

  @Option(
      names = "--sliding-window",
      description =
          "Go on when input_size tokens are reached: the last half of them is read again as the"
              + " beginning of a new sequence.")
  private boolean sliding = false;

  @Option(names = "--seed", description = "Of the draws; ${DEFAULT-VALUE} unless given.")
  private long seed = 1;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    if (maxTokens < 1) {
      throw new InvalidInputException(
          "--max-tokens %s, but at least 1 is expected".formatted(maxTokens));
    }
    Sampler sampler = new Sampler(temperature, topK, topP, seed);
    ModelDirectory directory = ModelDirectory.open(model);
    Tokenizer tokenizer = tokenizer(directory);
    String beginning = prompt.equals("-") ? StandardInput.text("--prompt -") : prompt;
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    text.writeBytes(beginning.getBytes(StandardCharsets.UTF_8));
    int added;
    int length;
    TensorFlowLog.quiet(spec);
    try (Generator generator = Generator.load(directory)) {
      length = generator.length();
      added =
          generator.generate(
              tokenizer.encode(beginning),
              maxTokens,
              sampler,
              sliding,
              token -> text.writeBytes(tokenizer.decode(new int[] {token})));
    }
    spec.commandLine().getOut().println(text.toString(StandardCharsets.UTF_8));
    if (added < maxTokens) {
      spec.commandLine()
          .getErr()
          .println(
              "stopped after %s of %s tokens: the model reads input_size = %s at most, the prompt among them; --sliding-window goes on"
                  .formatted(added, maxTokens, length));
    }
    return 0;
  }

  /** The one whose tokens the model has, and none besides. */
  private static Tokenizer tokenizer(ModelDirectory directory) {
    if (directory.config() instanceof LinformerLMConfig config) {
      for (Tokenizer each : Tokenizer.values()) {
        if (each.size() == config.vocabularySize()) {
          return each;
        }
      }
      throw new InvalidInputException(
          "%s: num_tokens = %s, but %s is expected for text as bytes, or %s for GPT-2's tokens"
              .formatted(
                  directory.configFile(),
                  config.vocabularySize(),
                  Tokenizer.BYTES.size(),
                  Tokenizer.GPT2.size()));
    }
    return Tokenizer.BYTES; // the generator says what is wrong
  }
}
