package dev.linformer.runtime.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.linformer.model.Values;
import dev.linformer.runtime.Toggle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.DeviceSpec.DeviceType;

/** Where kernels run, and what is said where they don't. */
class DevicesTest {

  private static boolean gpu() {
    return Devices.compute(DeviceType.GPU);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void withoutAWishThereAreNoneOnACpu(boolean xla) {
    assumeFalse(gpu(), "TensorFlow has a GPU here");
    assertFalse(Devices.runKernels(0));
    assertFalse(Devices.kernels(xla, Toggle.AUTO));
  }

  @Test
  void whatIsNotWishedIsNotThere() {
    assertFalse(Devices.kernels(true, Toggle.OFF));
    assertFalse(Devices.kernels(false, Toggle.OFF));
    assertFalse(Devices.kernels(false, Toggle.AUTO));
  }

  @Test
  void aWishThatACpuCannotFulfil() {
    assumeFalse(gpu(), "TensorFlow has a GPU here");
    assertEquals(
        "kernels = true, but there is no NVIDIA GPU here that they run on: leave the key out",
        refusal(true));
  }

  @Test
  void aWishWithoutXla() {
    assertEquals(
        "kernels = true, but xla is off, which compiles them: leave the key out", refusal(false));
  }

  /** Of kernels that are asked for. */
  private static String refusal(boolean xla) {
    return Values.refusal(() -> Devices.kernels(xla, Toggle.ON));
  }
}
