package dev.linformer.model.convert;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.io.internal.Named;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ProjectionMethod;
import dev.linformer.ops.Activation;
import dev.linformer.ops.Parameter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A model of linformer-pytorch 0.19.3, whose keys and names ours are: its Linformer, LinformerLM or
 * LinformerEncDec. What only we have is refused by name.
 *
 * <p>Its {@code causal} is a triangle over [n,k], which hides no future, as every compressed
 * position mixes all positions. Here that is {@code leaking_triangle}, and has to be asked for by
 * this name. The two agree where an encoder has full attention.
 *
 * @param config the model
 */
record LinformerPyTorch(ModelConfig config) implements ForeignModel {

  static final String NAME = "linformer-pytorch";

  private static final Pattern FREQUENCIES =
      Pattern.compile("((encoder|decoder)\\.)?pos_emb\\.inv_freq");
  private static final Pattern PROJECTION = Pattern.compile(".*\\.heads\\.\\d+\\.[EF]\\.\\w+");

  /**
   * An encoder or decoder in the model.
   *
   * @param names what its weights' names begin with
   * @param keys what its configuration's keys begin with
   */
  record Stack(String names, String keys, LinformerConfig config) {}

  /**
   * @throws InvalidInputException if linformer-pytorch has no such model
   */
  LinformerPyTorch {
    List<String> foreign = foreignOptions(config);
    if (!foreign.isEmpty()) {
      throw new InvalidInputException(
          "%s 0.19.3 has no counterpart of %s".formatted(NAME, String.join(", ", foreign)));
    }
  }

  static LinformerPyTorch read(Path file) {
    JsonObjectReader keys = JsonObjectReader.read(file);
    if (keys.text(ModelConfig.MODEL_TYPE, LinformerConfig.TYPE)
        .equals(LinformerEncDecConfig.TYPE)) {
      if (!keys.flag("dec_leaking_triangle", false)) {
        throw new InvalidInputException(
            file
                + ": the decoder of linformer-pytorch's LinformerEncDec has a mask that lets the"
                + " future through; to compute what it computes, write \"dec_leaking_triangle\":"
                + " true");
      }
    } else if (keys.flag("causal", false)
        && (!keys.flag("full_attention", false) || keys.flag("decoder_mode", false))) {
      throw new InvalidInputException(
          file
              + ": causal = true is a mask of linformer-pytorch that lets the future through, and"
              + " \"causal\" means something else here; to compute what linformer-pytorch computes,"
              + " write \"leaking_triangle\": true in its place");
    }
    try {
      return new LinformerPyTorch(
          ModelConfig.parse(new JsonObjectReader(file.toString(), keys.copy())));
    } catch (InvalidInputException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(file.toString())
          ? e
          : new InvalidInputException(file + ": " + message, e);
    }
  }

  private static List<String> foreignOptions(ModelConfig config) {
    List<String> foreign = new ArrayList<>();
    if (config instanceof LinformerClassifierConfig) {
      foreign.add("model_type = " + LinformerClassifierConfig.TYPE);
    }
    Activation activation = config.stacks().get(0).activation(); // of all stacks
    if (!activation.isInLinformerPyTorch()) {
      foreign.add("activation = " + Named.key(activation));
    }
    for (Stack stack : stacks(config)) {
      LinformerConfig c = stack.config;
      boolean isEncoderOfTwo = stack.keys.equals("enc_");
      boolean hidesFuture = c.causal() && (!c.fullAttention() || c.decoderMode());
      addIf(foreign, hidesFuture || (isEncoderOfTwo && c.causal()), stack, "causal = true");
      addIf(foreign, isEncoderOfTwo && c.leakingTriangle(), stack, "leaking_triangle = true");
      addIf(foreign, isEncoderOfTwo && c.decoderMode(), stack, "decoder_mode = true");
      addIf(foreign, c.preNorm(), stack, "pre_norm = true");
      addIf(foreign, c.oneKeyValueHead(), stack, "one_kv_head = true");
      addIf(foreign, c.gatedFeedForward(), stack, "glu = true");
      ProjectionMethod method = c.projectionMethod();
      addIf(foreign, !method.isInLinformerPyTorch(), stack, "method = " + Named.key(method));
    }
    if (config instanceof LinformerLMConfig language) {
      addPositions(foreign, "", language);
    }
    if (config instanceof LinformerEncDecConfig both) {
      addPositions(foreign, "enc_", both.encoder());
      addPositions(foreign, "dec_", both.decoder());
    }
    return foreign;
  }

  private static void addPositions(List<String> foreign, String keys, LinformerLMConfig config) {
    if (config.positions() != Positions.SINUSOID) {
      boolean learned = config.positions() == Positions.LEARNED;
      foreign.add(keys + (learned ? "learned_pos_emb = true" : "use_pos_emb = false"));
    }
  }

  private static void addIf(List<String> foreign, boolean used, Stack stack, String option) {
    if (used) {
      foreign.add(stack.keys + option);
    }
  }

  /** The model's encoder, decoder or both. */
  List<Stack> stacks() {
    return stacks(config);
  }

  private static List<Stack> stacks(ModelConfig config) {
    List<LinformerConfig> configs = config.stacks();
    return configs.size() == 1
        ? List.of(new Stack("", "", configs.get(0)))
        : List.of(
            new Stack("encoder.", "enc_", configs.get(0)),
            new Stack("decoder.", "dec_", configs.get(1)));
  }

  @Override
  public List<ForeignTensor> parts(Parameter parameter) {
    return parameter.slices().stream()
        .map(names -> new ForeignTensor(names, parameter.sliceShape(), false))
        .toList();
  }

  /**
   * The sinusoid's frequencies, a constant; and projections where full attention has no use for
   * them.
   */
  @Override
  public boolean ignores(String name) {
    return (FREQUENCIES.matcher(name).matches() && hasPositions())
        || (PROJECTION.matcher(name).matches()
            && stacks().stream()
                .filter(stack -> stack.config.fullAttention())
                .anyMatch(stack -> name.startsWith(stack.names)));
  }

  @Override
  public String whyMissing(String name) {
    return PROJECTION.matcher(name).matches()
            && stacks().stream()
                .filter(stack -> stack.config.projectionMethod().isFixedMatrix())
                .anyMatch(stack -> name.startsWith(stack.names))
        ? " (linformer-pytorch doesn't save the fixed matrices of no_params: add each head's, E.T"
            + " and F.T, under these names)"
        : "";
  }

  /** Whether the model's state dictionary has the sinusoid's frequencies. */
  boolean hasPositions() {
    return config instanceof LinformerLMConfig || config instanceof LinformerEncDecConfig;
  }

  /** Those weights of ours that the package does not save. */
  Set<Parameter> unsaved(List<Parameter> parameters) {
    return stacks().stream()
        .filter(stack -> stack.config.projectionMethod().isFixedMatrix())
        .flatMap(
            stack ->
                parameters.stream()
                    .filter(each -> each.name().startsWith(stack.names))
                    .filter(each -> PROJECTION.matcher(each.slices().get(0).get(0)).matches()))
        .collect(Collectors.toSet());
  }
}
