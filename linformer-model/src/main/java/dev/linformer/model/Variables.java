package dev.linformer.model;

import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.internal.PlainDigits;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.family.TFloating;

/**
 * Weights as variables of a graph, in the order in which they were asked for.
 *
 * <pre>{@code
 * var variables = Variables.random(tf, TFloat32.class, 7); // 7: the seed
 * var model = config.declare(variables);
 * Operand<TFloat32> y = model.call(tf, Map.of("inputs", x), null); // [b,n,c]
 * Operand<TFloat32> loss = tf.math.mean(tf.math.square(y), tf.constant(new int[] {0, 1, 2}));
 * var gradients =
 *     tf.gradients(loss, variables.trainable().stream().map(Variables.Weight::value).toList());
 * }</pre>
 *
 * <p>Every reader goes through one Identity a variable, so gradients are taken with respect to
 * {@link Weight#value}.
 */
public final class Variables<T extends TFloating> implements ParameterFactory<T> {

  /**
   * A variable of a graph.
   *
   * @param parameter what was asked for
   * @param variable the reference that updates go to
   * @param value what everybody reads
   * @param initial where the first value comes from; feeding it to {@code initializer} sets any
   *     other
   * @param initializer gives the variable the value of {@code initial}
   */
  public record Weight<T extends TFloating>(
      Parameter parameter,
      Variable<T> variable,
      Operand<T> value,
      Operand<T> initial,
      Op initializer) {}

  /** Gives a weight its initial value as an operand. */
  private interface Start<T extends TFloating> {
    Operand<T> of(Ops tf, Parameter parameter, Class<T> type);
  }

  private final Ops tf;
  private final Ops initials;
  private final Ops initializers;
  private final Class<T> type;
  private final Start<T> start;
  private final List<Weight<T>> weights = new ArrayList<>();
  private final Set<String> names = new HashSet<>();

  private Variables(Ops tf, Ops initializers, Class<T> type, Start<T> start) {
    PlainDigits.ensure(); // scopes are numbered
    this.tf = tf;
    this.initials = tf.withSubScope("initial"); // a scope goes through all operations there are
    this.initializers = initializers;
    this.type = type;
    this.start = start;
  }

  /**
   * Weights that start at random, when a session is initialised.
   *
   * @param tf the graph
   * @param type of every variable
   * @param seed of the initial values; a weight's values depend on it and on the weight's name only
   */
  public static <T extends TFloating> Variables<T> random(Ops tf, Class<T> type, long seed) {
    return new Variables<>(
        tf,
        tf.withInitScope(),
        type,
        (inner, parameter, weightType) ->
            parameter
                .initialization()
                .operand(inner, parameter.shape(), weightType, seedOf(seed, parameter.name())));
  }

  /**
   * Weights that get their values from elsewhere: the graph holds nothing that makes any.
   *
   * @param tf the graph
   * @param type of every variable
   */
  public static <T extends TFloating> Variables<T> toBeLoaded(Ops tf, Class<T> type) {
    return new Variables<>(
        tf,
        tf,
        type,
        (inner, parameter, weightType) ->
            inner.placeholder(weightType, Placeholder.shape(parameter.shape())));
  }

  /**
   * @throws IllegalArgumentException if the name is taken
   */
  @Override
  public Operand<T> create(Parameter parameter) {
    String name = parameter.name();
    if (!names.add(name)) {
      throw new IllegalArgumentException("a weight named " + name + " exists already");
    }
    Operand<T> initial = start.of(initials.withName(name), parameter, type);
    Variable<T> variable = tf.withName(name).variable(parameter.shape(), type);
    Op initializer = initializers.withName(name + ".initializer").assign(variable, initial);
    Operand<T> value = tf.withName(name + ".value").identity(variable);
    weights.add(new Weight<>(parameter, variable, value, initial, initializer));
    return value;
  }

  /** All weights so far. */
  public List<Weight<T>> weights() {
    return Collections.unmodifiableList(weights);
  }

  /** Those that training changes. */
  public List<Weight<T>> trainable() {
    return weights.stream().filter(weight -> weight.parameter().trainable()).toList();
  }

  /** A weight added later leaves the values of all others as they are. */
  private static long seedOf(long seed, String name) {
    CRC32C hash = new CRC32C();
    hash.update(name.getBytes(StandardCharsets.UTF_8));
    return new SplittableRandom(seed).nextLong() + hash.getValue();
  }
}
