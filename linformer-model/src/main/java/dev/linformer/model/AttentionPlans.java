package dev.linformer.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.ops.internal.attention.ContractionPlan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * In which order each attention of a model computes its products, at the full length, and what the
 * other orders would cost.
 *
 * <pre>{@code
 * LinformerConfig config = LinformerConfig.builder(2048, 64, 128).heads(4).build();
 * System.out.println(AttentionPlans.of(config).table());
 * }</pre>
 */
public final class AttentionPlans {

  /** In the order in which they are computed. */
  private final List<AttentionOrder> attentions;

  private AttentionPlans(List<AttentionOrder> attentions) {
    this.attentions = attentions;
  }

  /**
   * An attention.
   *
   * @param name what its weights' names begin with
   * @param sizes what the order depends on
   * @param byPrefix whether it is causal and compresses prefixes: then the order is fixed
   */
  record AttentionOrder(String name, ContractionPlan.Sizes sizes, boolean byPrefix) {

    /** The order that is taken. */
    ContractionPlan chosen(boolean training) {
      return ContractionPlan.choose(sizes, training);
    }

    private String title() {
      return "%s (n %s, c %s, h %s, d %s, k %s)"
          .formatted(name, sizes.n(), sizes.c(), sizes.h(), sizes.d(), sizes.k());
    }
  }

  /** The orders of all attentions in a configuration. */
  public static AttentionPlans of(ModelConfig config) {
    List<LinformerConfig> stacks = config.stacks();
    List<AttentionOrder> all = new ArrayList<>();
    for (int i = 0; i < stacks.size(); i++) {
      String prefix = stacks.size() == 1 ? "" : i == 0 ? "encoder." : "decoder.";
      all.addAll(Linformer.attentions(prefix, stacks.get(i)));
    }
    return new AttentionPlans(all);
  }

  /**
   * The order of the first attention's products, such as {@code (E·x)·W, (x·W_Q)·K'ᵀ, (P·V')·W_O}.
   *
   * @param training whether there is a backward pass, whose cost counts, too
   */
  public String first(boolean training) {
    return attentions.get(0).chosen(training).toString();
  }

  /** All orders of an attention, the cheapest first. */
  private static List<ContractionPlan> byCost(AttentionOrder attention, boolean training) {
    return IntStream.range(0, 8)
        .mapToObj(i -> new ContractionPlan((i & 1) == 0, (i & 2) == 0, (i & 4) == 0))
        .sorted(
            Comparator.comparingDouble(
                (ContractionPlan plan) -> plan.cost(attention.sizes, training)))
        .toList();
  }

  /** Costs are relative to that of the chosen order. */
  private static double relative(AttentionOrder attention, ContractionPlan plan, boolean training) {
    return plan.cost(attention.sizes, training)
        / attention.chosen(training).cost(attention.sizes, training);
  }

  /** A table for people. */
  public String table() {
    StringBuilder table = new StringBuilder();
    for (AttentionOrder attention : attentions) {
      table.append("%s%n".formatted(attention.title()));
      if (attention.byPrefix) {
        table.append("  causal: compressed prefix by prefix, in a fixed order%n".formatted());
        continue;
      }
      for (boolean training : new boolean[] {true, false}) {
        table.append("  %s%n".formatted(training ? "training" : "inference"));
        for (ContractionPlan plan : byCost(attention, training)) {
          boolean chosen = plan.equals(attention.chosen(training));
          table.append(
              String.format(
                  Locale.ROOT,
                  "    %-48s cost %7.2f%s%n",
                  plan,
                  relative(attention, plan, training),
                  chosen ? "  chosen" : ""));
        }
      }
    }
    return table.toString().stripTrailing();
  }

  /** {@link #table} for programs: a list of objects, one an attention. */
  public ArrayNode toJson() {
    ArrayNode json = JsonNodeFactory.instance.arrayNode();
    for (AttentionOrder attention : attentions) {
      ObjectNode node =
          json.addObject().put("name", attention.name).put("by_prefix", attention.byPrefix);
      if (!attention.byPrefix) {
        for (boolean training : new boolean[] {true, false}) {
          ArrayNode orders = node.putArray(training ? "training" : "inference");
          for (ContractionPlan plan : byCost(attention, training)) {
            orders
                .addObject()
                .put("order", plan.toString())
                .put("cost", relative(attention, plan, training))
                .put("chosen", plan.equals(attention.chosen(training)));
          }
        }
      }
    }
    return json;
  }
}
