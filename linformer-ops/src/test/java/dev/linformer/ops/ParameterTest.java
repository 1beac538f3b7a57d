package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.ndarray.Shape;

class ParameterTest {

  private static final Initialization INITIALIZATION = Initialization.linear(13);

  @Test
  void anOrdinaryWeightIsOnePartUnderItsName() {
    var parameter = new Parameter("w", Shape.of(17, 13), INITIALIZATION);
    assertEquals(List.of(List.of("w")), parameter.slices());
    assertEquals(Shape.of(17, 13), parameter.sliceShape());
    assertTrue(parameter.trainable());
  }

  @Test
  void slicedCutsTheFirstAxis() {
    var parameter =
        Parameter.sliced("q", Shape.of(33, 13), INITIALIZATION, List.of("q.0", "q.1", "q.2"));
    assertEquals(List.of(List.of("q.0"), List.of("q.1"), List.of("q.2")), parameter.slices());
    assertEquals(Shape.of(11, 13), parameter.sliceShape());
  }

  @Test
  void stackedTakesTheFirstAxisAway() {
    var parameter =
        Parameter.stacked("E", Shape.of(3, 5, 7), INITIALIZATION, List.of("E.0", "E.1", "E.2"));
    assertEquals(List.of(List.of("E.0"), List.of("E.1"), List.of("E.2")), parameter.slices());
    assertEquals(Shape.of(5, 7), parameter.sliceShape());
  }

  @Test
  void sharedIsOnePartUnderAllKeys() {
    var parameter = Parameter.shared("E", Shape.of(5, 7), INITIALIZATION, List.of("E.0", "E.1"));
    assertEquals(List.of(List.of("E.0", "E.1")), parameter.slices());
    assertEquals(Shape.of(5, 7), parameter.sliceShape());
  }

  @Test
  void slicesDoNotChangeAfterwards() {
    var keys = new ArrayList<>(List.of("E.0", "E.1"));
    var parameter = Parameter.shared("E", Shape.of(5, 7), INITIALIZATION, keys);
    keys.add("E.2");
    assertEquals(List.of(List.of("E.0", "E.1")), parameter.slices());
  }

  @Test
  void refusesACutThatDoesNotComeOut() {
    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> Parameter.sliced("q", Shape.of(33, 13), INITIALIZATION, List.of("q.0", "q.1")));
    assertEquals("q: axis 0 of [33, 13] cannot be cut in 2 equal parts", error.getMessage());
  }

  @Test
  void refusesPartsThatDoNotMakeUpTheWhole() {
    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> Parameter.stacked("E", Shape.of(3, 5, 7), INITIALIZATION, List.of("E.0", "E.1")));
    assertEquals("E: 2 parts of [5, 7] don't make up [3, 5, 7]", error.getMessage());
  }

  @Test
  void refusesNoParts() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new Parameter("w", Shape.of(17), INITIALIZATION, List.of(), Shape.of(17), true));
  }
}
