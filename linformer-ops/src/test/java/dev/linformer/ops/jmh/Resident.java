package dev.linformer.ops.jmh;

import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.projection.LearnedProjection;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;

/**
 * Inputs and weights as variables full of random numbers: a constant would be computed with while
 * the graph is optimised, and a fed tensor copied each time.
 */
final class Resident implements ParameterFactory<TFloat32> {

  private final Ops tf;
  private final List<Operand<TFloat32>> all = new ArrayList<>();

  Resident(Ops tf) {
    this.tf = tf;
  }

  /** All so far. */
  List<Operand<TFloat32>> all() {
    return Collections.unmodifiableList(all);
  }

  Operand<TFloat32> of(String name, long... sizes) {
    Shape shape = Shape.of(sizes);
    Variable<TFloat32> variable = tf.withName(name).variable(shape, TFloat32.class);
    Ops init = tf.withInitScope();
    Operand<TFloat32> drawn =
        init.random.statelessRandomNormal(
            init.constant(sizes), init.constant(new long[] {name.hashCode(), 2}));
    float scale = (float) (1 / Math.sqrt((double) sizes[sizes.length - 1]));
    init.assign(variable, init.math.mul(drawn, init.constant(scale)));
    Operand<TFloat32> value = tf.identity(variable);
    all.add(value);
    return value;
  }

  @Override
  public Operand<TFloat32> create(Parameter parameter) {
    return of(parameter.name(), parameter.shape().asArray());
  }

  LearnedProjection<TFloat32> projection(long k, long n) {
    return new LearnedProjection<>(of("E", k, n), of("E.bias", k)); // [k,n], [k]
  }
}
