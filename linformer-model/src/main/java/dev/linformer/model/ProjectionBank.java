package dev.linformer.model;

import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.projection.LearnedProjection;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TFloating;

/**
 * The projections E and F of a model's attentions, shared as {@link ParameterSharing} says. A
 * shared one is one variable, known in state dictionaries under the key of every head that uses it.
 */
final class ProjectionBank<T extends TFloating> {

  /** E and F of one attention, the same object where they are shared. */
  record Pair<T extends TFloating>(LearnedProjection<T> keys, LearnedProjection<T> values) {}

  private final List<Pair<T>> pairs = new ArrayList<>();

  private ProjectionBank() {}

  /** Projections for attentions whose weights have the given names, in order. */
  static <T extends TFloating> ProjectionBank<T> declare(
      ParameterFactory<T> parameters,
      String prefix,
      LinformerConfig config,
      List<String> attentions) {
    ProjectionBank<T> bank = new ProjectionBank<>();
    ParameterSharing sharing = config.parameterSharing();
    if (sharing == ParameterSharing.LAYERWISE) {
      var shared = shared(parameters, prefix + "E", config, attentions, List.of("E", "F"));
      attentions.forEach(attention -> bank.pairs.add(new Pair<>(shared, shared)));
      return bank;
    }
    for (String attention : attentions) {
      List<String> one = List.of(attention);
      bank.pairs.add(
          switch (sharing) {
            case NONE ->
                new Pair<>(
                    perHead(parameters, attention, config, "E"),
                    perHead(parameters, attention, config, "F"));
            case HEADWISE ->
                new Pair<>(
                    shared(parameters, attention + ".E", config, one, List.of("E")),
                    shared(parameters, attention + ".F", config, one, List.of("F")));
            case KV, LAYERWISE -> {
              var both = shared(parameters, attention + ".E", config, one, List.of("E", "F"));
              yield new Pair<>(both, both);
            }
          });
    }
    return bank;
  }

  /** The projections of the attention with this number. */
  Pair<T> pair(int attention) {
    return pairs.get(attention);
  }

  /** One E for all heads of the given attentions: weight [k,n], bias [k]. */
  private static <T extends TFloating> LearnedProjection<T> shared(
      ParameterFactory<T> parameters,
      String name,
      LinformerConfig config,
      List<String> attentions,
      List<String> roles) {
    long n = config.sequenceLength();
    long k = config.projectedLength();
    List<String> owners =
        attentions.stream()
            .flatMap(
                attention ->
                    IntStream.range(0, config.heads())
                        .boxed()
                        .flatMap(i -> roles.stream().map(role -> key(attention, i, role))))
            .toList();
    return declare(
        parameters, name, Shape.of(k, n), Shape.of(k), config, owners, Parameter::shared);
  }

  /** One E a head, in one variable: weight [h,k,n], bias [h,k]. */
  private static <T extends TFloating> LearnedProjection<T> perHead(
      ParameterFactory<T> parameters, String attention, LinformerConfig config, String role) {
    long n = config.sequenceLength();
    long k = config.projectedLength();
    int h = config.heads();
    List<String> owners = IntStream.range(0, h).mapToObj(i -> key(attention, i, role)).toList();
    return declare(
        parameters,
        attention + "." + role,
        Shape.of(h, k, n),
        Shape.of(h, k),
        config,
        owners,
        Parameter::stacked);
  }

  private static <T extends TFloating> LearnedProjection<T> declare(
      ParameterFactory<T> parameters,
      String name,
      Shape weight,
      Shape bias,
      LinformerConfig config,
      List<String> owners,
      Form form) {
    long n = config.sequenceLength();
    return new LearnedProjection<>(
        parameters.create(
            form.parameter(
                name + ".weight",
                weight,
                Initialization.xavierNormal(n, config.projectedLength()),
                owners.stream().map(owner -> owner + ".weight").toList())),
        parameters.create(
            form.parameter(
                name + ".bias",
                bias,
                Initialization.linear(n),
                owners.stream().map(owner -> owner + ".bias").toList())));
  }

  /** How the values of a parameter belong to its keys. */
  private interface Form {
    Parameter parameter(String name, Shape shape, Initialization initialization, List<String> keys);
  }

  private static String key(String attention, int head, String role) {
    return attention + ".heads." + head + "." + role;
  }
}
