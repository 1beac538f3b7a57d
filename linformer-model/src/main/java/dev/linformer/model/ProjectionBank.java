package dev.linformer.model;

import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.projection.ConvolutionProjection;
import dev.linformer.ops.projection.IdentityProjection;
import dev.linformer.ops.projection.LearnedProjection;
import dev.linformer.ops.projection.PoolingProjection;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TFloating;

/**
 * The projections E and F of a model's attentions, shared as {@link ParameterSharing} says. A
 * shared one is one variable, known in state dictionaries under the key of every head that uses it.
 */
final class ProjectionBank<T extends TFloating> {

  /** E and F of one attention, the same object where they are shared. */
  record Pair<T extends TFloating>(SequenceProjection<T> keys, SequenceProjection<T> values) {}

  /** An attention by the name of its weights, and the length it compresses to. */
  record ProjectedAttention(String name, int projectedLength) {}

  private final ParameterFactory<T> parameters;
  private final LinformerConfig config;
  private final List<Pair<T>> pairs = new ArrayList<>();

  private ProjectionBank(ParameterFactory<T> parameters, LinformerConfig config) {
    this.parameters = parameters;
    this.config = config;
  }

  /** Projections for the given attentions, in order. */
  static <T extends TFloating> ProjectionBank<T> declare(
      ParameterFactory<T> parameters,
      String prefix,
      LinformerConfig config,
      List<ProjectedAttention> attentions) {
    ProjectionBank<T> bank = new ProjectionBank<>(parameters, config);
    if (config.parameterSharing() == ParameterSharing.LAYERWISE) {
      var shared =
          bank.shared(
              prefix + "E",
              attentions.stream().map(ProjectedAttention::name).toList(),
              attentions.get(0).projectedLength(),
              "E",
              "F");
      attentions.forEach(attention -> bank.pairs.add(new Pair<>(shared, shared)));
    } else {
      attentions.forEach(attention -> bank.pairs.add(bank.pairOf(attention)));
    }
    return bank;
  }

  private Pair<T> pairOf(ProjectedAttention attention) {
    String name = attention.name();
    List<String> owner = List.of(name);
    int k = attention.projectedLength();
    return switch (config.parameterSharing()) {
      case NONE -> new Pair<>(perHead(name, k, "E"), perHead(name, k, "F"));
      case HEADWISE ->
          new Pair<>(shared(name + ".E", owner, k, "E"), shared(name + ".F", owner, k, "F"));
      case KV, LAYERWISE -> {
        var both = shared(name + ".E", owner, k, "E", "F");
        yield new Pair<>(both, both);
      }
    };
  }

  /** The projections of the attention with this number. */
  Pair<T> pair(int attention) {
    return pairs.get(attention);
  }

  /** One projection for all heads of the given attentions. */
  private SequenceProjection<T> shared(
      String name, List<String> attentions, int k, String... roles) {
    List<String> owners = new ArrayList<>();
    for (String attention : attentions) {
      for (int i = 0; i < config.heads(); i++) {
        for (String role : roles) {
          owners.add(key(attention, i, role));
        }
      }
    }
    return projection(
        k,
        (suffix, shape, initialization) ->
            parameter(
                name + suffix,
                shape,
                initialization,
                List.of(owners.stream().map(owner -> owner + suffix).toList()),
                shape));
  }

  /** A projection a head, in one variable with the head as its first axis. */
  private SequenceProjection<T> perHead(String attention, int k, String role) {
    int h = config.heads();
    return projection(
        k,
        (suffix, shape, initialization) ->
            parameter(
                attention + "." + role + suffix,
                Shape.of(h).append(shape),
                initialization,
                IntStream.range(0, h)
                    .mapToObj(i -> List.of(key(attention, i, role) + suffix))
                    .toList(),
                shape));
  }

  private static String key(String attention, int head, String role) {
    return attention + ".heads." + head + "." + role;
  }

  /** Asks for a weight of a projection, given what it is for one head. */
  private interface Weights<T extends TFloating> {
    Operand<T> create(String suffix, Shape shape, Initialization initialization);
  }

  private SequenceProjection<T> projection(int k, Weights<T> weights) {
    int n = config.sequenceLength();
    if (config.fullAttention()) {
      return new IdentityProjection<>();
    }
    return switch (config.projectionMethod()) {
      case LEARNABLE ->
          switch (config.projectionStart()) {
            case XAVIER ->
                learned(
                    weights.create(".weight", Shape.of(k, n), Initialization.xavierNormal(n, k)),
                    weights.create(".bias", Shape.of(k), Initialization.linear(n)));
            case BLOCKS ->
                learned(
                    weights.create(".weight", Shape.of(k, n), Initialization.blocks(k, n)),
                    weights.create(".bias", Shape.of(k), Initialization.ZEROS));
          };
      case NO_PARAMS ->
          learned(
              weights.create(
                  ".weight", Shape.of(k, n), Initialization.normal(1 / Math.sqrt((double) k))),
              null);
      case DCT ->
          learned(weights.create(".weight", Shape.of(k, n), Initialization.cosines(n)), null);
      case CONVOLUTION -> {
        int d = config.headDim();
        Initialization initialization = Initialization.linear((long) d * (n / k));
        yield new ConvolutionProjection<>(
            weights.create(".weight", Shape.of(d, d, n / k), initialization),
            weights.create(".bias", Shape.of(d), initialization),
            k);
      }
      case MEAN_POOL -> new PoolingProjection<>(PoolingProjection.PoolKind.MEAN, n, k);
      case MAX_POOL -> new PoolingProjection<>(PoolingProjection.PoolKind.MAX, n, k);
    };
  }

  private static <T extends TFloating> SequenceProjection<T> learned(
      Operand<T> weight, @Nullable Operand<T> bias) {
    return new LearnedProjection<>(weight, bias);
  }

  private Operand<T> parameter(
      String name,
      Shape shape,
      Initialization initialization,
      List<List<String>> slices,
      Shape sliceShape) {
    boolean trainable = !config.freezeProjections() && config.projectionMethod().isTrained();
    return parameters.create(
        new Parameter(name, shape, initialization, slices, sliceShape, trainable));
  }
}
