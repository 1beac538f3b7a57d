package dev.linformer.model.convert;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerConfigBuilder;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ParameterSharing;
import dev.linformer.ops.Parameter;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.ndarray.Shape;

/**
 * A model of linformer 0.2.3, by lucidrains, described by its constructor's keywords: its
 * Linformer, or, with {@code num_tokens}, its LinformerLM. Here that is a model with {@code
 * pre_norm}, an E and an F a layer, a feed-forward part four times as wide, and learned positions.
 *
 * <p>The output is the same; training goes on differently in three ways. That package has no bias
 * in E and F: it starts at 0 here, and learns. With {@code share_kv} its values are its keys: here
 * they begin as a copy, and part from then on. And its dropout is at fewer places.
 *
 * @param config the model here
 * @param sharesKeys whether its values are its keys
 */
record Lucidrains(ModelConfig config, boolean sharesKeys) implements ForeignModel {

  static final String NAME = "linformer";

  private static final Pattern IN_A_LAYER =
      Pattern.compile("(linformer\\.)?seq\\.(\\d+)\\.(?:fn\\.)?(.*)");

  static Lucidrains read(Path file) {
    JsonObjectReader keys = JsonObjectReader.read(file);
    int dim = keys.integer("dim");
    LinformerConfigBuilder builder =
        LinformerConfig.builder(keys.integer("seq_len"), dim, keys.integer("k", 256))
            .depth(keys.integer("depth"))
            .heads(keys.integer("heads", 8))
            .oneKeyValueHead(keys.flag("one_kv_head", false))
            .parameterSharing(ParameterSharing.HEADWISE)
            .feedForwardDim((int) Math.min(4L * dim, Integer.MAX_VALUE))
            .preNorm(true);
    Integer headDim = keys.optionalInteger("dim_head");
    if (headDim != null) {
      builder.headDim(headDim);
    }
    double dropout = keys.number("dropout", 0);
    builder.dropout(dropout).feedForwardDropout(dropout);
    boolean sharesKeys = keys.flag("share_kv", false);
    Integer tokens = keys.optionalInteger("num_tokens");
    if (keys.flag("reversible", false)) {
      throw keys.invalid("reversible", true, "false: reversible layers compute something else,");
    }
    keys.refuseTheRest();
    try {
      LinformerConfig encoder = builder.build();
      return new Lucidrains(
          tokens == null
              ? encoder
              : LinformerLMConfig.builder(encoder, tokens)
                  .tokenDropout(0)
                  .positions(Positions.LEARNED)
                  .build(),
          sharesKeys);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          "%s: %s (input_size is seq_len, channels is dim, dim_k is k, nhead is heads, dim_d is"
                  .formatted(file, e.getMessage())
              + " dim_head)",
          e);
    }
  }

  @Override
  public List<ForeignTensor> parts(Parameter parameter) {
    Matcher layer = IN_A_LAYER.matcher(parameter.name());
    if (!layer.matches()) {
      return same(parameter.name().replace("to_token_emb", "token_emb"), parameter.shape());
    }
    int place = Integer.parseInt(layer.group(2));
    String prefix = layer.group(1) == null ? "" : layer.group(1);
    String start = "%snet.layers.%s.%s.".formatted(prefix, place / 2, place % 2);
    String name = layer.group(3);
    return switch (name) {
      case "E.bias", "F.bias" -> List.of();
      case "E.weight" -> transposed(start + "fn.proj_k", parameter.shape());
      case "F.weight" ->
          transposed(start + (sharesKeys ? "fn.proj_k" : "fn.proj_v"), parameter.shape());
      case "to_v.weight" ->
          same(start + (sharesKeys ? "fn.to_k.weight" : "fn.to_v.weight"), parameter.shape());
      case "norm.weight", "norm.bias" -> same(start + name, parameter.shape());
      default ->
          same(
              start
                  + "fn."
                  + name.replace("w_o.", "to_out.").replace("w_1.", "w1.").replace("w_2.", "w2."),
              parameter.shape());
    };
  }

  private static List<ForeignTensor> same(String name, Shape shape) {
    return List.of(new ForeignTensor(List.of(name), shape, false));
  }

  private static List<ForeignTensor> transposed(String name, Shape shape) {
    Shape there = Shape.of(shape.get(1), shape.get(0));
    return List.of(new ForeignTensor(List.of(name), there, true));
  }

  @Override
  public boolean ignores(String name) {
    return false;
  }

  @Override
  public String whyMissing(String name) {
    return "";
  }
}
