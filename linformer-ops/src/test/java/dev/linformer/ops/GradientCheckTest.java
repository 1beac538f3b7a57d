package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.opentest4j.AssertionFailedError;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;

/** The check itself must be able to say no. */
class GradientCheckTest {

  private final List<GradientCheck.Input> inputs =
      List.of(
          new GradientCheck.Input("left", Shape.of(3), 1, -2, 3),
          new GradientCheck.Input("right", Shape.of(3), 5, 7, -11));

  @Test
  void acceptsAProduct() {
    GradientCheck.check(inputs, (tf, in) -> tf.math.mul(in.get(0), in.get(1)));
  }

  @Test
  void namesTheInputWhoseGradientIsWrong() {
    var error =
        assertThrows(
            AssertionFailedError.class,
            () ->
                GradientCheck.check(
                    inputs,
                    (tf, in) -> {
                      var halfSquare = tf.math.mul(tf.stopGradient(in.get(1)), in.get(1));
                      return tf.math.mul(in.get(0), halfSquare);
                    }));
    assertTrue(
        String.valueOf(error.getMessage()).startsWith("right, value 0: "), error::getMessage);
  }

  @Test
  void namesTheInputWithoutAGradient() {
    var error =
        assertThrows(
            TFInvalidArgumentException.class,
            () ->
                GradientCheck.check(
                    inputs, (tf, in) -> tf.math.mul(in.get(0), tf.stopGradient(in.get(0)))));
    assertTrue(String.valueOf(error.getMessage()).contains("'right'"), error::getMessage);
  }

  @Test
  void seesAnErrorInTheSixthDigit() {
    assertThrows(
        AssertionFailedError.class,
        () ->
            GradientCheck.check(
                inputs,
                (tf, in) -> {
                  var small = tf.math.mul(in.get(0), tf.constant(1e-6));
                  return tf.math.add(tf.math.mul(in.get(0), in.get(1)), tf.stopGradient(small));
                }));
  }
}
