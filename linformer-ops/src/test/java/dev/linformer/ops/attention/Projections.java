package dev.linformer.ops.attention;

import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.projection.LearnedProjection;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TFloating;

/** Which projections the heads of a layer have. */
enum Projections {
  /** One E for the keys and values of all heads. */
  ONE,
  /** E for all keys, F for all values. */
  TWO,
  /** E and F for every head. */
  PER_HEAD,
  /** E for every head, for its keys and its values. */
  PER_HEAD_ONE,
  /** E for every head, F for all values. */
  MIXED;

  /** E and F. */
  <T extends TFloating> List<LearnedProjection<T>> declare(
      ParameterFactory<T> parameters, String prefix, int h, int k, int n) {
    return switch (this) {
      case ONE -> {
        var both = all(parameters, prefix, List.of("E", "F"), h, k, n);
        yield List.of(both, both);
      }
      case TWO ->
          List.of(
              all(parameters, prefix, List.of("E"), h, k, n),
              all(parameters, prefix, List.of("F"), h, k, n));
      case PER_HEAD ->
          List.of(
              each(parameters, prefix, List.of("E"), h, k, n),
              each(parameters, prefix, List.of("F"), h, k, n));
      case PER_HEAD_ONE -> {
        var both = each(parameters, prefix, List.of("E", "F"), h, k, n);
        yield List.of(both, both);
      }
      case MIXED ->
          List.of(
              each(parameters, prefix, List.of("E"), h, k, n),
              all(parameters, prefix, List.of("F"), h, k, n));
    };
  }

  private static <T extends TFloating> LearnedProjection<T> all(
      ParameterFactory<T> parameters, String prefix, List<String> letters, int h, int k, int n) {
    var heads =
        List.of(IntStream.range(0, h).boxed().flatMap(i -> names(prefix, letters, i)).toList());
    String name = prefix + "." + letters.get(0);
    return new LearnedProjection<>(
        parameters.create(parameter(name, ".weight", Shape.of(k, n), heads, Shape.of(k, n))),
        parameters.create(parameter(name, ".bias", Shape.of(k), heads, Shape.of(k))));
  }

  private static <T extends TFloating> LearnedProjection<T> each(
      ParameterFactory<T> parameters, String prefix, List<String> letters, int h, int k, int n) {
    var heads = IntStream.range(0, h).mapToObj(i -> names(prefix, letters, i).toList()).toList();
    String name = prefix + "." + letters.get(0);
    return new LearnedProjection<>(
        parameters.create(parameter(name, ".weight", Shape.of(h, k, n), heads, Shape.of(k, n))),
        parameters.create(parameter(name, ".bias", Shape.of(h, k), heads, Shape.of(k))));
  }

  private static Stream<String> names(String prefix, List<String> letters, int head) {
    return letters.stream().map(letter -> prefix + ".heads." + head + "." + letter);
  }

  private static Parameter parameter(
      String name, String kind, Shape shape, List<List<String>> heads, Shape part) {
    var keys =
        heads.stream().map(names -> names.stream().map(head -> head + kind).toList()).toList();
    return new Parameter(name + kind, shape, Initialization.normal(1), keys, part, true);
  }
}
